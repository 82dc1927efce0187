/* Sums in the one order that every target keeps. */

GF_INLINE double f64_sum_lanes(f64x8 x) {
    double t[8];
    f64_store(t, x);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* Sum of v[0..3], lane by lane and then across. */
GF_INLINE double f64_sum_four(const f64x8 v[4]) {
    return f64_sum_lanes(f64_add(f64_add(v[0], v[1]), f64_add(v[2], v[3])));
}
