/* Tables and coefficients of elementary.h, found and written by tables.py: do not edit. */
#ifndef GF_TABLES_H
#define GF_TABLES_H

#include <stdint.h>

#define GF_LOG_OFFSET_F32 0x3f350000u
static const float gf_log_c_f32[8] = {
    0x1.5ac21e0000000p+0f,
    0x1.3fb2840000000p+0f,
    0x1.2889480000000p+0f,
    0x1.1483e20000000p+0f,
    0x1.0000000000000p+0f,
    0x1.d0cb4e0000000p-1f,
    0x1.a16e400000000p-1f,
    0x1.7acf9c0000000p-1f,
};

static const float gf_log_log_c_f32[8] = {
    0x1.36bbb80000000p-2f,
    0x1.c70f5a0000000p-3f,
    0x1.2d0a2a0000000p-3f,
    0x1.3bc0de0000000p-4f,
    0x0.0p+0f,
    -0x1.8c34be0000000p-4f,
    -0x1.a236d80000000p-3f,
    -0x1.3484a80000000p-2f,
};

/* |r| <= 0.05674; relative error of log1p 2^-26.29 */
static const float gf_log_q_f32[4] = {
    0x1.fffff20000000p-2f,
    -0x1.5555480000000p-2f,
    0x1.008cf20000000p-2f,
    -0x1.9a8b3e0000000p-3f,
};

/* |r| <= 0.3467; relative error of exp 2^-26.5 */
static const float gf_exp_p_f32[5] = {
    0x1.0000000000000p-1f,
    0x1.5554dc0000000p-3f,
    0x1.55551a0000000p-5f,
    0x1.120b800000000p-7f,
    0x1.6d111c0000000p-10f,
};

#define GF_LOG_OFFSET_F64 0x3fe6700000000000ull
static const double gf_log_c_f64[16] = {
    0x1.6524f853b4a9bp+0,
    0x1.56397ba7c52e8p+0,
    0x1.4880522014862p+0,
    0x1.3bd60d923293bp+0,
    0x1.301c82ac403e5p+0,
    0x1.2539d7e91762dp+0,
    0x1.1b17c67f2bae8p+0,
    0x1.11a3019a74833p+0,
    0x1.08cabb37565dfp+0,
    0x1.0000000000000p+0,
    0x1.e3a9179dc1a6fp-1,
    0x1.c8b265afb88b4p-1,
    0x1.b094b31d9211bp-1,
    0x1.9ae24ea550f57p-1,
    0x1.87427bcc092a1p-1,
    0x1.756cac2017405p-1,
};

static const double gf_log_log_c_f64[16] = {
    0x1.54f431b7be191p-2,
    0x1.2941afb186b8ep-2,
    0x1.feb2233ea0710p-3,
    0x1.ae2ca6f672b2fp-3,
    0x1.60b3100b09eb0p-3,
    0x1.160c8024b1d13p-3,
    0x1.9c0c32d4d2595p-4,
    0x1.10e45b3cae8ecp-4,
    0x1.149e3e4005a30p-5,
    0x0.0p+0,
    -0x1.d276b8adb0b9ap-5,
    -0x1.d4313d66cc14fp-4,
    -0x1.59338d99827cap-3,
    -0x1.c2968558c204bp-3,
    -0x1.136870293a8efp-2,
    -0x1.432ef2a04ebeep-2,
};

/* |r| <= 0.02952; relative error of log1p 2^-56.06 */
static const double gf_log_q_f64[8] = {
    0x1.ffffffffffff8p-2,
    -0x1.555555555554ep-2,
    0x1.0000000048de9p-2,
    -0x1.9999999a1e17cp-3,
    0x1.5555489360377p-3,
    -0x1.24923d8b759d9p-3,
    0x1.005b7820ed8aap-3,
    -0x1.c7c2c13623846p-4,
};

/* |r| <= 0.02167; relative error of exp 2^-64.42 */
static const double gf_exp_p_f64[6] = {
    0x1.0000000000001p-1,
    0x1.5555555555556p-3,
    0x1.55555554e92b7p-5,
    0x1.11111110e0fe8p-7,
    0x1.6c17ed7241d34p-10,
    0x1.a01b0c502da4ep-13,
};

/* The unit of the exponential's reduction; its high part times n is exact for |n| < 2^9. */
#define GF_EXP_PER_UNIT_F32 0x1.7154760000000p+0f
#define GF_EXP_UNIT_HIGH_F32 0x1.62e8000000000p-1f
#define GF_EXP_UNIT_LOW_F32 -0x1.e8082e0000000p-16f

/* The unit of the exponential's reduction; its high part times n is exact for |n| < 2^16. */
#define GF_EXP_PER_UNIT_F64 0x1.71547652b82fep+4
#define GF_EXP_UNIT_HIGH_F64 0x1.62e42fefa0000p-5
#define GF_EXP_UNIT_LOW_F64 0x1.cf79abc9e3b3ap-44

/* 2^(j/16) and what rounding it lost. */
static const double gf_exp_power_f64[16] = {
    0x1.0000000000000p+0,
    0x1.0b5586cf9890fp+0,
    0x1.172b83c7d517bp+0,
    0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0,
    0x1.3dea64c123422p+0,
    0x1.4bfdad5362a27p+0,
    0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0,
    0x1.7a11473eb0187p+0,
    0x1.8ace5422aa0dbp+0,
    0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0,
    0x1.c199bdd85529cp+0,
    0x1.d5818dcfba487p+0,
    0x1.ea4afa2a490dap+0,
};

static const double gf_exp_power_low_f64[16] = {
    0x0.0p+0,
    0x1.8a62e4adc610bp-54,
    -0x1.19041b9d78a76p-55,
    0x1.9b07eb6c70573p-54,
    0x1.6f46ad23182e4p-55,
    0x1.ada0911f09ebcp-55,
    0x1.d4397afec42e2p-56,
    0x1.6324c054647adp-54,
    -0x1.bdd3413b26456p-54,
    -0x1.41577ee04992fp-55,
    0x1.6e9f156864b27p-54,
    0x1.c7c46b071f2bep-56,
    0x1.7a1cd345dcc81p-54,
    0x1.11065895048ddp-55,
    0x1.2ed02d75b3707p-55,
    -0x1.e9c23179c2893p-54,
};

#define GF_LN2_F32 0x1.62e4300000000p-1f
#define GF_LN2_F64 0x1.62e42fefa39efp-1
#define GF_LN2_LOW_F64 0x1.abc9e3b39803fp-56

#endif
