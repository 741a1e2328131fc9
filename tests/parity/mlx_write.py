#!/usr/bin/env python3
"""Quantize a Hugging Face checkpoint folder into one as MLX writes them, and say what it means.

    mlx_write.py HF_FOLDER MLX_FOLDER F32_FOLDER [--bits 4] [--group 64] [--scales bf16|f16|f32]
                 [--mixed FIRST] [--shards N]

HF_FOLDER holds model.safetensors (gguf_to_hf.py writes such folders). MLX_FOLDER becomes the
quantized checkpoint, F32_FOLDER an ordinary one that has the same numbers in f32: scale * q + bias.
With --mixed every matrix has bits and a group size of its own, all 18 combinations in turn from
the FIRST on, said in config.json for each; the second matrix is not quantized, and config.json says
this too. Everything here is independent of the C code.
"""

import argparse
import array
import json
import pathlib
import shutil
import struct

import gguf_to_hf

BITS, GROUPS = (2, 3, 4, 5, 6, 8), (32, 64, 128)
MATRICES = ("_proj.weight", "embed_tokens.weight", "lm_head.weight")


def read_safetensors(path):
    """name -> (dtype, shape, bytes)"""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return tensors


def numbers(dtype, data):
    """The values of a float tensor as an array('f')."""
    if dtype == "F32":
        return array.array("f", data)
    if dtype == "F16":
        return array.array("f", struct.unpack(f"<{len(data) // 2}e", data))
    wide = bytearray(2 * len(data))  # a bf16 is the upper half of a float
    wide[2::4], wide[3::4] = data[0::2], data[1::2]
    return array.array("f", bytes(wide))


def narrow(value, dtype):
    """The bytes of the nearest number of this type, ties to even."""
    if dtype == "F16":
        return struct.pack("<e", value)
    if dtype == "F32":
        return struct.pack("<f", value)
    whole = struct.unpack("<I", struct.pack("<f", value))[0]
    return struct.pack("<H", whole + 0x7fff + (whole >> 16 & 1) >> 16)


def quantize_group(values, bits, dtype, counts_down):
    """(q, scale, bias): levels and the bytes of two numbers. MLX's groups count up from the least
    value or, with a negative scale, down from the greatest."""
    top = (1 << bits) - 1
    low, high = min(values), max(values)
    edge, step = (high, (low - high) / top) if counts_down else (low, (high - low) / top)
    scale, bias = narrow(step, dtype), narrow(edge, dtype)
    s, b = numbers(dtype, scale)[0], numbers(dtype, bias)[0]
    if s == 0:
        return [0] * len(values), scale, bias
    return [min(max(round((value - b) / s), 0), top) for value in values], scale, bias


def pack(levels, bits):
    """The levels as one little-endian number, the first in its lowest bits."""
    number = 0
    for level in reversed(levels):
        number = number << bits | level
    return number.to_bytes(len(levels) * bits // 8, "little")


def quantize(tensor, bits, group, dtype):
    """(words, scales, biases, the same as f32), each (dtype, shape, bytes)."""
    source, (rows, cols), data = tensor
    values = numbers(source, data)
    words, scales, biases, exact = bytearray(), bytearray(), bytearray(), array.array("f")
    for at in range(0, len(values), group):
        q, scale, bias = quantize_group(values[at:at + group], bits, dtype, at // group % 2 == 1)
        words += pack(q, bits)
        scales += scale
        biases += bias
        s, b = numbers(dtype, scale)[0], numbers(dtype, bias)[0]
        products = array.array("f", [s * level for level in q])  # rounded, then the sums
        exact.extend([product + b for product in products])
    small = [rows, cols // group]
    return (("U32", [rows, cols * bits // 32], bytes(words)), (dtype, small, bytes(scales)),
            (dtype, small, bytes(biases)), ("F32", [rows, cols], exact.tobytes()))


def settings_of(names, options):
    """name of a matrix -> (bits, group), or None: not quantized."""
    if options.mixed is None:
        return dict.fromkeys(names, (options.bits, options.group))
    every = [(bits, group) for bits in BITS for group in GROUPS]
    settings = {name: every[(options.mixed + i) % len(every)] for i, name in enumerate(names)}
    settings[names[1]] = None
    return settings


def write_folder(folder, source, config, tensors, n_shards):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("generation_config.json", "tokenizer.json"):
        shutil.copy(source / name, folder)
    (folder / "config.json").write_text(json.dumps(config, indent=4))
    if n_shards == 1:
        gguf_to_hf.write_safetensors(folder / "model.safetensors", tensors)
    else:
        gguf_to_hf.write_shards(folder, tensors, n_shards)


def main():
    parser = argparse.ArgumentParser()
    for name in ("source", "mlx", "f32"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--group", type=int, default=64)
    parser.add_argument("--scales", choices=("bf16", "f16", "f32"), default="bf16")
    parser.add_argument("--mixed", type=int)
    parser.add_argument("--shards", type=int, default=1)
    options = parser.parse_args()

    config = json.loads((options.source / "config.json").read_text())
    source = read_safetensors(options.source / "model.safetensors")
    settings = settings_of([name for name in source if name.endswith(MATRICES)], options)
    own, mlx, f32 = {}, {}, {}
    for name, tensor in source.items():
        matrix = name.removesuffix(".weight")
        if settings.get(name):
            bits, group = settings[name]
            parts = quantize(tensor, bits, group, options.scales.upper())
            mlx |= zip((name, matrix + ".scales", matrix + ".biases"), parts)
            f32[name] = parts[-1]
            own[matrix] = {"group_size": group, "bits": bits}
        else:
            mlx[name] = tensor
            f32[name] = ("F32", tensor[1], numbers(*tensor[::2]).tobytes())
            if name in settings:
                own[matrix] = False
    quantization = {"group_size": options.group, "bits": options.bits, "mode": "affine"}
    if options.mixed is not None:
        quantization |= own
    quantized = config | {"quantization": quantization, "quantization_config": quantization}
    write_folder(options.mlx, options.source, quantized, mlx, options.shards)
    write_folder(options.f32, options.source, config, f32, 1)


if __name__ == "__main__":
    main()
