/* Which targets this compiler and CPU family can be compiled for. */
#ifndef GF_AVAILABLE_H
#define GF_AVAILABLE_H

/* Intrinsics need no compiler flag in MSVC, and in gcc and clang a pragma inside the target's own file. */
#if defined(__x86_64__) || defined(_M_X64)
#define GF_HAVE_X86 1
#else
#define GF_HAVE_X86 0
#endif

#if defined(__aarch64__) || defined(_M_ARM64)
#define GF_HAVE_NEON 1
#else
#define GF_HAVE_NEON 0
#endif

#endif
