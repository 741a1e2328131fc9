#!/usr/bin/env python3
"""AEON's rounding beside llama.cpp's, tensor by tensor of the same size.

    test_quantizers.py QUANTIZE_ROWS [--table]      --table prints docs/quantization.md's figures

For every block type, with and without importance: llama.cpp reads our blocks as exactly the values
that we read, and the (weighted) root-mean-square error of our rows is not above that of its own.
"""

import array
import ctypes
import math
import pathlib
import random
import subprocess
import sys

import gguf
from quantize import LIBRARIES

MODEL = pathlib.Path(__file__).parents[2] / "models/aeon-tiny.gguf"
N_COLS, N_ROWS = 1024, 32

# ggml_type, and how its library spells the name
TYPES = {"q8_0": (8, "q8_0"), "q6_k": (14, "q6_K"), "q5_k": (13, "q5_K"), "q5_1": (7, "q5_1"),
         "q5_0": (6, "q5_0"), "q4_k": (12, "q4_K"), "q4_1": (3, "q4_1"), "q4_0": (2, "q4_0"),
         "iq4_nl": (20, "iq4_nl"), "iq4_xs": (23, "iq4_xs"), "q3_k": (11, "q3_K"),
         "q2_k": (10, "q2_K")}

ggml = ctypes.CDLL(str(LIBRARIES / "libggml-base.so"))
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                                     ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
                                     ctypes.c_void_p]


def address(values):
    return values.buffer_info()[0] if values is not None else None


def peer_reads(name, blocks, count):
    values = array.array("f", bytes(4 * count))
    read = getattr(ggml, f"dequantize_row_{TYPES[name][1]}")
    read(ctypes.c_char_p(blocks), ctypes.c_void_p(address(values)), ctypes.c_int64(count))
    return values


def peer_rounds(name, rows, importance):
    out = ctypes.create_string_buffer(4 * len(rows))
    size = ggml.ggml_quantize_chunk(TYPES[name][0], address(rows), out, 0, len(rows) // N_COLS,
                                    N_COLS, address(importance))
    return peer_reads(name, out.raw[:size], len(rows))


def we_round(tool, name, rows, importance):
    """The values that our blocks stand for; the peer's reader finds the same."""
    command = [tool, name, str(N_COLS)] + (["importance"] if importance else [])
    given = (importance.tobytes() if importance else b"") + rows.tobytes()
    out = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
    n_rows = len(rows) // N_COLS
    assert len(out) % n_rows == 0, f"{name}: {len(out)} bytes for {n_rows} rows"
    whole = len(out) // n_rows
    blocks, values = b"", b""
    for at in range(0, len(out), whole):
        blocks += out[at:at + whole - 4 * N_COLS]
        values += out[at + whole - 4 * N_COLS:at + whole]
    values = array.array("f", values)
    assert peer_reads(name, blocks, len(rows)) == values, f"{name}: llama.cpp reads other values"
    return values


def relative_error(rows, values, importance):
    weights = importance.tolist() * (len(rows) // N_COLS) if importance else [1.0] * len(rows)
    lost = sum(w * (x - y) ** 2 for x, y, w in zip(rows, values, weights))
    return math.sqrt(lost / sum(w * x * x for x, w in zip(rows, weights)))


def inputs():
    """name -> rows"""
    r, count = random.Random(7), N_COLS * N_ROWS
    bell = [r.gauss(0, 0.02) for _ in range(count)]
    yield "bell", array.array("f", bell)
    yield "Laplace", array.array("f", (r.choice((-1, 1)) * r.expovariate(50) for _ in bell))
    yield "outliers", array.array("f", (x * (8 if r.random() < 0.01 else 1) for x in bell))
    file = gguf.read(MODEL)  # its matrices are in Q8_0
    matrix = file.tensors["blk.2.ffn_up.weight"]
    assert matrix.type == TYPES["q8_0"][0]
    yield "trained", peer_reads("q8_0", matrix.data, count)


def main():
    tool, is_table = sys.argv[1], "--table" in sys.argv
    r = random.Random(8)
    weights = array.array("f", (r.gauss(0, 1) ** 2 * math.exp(r.gauss(0, 1))
                                for _ in range(N_COLS)))
    worse = []
    for title, rows in inputs():
        for importance in (None, weights):
            for name in TYPES:
                ours = relative_error(rows, we_round(tool, name, rows, importance), importance)
                theirs = relative_error(rows, peer_rounds(name, rows, importance), importance)
                where = f"{title}{', importance' if importance else ''}: {name}"
                if is_table:
                    print(f"{where:32} {100 * ours:8.4f} {100 * theirs:8.4f} "
                          f"{ours / theirs if theirs else 1:7.3f}")
                if not ours <= theirs:
                    worse.append(f"{where}: {ours:.6f}, llama.cpp {theirs:.6f}")
    if worse:
        sys.exit("rounds worse than llama.cpp:\n  " + "\n  ".join(worse))
    print(f"{len(TYPES)} types, 4 kinds of rows, with and without importance: never behind")


if __name__ == "__main__":
    main()
