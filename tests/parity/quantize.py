#!/usr/bin/env python3
"""Quantize a GGUF file with llama.cpp itself: the peer's own files, to be read by AEON.

    quantize.py IN.gguf OUT.gguf TYPE      f32 gives the values that a quantized file stands for

The npm package carries llama.cpp's library; its JavaScript has no quantizer, the library has.
"""

import ctypes
import pathlib
import sys

LIBRARIES = pathlib.Path(__file__).parent / "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"

# llama_ftype of llama.h
FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10,
              "q3_k": 12, "q4_k": 15, "q5_k": 17, "q6_k": 18, "iq4_nl": 25, "iq4_xs": 30,
              "bf16": 32}


class Params(ctypes.Structure):
    """llama_model_quantize_params: its first fields, and room for the others."""
    _fields_ = [("n_threads", ctypes.c_int32), ("file_type", ctypes.c_int32),
                ("output_type", ctypes.c_int32), ("embedding_type", ctypes.c_int32),
                ("allow_requantize", ctypes.c_bool), ("rest", ctypes.c_byte * 239)]


def quantize(source, target, type_):
    llama = ctypes.CDLL(next(LIBRARIES.glob("libllama.v*.so")))
    quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    llama.llama_log_set(quiet, None)
    llama.llama_model_quantize_default_params.restype = Params
    params = llama.llama_model_quantize_default_params()
    params.n_threads, params.file_type = 1, FILE_TYPES[type_]
    params.allow_requantize = type_ == "f32"
    llama.llama_backend_init()
    if llama.llama_model_quantize(str(source).encode(), str(target).encode(),
                                  ctypes.byref(params)) != 0:
        sys.exit(f"llama.cpp could not quantize {source} to {type_}")


if __name__ == "__main__":
    quantize(*sys.argv[1:])
