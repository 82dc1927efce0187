/* The targets compiled in, best first, and which of them this CPU and operating system can run. */
#include "gumbel_fast.h"
#include "targets/available.h"

#define GF_STRING(a) #a
#define GF_NUMBER(a) GF_STRING(a)
#if defined(__clang__)
const char gf_compiler[] = "clang " __clang_version__;
#elif defined(__GNUC__)
const char gf_compiler[] = "gcc " __VERSION__;
#elif defined(_MSC_VER)
const char gf_compiler[] = "MSVC " GF_NUMBER(_MSC_VER);
#else
const char gf_compiler[] = "unknown";
#endif

#if GF_HAVE_X86
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

extern const gf_kernels gf_target_avx2, gf_target_avx512;

typedef struct {
    uint32_t eax, ebx, ecx, edx;
} cpuid_registers;

static cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf) {
    cpuid_registers r = {0, 0, 0, 0};
#if defined(_MSC_VER) && !defined(__clang__)
    int v[4];
    __cpuid(v, 0);
    if ((uint32_t)v[0] >= leaf) {
        __cpuidex(v, (int)leaf, (int)subleaf);
        r = (cpuid_registers){(uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], (uint32_t)v[3]};
    }
#else
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

/* Which registers the operating system saves: bits 1, 2 for xmm and ymm, 5 to 7 for the mask and zmm registers. */
static uint64_t saved_registers(void) {
#if defined(_MSC_VER) && !defined(__clang__)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
#endif
}

enum {
    LEAF1_ECX_FMA = 1 << 12,
    LEAF1_ECX_OSXSAVE = 1 << 27,
    LEAF1_ECX_F16C = 1 << 29,
    LEAF7_EBX_AVX2 = 1 << 5,
    LEAF7_EBX_AVX512F = 1 << 16,
    LEAF7_EBX_AVX512DQ = 1 << 17,
    LEAF7_EBX_AVX512BW = 1 << 30,
};
#define LEAF7_EBX_AVX512VL (1u << 31)
#define SAVED_YMM 0x06u
#define SAVED_ZMM 0xe6u

static int usable_avx2(void) {
    const uint32_t needed = LEAF1_ECX_FMA | LEAF1_ECX_OSXSAVE | LEAF1_ECX_F16C;
    return (cpuid(1, 0).ecx & needed) == needed && (saved_registers() & SAVED_YMM) == SAVED_YMM &&
           (cpuid(7, 0).ebx & LEAF7_EBX_AVX2);
}

static int usable_avx512(void) {
    const uint32_t needed = (uint32_t)LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512DQ | LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL;
    return usable_avx2() && (saved_registers() & SAVED_ZMM) == SAVED_ZMM && (cpuid(7, 0).ebx & needed) == needed;
}
#endif

#if GF_HAVE_NEON
extern const gf_kernels gf_target_neon;
#endif
extern const gf_kernels gf_target_scalar;

const gf_kernels *const gf_targets[] = {
#if GF_HAVE_X86
    &gf_target_avx512,
    &gf_target_avx2,
#endif
#if GF_HAVE_NEON
    &gf_target_neon,
#endif
    &gf_target_scalar,
    NULL,
};

int gf_target_usable(const gf_kernels *target) {
#if GF_HAVE_X86
    if (target == &gf_target_avx512)
        return usable_avx512();
    if (target == &gf_target_avx2)
        return usable_avx2();
#endif
    (void)target; /* AArch64 has NEON always, and every CPU runs scalar */
    return 1;
}
