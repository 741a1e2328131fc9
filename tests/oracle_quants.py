#!/usr/bin/env python3
"""An independent reader and writer of GGUF block types, to compare the C code with.

    oracle_quants.py to   TYPE COUNT SEED    COUNT times: a random block, its values as f32
    oracle_quants.py from TYPE COUNT SEED    COUNT times: values as f32, their block

Binary, little-endian, on standard output. Written from the definition of the format, one value at
a time, with Python's own half-precision packing. Every product, quotient, sum and difference is
rounded to f32 by itself: a double holds more than twice the digits of a float, so computing in
double and rounding once gives exactly the rounding of f32 arithmetic.
"""

import random
import struct
import sys

IQ4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def half(block, at):
    return struct.unpack_from("<e", block, at)[0]


def signed(byte):
    return byte - 256 if byte > 127 else byte


def bit(number, i):
    return (number >> i) & 1


def nibbles(data):
    """Values of blocks of 32: all low halves of the bytes, then all high halves."""
    return [b % 16 for b in data] + [b // 16 for b in data]


# ---- reading: block -> list of f32 ----


def read_q4_0(b):
    d = half(b, 0)
    return [f32(d * (q - 8)) for q in nibbles(b[2:])]


def read_q4_1(b):
    d, m = half(b, 0), half(b, 2)
    return [f32(f32(d * q) + m) for q in nibbles(b[4:])]


def read_q5_0(b):
    d, top = half(b, 0), int.from_bytes(b[2:6], "little")
    return [f32(d * (q + 16 * bit(top, i) - 16)) for i, q in enumerate(nibbles(b[6:]))]


def read_q5_1(b):
    d, m, top = half(b, 0), half(b, 2), int.from_bytes(b[4:8], "little")
    return [f32(f32(d * (q + 16 * bit(top, i))) + m) for i, q in enumerate(nibbles(b[8:]))]


def read_q8_0(b):
    d = half(b, 0)
    return [f32(d * signed(q)) for q in b[2:]]


def read_iq4_nl(b):
    d = half(b, 0)
    return [f32(d * IQ4[q]) for q in nibbles(b[2:])]


def scaled(d, scale, q):
    return f32(f32(d * scale) * q)


def affine(d, scale, q, dmin, minimum):
    return f32(scaled(d, scale, q) - f32(dmin * minimum))


def read_q2_k(b):
    scales, qs, d, dmin = b[0:16], b[16:80], half(b, 80), half(b, 82)
    out, group = [], 0
    for part in (qs[:32], qs[32:]):
        for shift in (0, 2, 4, 6):
            for sixteen in (part[:16], part[16:]):
                s = scales[group]
                out += [affine(d, s % 16, (q >> shift) % 4, dmin, s // 16) for q in sixteen]
                group += 1
    return out


def q3_scale(packed, j):
    """Scale j of 16: the four low bits run through bytes 0-7 twice, the two high ones through
    bytes 8-11 four times."""
    low = packed[j] & 0x0F if j < 8 else packed[j - 8] >> 4
    turn, byte = divmod(j, 4)
    high = (packed[8 + byte] // 4**turn) % 4
    return low + 16 * high - 32


def read_q3_k(b):
    hmask, qs, packed, d = b[0:32], b[32:96], b[96:108], half(b, 108)
    out, group, mask = [], 0, 1
    for part in (qs[:32], qs[32:]):
        for shift in (0, 2, 4, 6):
            for start in (0, 16):
                s = q3_scale(packed, group)
                for l in range(start, start + 16):
                    q = (part[l] >> shift) % 4 - (0 if hmask[l] & mask else 4)
                    out.append(scaled(d, s, q))
                group += 1
            mask *= 2
    return out


def k_scale_min(packed, j):
    if j < 4:
        return packed[j] & 63, packed[j + 4] & 63
    scale = (packed[j + 4] & 15) + 16 * (packed[j - 4] >> 6)
    minimum = (packed[j + 4] >> 4) + 16 * (packed[j] >> 6)
    return scale, minimum


def read_q4_k(b):
    d, dmin, packed, qs = half(b, 0), half(b, 2), b[4:16], b[16:]
    out = []
    for j in range(4):
        part = qs[32 * j : 32 * j + 32]
        s, m = k_scale_min(packed, 2 * j)
        out += [affine(d, s, q % 16, dmin, m) for q in part]
        s, m = k_scale_min(packed, 2 * j + 1)
        out += [affine(d, s, q // 16, dmin, m) for q in part]
    return out


def read_q5_k(b):
    d, dmin, packed, qh, qs = half(b, 0), half(b, 2), b[4:16], b[16:48], b[48:]
    out, mask = [], 1
    for j in range(4):
        part = qs[32 * j : 32 * j + 32]
        s, m = k_scale_min(packed, 2 * j)
        out += [affine(d, s, q % 16 + 16 * bool(h & mask), dmin, m) for q, h in zip(part, qh)]
        mask *= 2
        s, m = k_scale_min(packed, 2 * j + 1)
        out += [affine(d, s, q // 16 + 16 * bool(h & mask), dmin, m) for q, h in zip(part, qh)]
        mask *= 2
    return out


def read_q6_k(b):
    ql, qh, scales, d = b[0:128], b[128:192], b[192:208], half(b, 208)
    out = [0.0] * 256
    for n in range(2):
        low, high, s = ql[64 * n :], qh[32 * n :], scales[8 * n :]
        for l in range(32):
            qs = (
                low[l] % 16 + 16 * (high[l] % 4),
                low[l + 32] % 16 + 16 * (high[l] // 4 % 4),
                low[l] // 16 + 16 * (high[l] // 16 % 4),
                low[l + 32] // 16 + 16 * (high[l] // 64),
            )
            for quarter, q in enumerate(qs):
                scale = signed(s[2 * quarter + l // 16])
                out[128 * n + 32 * quarter + l] = scaled(d, scale, q - 32)
    return out


def read_iq4_xs(b):
    d, scales_h, scales_l, qs = half(b, 0), int.from_bytes(b[2:4], "little"), b[4:8], b[8:]
    out = []
    for g in range(8):
        low = scales_l[g // 2] // (16 if g % 2 else 1) % 16
        scale = low + 16 * (scales_h // 4**g % 4) - 32
        out += [scaled(d, scale, IQ4[q]) for q in nibbles(qs[16 * g : 16 * g + 16])]
    return out


def brain(block, at):
    return struct.unpack("<f", b"\0\0" + block[at : at + 2])[0]


def mlx_reader(bits, group, number):
    def read(b):
        s, m, data = number(b, 0), number(b, 2), b[4:]
        if bits == 4:
            runs = [nibbles(data[i : i + 16]) for i in range(0, len(data), 16)]
            data = [q for run in runs for q in run]
        return [f32(f32(s * q) + m) for q in data]

    return (4 + group * bits // 8, (0, 2), read)


# name: bytes of a block, places of its half-precision numbers, reader
READERS = {
    "q4_0": (18, (0,), read_q4_0),
    "q4_1": (20, (0, 2), read_q4_1),
    "q5_0": (22, (0,), read_q5_0),
    "q5_1": (24, (0, 2), read_q5_1),
    "q8_0": (34, (0,), read_q8_0),
    "q2_k": (84, (80, 82), read_q2_k),
    "q3_k": (110, (108,), read_q3_k),
    "q4_k": (144, (0, 2), read_q4_k),
    "q5_k": (176, (0, 2), read_q5_k),
    "q6_k": (210, (208,), read_q6_k),
    "iq4_nl": (18, (0,), read_iq4_nl),
    "iq4_xs": (136, (0,), read_iq4_xs),
    **{
        f"mlx{bits}_{group}_{name}": mlx_reader(bits, group, number)
        for bits in (4, 8)
        for group in (32, 64, 128)
        for name, number in (("f16", half), ("bf16", brain))
    },
}

# ---- writing: list of 32 f32 -> block ----


def extreme(values):
    return max(values, key=abs)


def inverse(d):
    return f32(1 / d) if d else 0.0


def write_q4_0(values):
    d = f32(extreme(values) / -8)
    q = [max(0, min(15, int(f32(f32(v * inverse(d)) + 8.5)))) for v in values]
    return struct.pack("<e", d) + bytes(q[i] + 16 * q[i + 16] for i in range(16))


def round_away(v):
    """To the nearest integer, halves away from zero; v is an f32, so v + 0.5 is exact in double."""
    return int(v + 0.5) if v >= 0 else -int(-v + 0.5)


def write_q8_0(values):
    d = f32(abs(extreme(values)) / 127)
    q = [max(-127, min(127, round_away(f32(v * inverse(d))))) for v in values]
    return struct.pack("<e32b", d, *q)


WRITERS = {"q4_0": write_q4_0, "q8_0": write_q8_0}

# ---- test vectors ----


def random_half(rng, name):
    """Any finite half: zeros, subnormals and both signs included. As bfloat16 such a number may be
    so large that its products would leave the range of f32."""
    return rng.choice((0, 0x8000)) | rng.randrange(0x7000 if name.endswith("bf16") else 0x7C00)


def put_blocks(name, count, rng, out):
    size, halves, read = READERS[name]
    for _ in range(count):
        block = bytearray(rng.randrange(256) for _ in range(size))
        for at in halves:
            struct.pack_into("<H", block, at, random_half(rng, name))
        values = read(bytes(block))
        out.write(block + struct.pack("<%df" % len(values), *values))


def put_rows(name, count, rng, out):
    for _ in range(count):
        size = 2.0 ** rng.randrange(-12, 12)
        values = [f32(rng.gauss(0, size)) for _ in range(32)]
        out.write(struct.pack("<32f", *values) + WRITERS[name](values))


def main():
    try:
        direction, name, count, seed = sys.argv[1:]
        put = {"to": put_blocks, "from": put_rows}[direction]
        put(name, int(count), random.Random(int(seed)), sys.stdout.buffer)
    except (ValueError, KeyError):
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
