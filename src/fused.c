/* Fused multiply-adds of our own, by integers (double) and by an error-free sum (float), and the choice between them
 * and the C library's. fused.h says what they are for. */
#include "fused.h"
#include "simd/common.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int is_finite(double x) { return x - x == 0; }

/* -- double: significands of 128 bits ---------------------------------------------------------------------------- */

typedef struct {
    uint64_t high, low;
} wide;

/* word != 0 */
static int leading_zeros(uint64_t word) {
    int count = 0;
    for (int step = 32; step; step /= 2)
        if (!(word >> (64 - step))) {
            word <<= step;
            count += step;
        }
    return count;
}

/* |x| = significand * 2^exponent for finite x != 0; the significand has 63 bits, of which the last ten are 0. */
static uint64_t significand_of(double x, int *exponent) {
    const uint64_t bits = bits_of(x) & UINT64_MAX >> 1, fraction = bits & UINT64_MAX >> 12;
    const int biased = (int)(bits >> 52);
    if (biased) {
        *exponent = biased - 1085;
        return (fraction | (uint64_t)1 << 52) << 10;
    }
    const int shift = leading_zeros(fraction) - 1;
    *exponent = -1074 - shift;
    return fraction << shift;
}

/* w / 2^n for n >= 0, rounded to odd: the last bit is 1 where bits were lost. To round the result once more, to fewer
 * bits, is then the same as to round w. */
static wide shift_right(wide w, int n) {
    uint64_t lost;
    if (n == 0)
        return w;
    if (n < 64) {
        lost = w.low << (64 - n);
        w = (wide){w.high >> n, w.high << (64 - n) | w.low >> n};
    } else if (n < 128) {
        lost = w.low | (n > 64 ? w.high << (128 - n) : 0);
        w = (wide){0, w.high >> (n - 64)};
    } else {
        lost = w.high | w.low;
        w = (wide){0, 0};
    }
    w.low |= lost != 0;
    return w;
}

static wide add(wide x, wide y) {
    const uint64_t low = x.low + y.low;
    return (wide){x.high + y.high + (low < y.low), low};
}

static wide subtract(wide x, wide y) { return (wide){x.high - y.high - (x.low < y.low), x.low - y.low}; }

static int is_less(wide x, wide y) { return x.high < y.high || (x.high == y.high && x.low < y.low); }

/* w * 2^exponent to nearest even, w != 0, with the sign bit of `sign`. */
static double rounded(wide w, int exponent, uint64_t sign) {
    if (!w.high) {
        w = (wide){w.low, 0};
        exponent -= 64;
    }
    const int zeros = leading_zeros(w.high);
    if (zeros)
        w = (wide){w.high << zeros | w.low >> (64 - zeros), w.low << zeros};
    const uint64_t word = w.high | (w.low != 0);
    exponent += 64 - zeros; /* of the last bit of the word, whose first is set */
    if (exponent > 960)
        return of_bits(sign | (uint64_t)0x7ff << 52);
    const int last = exponent + 11 > -1074 ? exponent + 11 : -1074, dropped = last - exponent;
    if (dropped > 64)
        return of_bits(sign);
    const uint64_t rest = word << (64 - dropped), half = (uint64_t)1 << 63;
    uint64_t kept = dropped < 64 ? word >> dropped : 0;
    kept += rest > half || (rest == half && (kept & 1));
    return of_bits(sign | (((uint64_t)(last + 1074) << 52) + kept)); /* its leading bit counts in the exponent */
}

/* Product and z have their leading bits at 124 or 125, and at 124; the one of the lesser exponent is shifted down to
 * the other's. Where it loses bits it is below 2^106, so that nothing cancels and the sum's last bits are far below
 * what is kept of it. */
double gf_own_fma(double x, double y, double z) {
    if (!is_finite(x) || !is_finite(y) || x == 0 || y == 0)
        return x * y + z;
    if (!is_finite(z))
        return z + z;
    if (z == 0)
        return x * y; /* whose sign a product has that is rounded to 0 */
    const uint64_t top = (uint64_t)1 << 63;
    uint64_t sign = (bits_of(x) ^ bits_of(y)) & top;
    int exponent, exponent_y, exponent_z;
    wide product, added;
    product.high = significand_of(x, &exponent);
    product.high = gf_multiply_high(product.high, significand_of(y, &exponent_y), &product.low);
    added.high = significand_of(z, &exponent_z);
    added = (wide){added.high >> 2, added.high << 62};
    exponent += exponent_y;
    exponent_z -= 62;
    if (exponent >= exponent_z)
        added = shift_right(added, exponent - exponent_z);
    else {
        product = shift_right(product, exponent_z - exponent);
        exponent = exponent_z;
    }
    if (sign == (bits_of(z) & top))
        return rounded(add(product, added), exponent, sign);
    if (is_less(product, added))
        return rounded(subtract(added, product), exponent, sign ^ top);
    product = subtract(product, added);
    return product.high | product.low ? rounded(product, exponent, sign) : 0;
}

/* -- float: the product is exact in double, and the sum is rounded to odd there ----------------------------------- */

float gf_own_fmaf(float x, float y, float z) {
    const double product = (double)x * y, sum = product + z;
    const double part = sum - product, error = (product - (sum - part)) + (z - part);
    const uint64_t bits = bits_of(sum);
    if ((error < 0 || error > 0) && !(bits & 1)) /* not NaN, as where the sum is infinite */
        return (float)of_bits((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
    return (float)sum;
}

/* -- what is tried ------------------------------------------------------------------------------------------------ */

/* Three of these at a time: products that end half way between two numbers, where a third that is tiny decides; that
 * cancel but for their last bits; results that are subnormal, or 0 of either sign, or overflow after the sum alone. */
static const double hard[] = {
    0,
    -0.0,
    -1,
    0x1.0000000000001p0,
    -0x1.0000000000002p0,
    0x1.0000002p0, /* 1 + 2^-27, */
    0x1.0000004p0, /* with 1 + 2^-26 half way */
    -0x1.0000006p0,
    0x1.fffffffffffffp-1,
    -0x1.8p-53,
    0x1p-1074,
    -0x1p-1022,
    0x1.0000000000001p-540,
    0x1.fffffffffffffp1023,
    -0x1.0000000000001p970,
    INFINITY,
};
static const float hard_floats[] = {
    0,
    -0.0f,
    -1,
    0x1.000002p0f,
    -0x1.000004p0f,
    0x1.001p0f, /* its square is half way */
    -0x1.002p0f,
    0x1.fffffep-1f,
    -0x1.8p-24f,
    0x1p-149f,
    -0x1p-126f,
    0x1.000002p-70f,
    0x1.fffffep127f,
    -0x1.000002p103f,
    INFINITY,
};

enum { ANY_CASES = 1000 }; /* what is wrong in a hundredth of all passes with probability 4e-5 */

/* An exponent near 0 and any other bits; the sum may cancel, whole or in part. */
static uint64_t any_word(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 32;
}
static double any_double(uint64_t *state) {
    const uint64_t word = any_word(state);
    return of_bits((word & (UINT64_MAX >> 12 | (uint64_t)1 << 63)) | (1020 + (word >> 52 & 7)) << 52);
}

static int is_same(double x, double y) { return bits_of(x) == bits_of(y) || (x != x && y != y); }

int gf_fma_is_right(double (*f)(double x, double y, double z)) {
    uint64_t state = 1;
    for (size_t i = 0; i < COUNT(hard); i++)
        for (size_t j = i; j < COUNT(hard); j++)
            for (size_t k = 0; k < COUNT(hard); k++)
                if (!is_same(f(hard[i], hard[j], hard[k]), gf_own_fma(hard[i], hard[j], hard[k])))
                    return 0;
    for (int i = 0; i < ANY_CASES; i++) {
        const double x = any_double(&state), y = any_double(&state);
        const double z = i % 2 ? any_double(&state) : -(x * y);
        if (!is_same(f(x, y, z), gf_own_fma(x, y, z)))
            return 0;
    }
    return 1;
}

int gf_fmaf_is_right(float (*f)(float x, float y, float z)) {
    uint64_t state = 1;
    for (size_t i = 0; i < COUNT(hard_floats); i++)
        for (size_t j = i; j < COUNT(hard_floats); j++)
            for (size_t k = 0; k < COUNT(hard_floats); k++) {
                const float x = hard_floats[i], y = hard_floats[j], z = hard_floats[k];
                if (!is_same(f(x, y, z), gf_own_fmaf(x, y, z)))
                    return 0;
            }
    for (int i = 0; i < ANY_CASES; i++) {
        const float x = (float)any_double(&state), y = (float)any_double(&state);
        const float z = i % 2 ? (float)any_double(&state) : -(x * y);
        if (!is_same(f(x, y, z), gf_own_fmaf(x, y, z)))
            return 0;
    }
    return 1;
}

/* -- the choice --------------------------------------------------------------------------------------------------- */

#if GF_FMA_INLINE
gf_fma_kind gf_choose_fma(int own) {
    (void)own;
    return GF_FMA_INSTRUCTION;
}
#else
double (*gf_fma)(double x, double y, double z) = gf_own_fma;
float (*gf_fmaf)(float x, float y, float z) = gf_own_fmaf;

gf_fma_kind gf_choose_fma(int own) {
    gf_fma = !own && gf_fma_is_right(fma) ? fma : gf_own_fma;
    gf_fmaf = !own && gf_fmaf_is_right(fmaf) ? fmaf : gf_own_fmaf;
    return gf_fma == gf_own_fma || gf_fmaf == gf_own_fmaf ? GF_FMA_OWN : GF_FMA_LIBRARY;
}
#endif
