"""Finds the tables and polynomial coefficients of elementary.h and writes them to tables.h.

Run ``python src/kernels/tables.py`` (needs mpmath) to write the file again, ``--check`` to compare only.

Logarithm.  y = 2^k z with z in [OFFSET, 2 OFFSET) as a float; the mantissa bits after OFFSET pick a bin of z.
Each bin has a constant c near 1/z, so that r = z c - 1 is small, and

    -log y = log c - k log 2 - log1p(r),    -log1p(r) = -r + r^2 Q(r).

The bin that holds 1 has c = 1 and log c = 0: there r = y - 1 is exact and the result keeps its relative precision.
Elsewhere c is the number near the middle of the bin whose logarithm lies closest to a machine number.

Exponential.  float:  exp x = 2^n (1 + r + r^2 P(r)),  n = rint(x / log 2),  |r| <= log(2)/2.
double: exp x = 2^n 2^(j/16) (1 + r + r^2 P(r)),  16 n + j = rint(16 x / log 2),  |r| <= log(2)/32.

Q and P are interpolated at Chebyshev nodes, within a few per cent of the minimax error; the error is printed beside.
"""

import argparse
import struct
import sys
from pathlib import Path

import mpmath as mp

mp.mp.prec = 200


def as_float(x):
    """Round to the nearest float."""
    return struct.unpack("<f", struct.pack("<f", float(x)))[0]


FORMATS = {
    "F32": {"round": as_float, "bits": ("<f", "<I"), "mantissa": 23, "bins": 8, "offset": 0x3F350000, "degree": 3},
    "F64": {
        "round": float,
        "bits": ("<d", "<Q"),
        "mantissa": 52,
        "bins": 16,
        "offset": 0x3FE6700000000000,
        "degree": 7,
    },
}


def value_of(fmt, bits):
    """The machine number with these bits."""
    real, integer = fmt["bits"]
    return struct.unpack(real, struct.pack(integer, bits))[0]


def next_after(fmt, x, steps):
    """The machine number so many steps from x > 0."""
    real, integer = fmt["bits"]
    return value_of(fmt, struct.unpack(integer, struct.pack(real, x))[0] + steps)


def bins(fmt):
    """(c, log c) for each bin, and the largest |r|."""
    step = 1 << (fmt["mantissa"] - fmt["bins"].bit_length() + 1)
    rows, widest = [], mp.mpf(0)
    for i in range(fmt["bins"]):
        low, high = (mp.mpf(value_of(fmt, fmt["offset"] + j * step)) for j in (i, i + 1))
        if low < 1 < high:
            c = 1.0
        else:
            middle = fmt["round"](2 / (low + high))

            def miss(c):
                exact = mp.log(mp.mpf(c))
                return abs((mp.mpf(fmt["round"](exact)) - exact) / exact)

            c = min((next_after(fmt, middle, s) for s in range(-400, 401)), key=miss)
        rows.append((c, fmt["round"](mp.log(mp.mpf(c)))))
        widest = max(widest, abs(low * c - 1), abs(high * c - 1))
    return rows, widest


def chebyshev_fit(f, degree, half_width):
    """Coefficients, lowest first, of the polynomial through f at the Chebyshev nodes of [-half_width, half_width]."""
    n = degree + 1
    nodes = [half_width * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    matrix = mp.matrix(n, n)
    for i, x in enumerate(nodes):
        for j in range(n):
            matrix[i, j] = x**j
    return list(mp.lu_solve(matrix, mp.matrix([f(x) for x in nodes])))


def worst(f, coefficients, half_width, scale):
    """Greatest |polynomial - f| * scale(x) on a grid, as a power of two."""
    grid = [half_width * mp.mpf(i) / 500 for i in range(-500, 501) if i]
    error = max(abs(mp.polyval(coefficients[::-1], x) - f(x)) * scale(x) for x in grid)
    return mp.log(error, 2)


def log_remainder(r):
    """Q(r) = (r - log1p(r)) / r^2."""
    if abs(r) < mp.mpf(2) ** -40:
        return mp.mpf(1) / 2 - r / 3
    return (r - mp.log1p(r)) / r**2


def exp_remainder(r):
    """P(r) = (exp(r) - 1 - r) / r^2."""
    if abs(r) < mp.mpf(2) ** -40:
        return mp.mpf(1) / 2 + r / 6
    return (mp.expm1(r) - r) / r**2


def hexadecimal(x, suffix):
    """A C literal."""
    return float(x).hex() + suffix


def array(name, ctype, values, suffix):
    """A C array definition."""
    body = ",\n    ".join(hexadecimal(v, suffix) for v in values)
    return f"static const {ctype} {name}[{len(values)}] = {{\n    {body},\n}};\n"


def split(x, rounder, drop_bits):
    """x = high + low with the last `drop_bits` bits of high zero, so that small integers times high are exact."""
    scale = mp.mpf(2) ** (mp.floor(mp.log(x, 2)) + 1 - drop_bits)
    high = mp.nint(x / scale) * scale
    return rounder(high), rounder(x - high)


def generate():
    """The text of tables.h."""
    out = [
        "/* Tables and coefficients of elementary.h, found and written by tables.py: do not edit. */",
        "#ifndef GF_TABLES_H\n#define GF_TABLES_H\n",
        "#include <stdint.h>\n",
    ]
    for name, fmt in FORMATS.items():
        small, ctype, suffix = name.lower(), {"F32": "float", "F64": "double"}[name], {"F32": "f", "F64": ""}[name]
        rounder = fmt["round"]
        rows, widest = bins(fmt)
        q = [rounder(c) for c in chebyshev_fit(log_remainder, fmt["degree"], widest)]
        error = worst(log_remainder, q, widest, lambda r: r**2 / abs(mp.log1p(r)))
        width = {"F32": 8, "F64": 16}[name]
        out.append(f"#define GF_LOG_OFFSET_{name} {fmt['offset']:#0{width + 2}x}u{'' if name == 'F32' else 'll'}")
        out.append(array(f"gf_log_c_{small}", ctype, [c for c, _ in rows], suffix))
        out.append(array(f"gf_log_log_c_{small}", ctype, [lc for _, lc in rows], suffix))
        out.append(f"/* |r| <= {mp.nstr(widest, 4)}; relative error of log1p 2^{mp.nstr(error, 4)} */")
        out.append(array(f"gf_log_q_{small}", ctype, q, suffix))
        degree, half = {"F32": (4, mp.log(2) / 2), "F64": (5, mp.log(2) / 32)}[name]
        half *= 1 + mp.mpf(2) ** -12  # n is the rounding of a rounded product
        p = [rounder(c) for c in chebyshev_fit(exp_remainder, degree, half)]
        error = worst(exp_remainder, p, half, lambda r: r**2 / mp.exp(r))
        out.append(f"/* |r| <= {mp.nstr(half, 4)}; relative error of exp 2^{mp.nstr(error, 4)} */")
        out.append(array(f"gf_exp_p_{small}", ctype, p, suffix))
    for name, unit, bits in (("F32", mp.log(2), 14), ("F64", mp.log(2) / 16, 36)):
        suffix = {"F32": "f", "F64": ""}[name]
        high, low = split(unit, FORMATS[name]["round"], bits)
        most = {"F32": 9, "F64": 16}[name]
        out.append(f"/* The unit of the exponential's reduction; its high part times n is exact for |n| < 2^{most}. */")
        out.append(f"#define GF_EXP_PER_UNIT_{name} {hexadecimal(FORMATS[name]['round'](1 / unit), suffix)}")
        out.append(f"#define GF_EXP_UNIT_HIGH_{name} {hexadecimal(high, suffix)}")
        out.append(f"#define GF_EXP_UNIT_LOW_{name} {hexadecimal(low, suffix)}\n")
    powers = [mp.mpf(2) ** (mp.mpf(j) / 16) for j in range(16)]
    out.append("/* 2^(j/16) and what rounding it lost. */")
    out.append(array("gf_exp_power_f64", "double", [float(p) for p in powers], ""))
    out.append(array("gf_exp_power_low_f64", "double", [float(p - float(p)) for p in powers], ""))
    out.append(f"#define GF_LN2_F32 {hexadecimal(as_float(mp.log(2)), 'f')}")
    out.append(f"#define GF_LN2_F64 {hexadecimal(float(mp.log(2)), '')}")
    out.append(f"#define GF_LN2_LOW_F64 {hexadecimal(float(mp.log(2) - float(mp.log(2))), '')}\n")
    out.append("#endif")
    return "\n".join(out) + "\n"


def main():
    """Write tables.h, or compare it with what would be written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 if tables.h differs from what would be written")
    check = parser.parse_args().check
    path, text = Path(__file__).with_name("tables.h"), generate()
    if check:
        return int(path.read_text() != text)
    path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
