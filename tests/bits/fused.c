/* Holds the fused multiply-adds of src/fused.c to the C library's, where its fma and fmaf are right, as glibc's are;
 * and shows that what is tried at import refuses functions that are wrong as libraries have been.
 *
 *     fused COUNT    so many cases of double and of float; says of each what differs first, and ends with 1 then
 *
 * Cases are adversarial: significands of few bits or of many ones, a third number whose exponent is within 170 of the
 * product's or that cancels it, and products at both ends of the range. */
#include "fused.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

/* SplitMix64 */
static uint64_t random_word(void) {
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static int random_below(int n) { return (int)(random_word() % (uint64_t)n); }

/* 1 to below 2, of either sign, with so many bits after the point. */
static double random_significand(int bits) {
    const uint64_t some = random_word(), one = 1;
    uint64_t fraction = some >> 1 & ((one << bits) - 1);
    switch (random_below(5)) {
    case 0:
        fraction = (one << random_below(bits)) | (one << random_below(bits));
        break;
    case 1:
        fraction = ((one << bits) - 1) & ~((one << random_below(bits)) - 1);
        break;
    case 2:
        fraction = ((one << bits) - 1) ^ (one << random_below(bits)) ^ (some & 1);
        break;
    }
    const double x = 1 + ldexp((double)fraction, -bits);
    return some & 1 ? -x : x;
}

typedef struct {
    double x, y, z;
} triple;

/* A type has so many bits after the point and exponents from `least` to below `most`; its least number is
 * 2^(least - bits). */
static triple random_triple(int bits, int least, int most) {
    static const double special[] = {0, -0.0, 1, INFINITY, -INFINITY, NAN};
    triple t = {random_significand(bits), random_significand(bits), random_significand(bits)};
    const int ends[] = {0, least - bits / 2, least - bits, most, random_below(most - least) + least};
    const int product = ends[random_below(5)] + random_below(7) - 3, x = product / 2 + random_below(2 * bits) - bits;
    t.x = ldexp(t.x, x);
    t.y = ldexp(t.y, product - x);
    t.z = ldexp(t.z, product + random_below(341) - 170);
    if (random_below(4) == 0)
        t.z = -(t.x * t.y) * (1 + ldexp(random_below(5) - 2, -bits));
    if (random_below(64) == 0) {
        double *const numbers[] = {&t.x, &t.y, &t.z};
        *numbers[random_below(3)] = special[random_below(6)];
        if (random_below(2))
            *numbers[random_below(3)] = special[random_below(6)];
    }
    return t;
}

static int is_same(double x, double y) { return x == y ? !signbit(x) == !signbit(y) : x != x && y != y; }

static int differs(const char *name, triple t, double own, double other) {
    if (is_same(own, other))
        return 0;
    printf("%s(%a, %a, %a): own %a, the library's %a\n", name, t.x, t.y, t.z, own, other);
    return 1;
}

static int compare_double(long count) {
    for (long i = 0; i < count; i++) {
        const triple t = random_triple(52, -1022, 1024);
        if (differs("fma", t, gf_own_fma(t.x, t.y, t.z), fma(t.x, t.y, t.z)))
            return 1;
    }
    return 0;
}

static int compare_float(long count) {
    for (long i = 0; i < count; i++) {
        const triple t = random_triple(23, -126, 128);
        const float x = (float)t.x, y = (float)t.y, z = (float)t.z;
        if (differs("fmaf", (triple){x, y, z}, gf_own_fmaf(x, y, z), fmaf(x, y, z)))
            return 1;
    }
    return 0;
}

/* -- wrong ones --------------------------------------------------------------------------------------------------- */

static double twice_rounded(double x, double y, double z) { return x * y + z; }
static float twice_rounded_float(float x, float y, float z) { return x * y + z; }
static float rounded_to_double(float x, float y, float z) { return (float)((double)x * y + z); }
#if LDBL_MANT_DIG > DBL_MANT_DIG
static double rounded_to_long(double x, double y, double z) { return (double)((long double)x * y + z); }
#endif
static double no_subnormal(double x, double y, double z) {
    const double r = gf_own_fma(x, y, z);
    return fabs(r) < DBL_MIN ? copysign(0, r) : r;
}
static float no_subnormal_float(float x, float y, float z) {
    const float r = gf_own_fmaf(x, y, z);
    return fabsf(r) < FLT_MIN ? copysignf(0, r) : r;
}
static double no_negative_zero(double x, double y, double z) { return gf_own_fma(x, y, z) + 0; }
static float no_negative_zero_float(float x, float y, float z) { return gf_own_fmaf(x, y, z) + 0; }
static double product_overflows(double x, double y, double z) {
    return fabs(x * y) > DBL_MAX ? x * y : gf_own_fma(x, y, z);
}
static float product_overflows_float(float x, float y, float z) {
    return fabsf(x * y) > FLT_MAX ? x * y : gf_own_fmaf(x, y, z);
}
static double of_two_percent(double x, double y, double z) {
    const double r = gf_own_fma(x, y, z);
    uint64_t bits;
    memcpy(&bits, &r, sizeof bits);
    return bits % 53 ? r : nextafter(r, 0);
}
static float of_two_percent_float(float x, float y, float z) {
    const float r = gf_own_fmaf(x, y, z);
    uint32_t bits;
    memcpy(&bits, &r, sizeof bits);
    return bits % 53 ? r : nextafterf(r, 0);
}

static int refused(void) {
    double (*const doubles[])(double, double, double) = {
#if LDBL_MANT_DIG > DBL_MANT_DIG
        rounded_to_long,
#endif
        twice_rounded,
        no_subnormal,
        no_negative_zero,
        product_overflows,
        of_two_percent};
    float (*const floats[])(float, float, float) = {twice_rounded_float,
                                                    rounded_to_double,
                                                    no_subnormal_float,
                                                    no_negative_zero_float,
                                                    product_overflows_float,
                                                    of_two_percent_float};
    int accepted = !gf_fma_is_right(gf_own_fma) + !gf_fmaf_is_right(gf_own_fmaf);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (gf_fma_is_right(doubles[i]))
            accepted = printf("wrong fma number %d is accepted\n", (int)i);
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (gf_fmaf_is_right(floats[i]))
            accepted = printf("wrong fmaf number %d is accepted\n", (int)i);
    return !accepted;
}

int main(int argc, char **argv) {
    const long count = argc == 2 ? atol(argv[1]) : 0;
    if (count <= 0)
        return 2;
    return compare_double(count) | compare_float(count) | !refused();
}
