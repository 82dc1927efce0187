/* The floating-point environment that kernels run in, the default one: rounding to nearest, subnormal numbers kept, no traps. A
 * library in the same process may have set another for the thread; the bits of results do not depend on it. */
#ifndef GF_ENVIRONMENT_H
#define GF_ENVIRONMENT_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64) || defined(__SSE2__)
#include <immintrin.h>
#define GF_CONTROL_DEFAULT 0x1f80u /* of MXCSR, whose six lowest bits are flags */
#define GF_CONTROL_BITS 0xffc0u
static inline uint64_t gf_control(void) { return _mm_getcsr(); }
static inline void gf_set_control(uint64_t control) { _mm_setcsr((unsigned)control); }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
#define GF_CONTROL_DEFAULT 0u
#define GF_CONTROL_BITS 0x07ff9f07u /* of FPCR: all but reserved ones */
static inline uint64_t gf_control(void) {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
static inline void gf_set_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
#else
#include <fenv.h>
#define GF_CONTROL_DEFAULT ((uint64_t)FE_TONEAREST)
#define GF_CONTROL_BITS UINT64_MAX
static inline uint64_t gf_control(void) { return (uint64_t)fegetround(); }
static inline void gf_set_control(uint64_t control) { fesetround((int)control); }
#endif

/* Sets the default, where it is not set, and returns what gf_leave restores. */
static inline uint64_t gf_enter(void) {
    const uint64_t found = gf_control();
    if ((found & GF_CONTROL_BITS) != GF_CONTROL_DEFAULT)
        gf_set_control(GF_CONTROL_DEFAULT);
    return found;
}

static inline void gf_leave(uint64_t found) {
    if ((found & GF_CONTROL_BITS) != GF_CONTROL_DEFAULT)
        gf_set_control(found);
}

#endif
