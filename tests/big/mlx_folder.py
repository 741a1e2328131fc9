"""An MLX checkpoint folder of the exact shape of Phi-4-mini, written in a stream: random words, the
same scale and bias for all groups. Its vocabulary is that of a small model; other tokens are unused.
"""

import json
import os
import shutil
import struct

VOCAB, WIDTH, FF, LAYERS, HEADS, KV_HEADS, HEAD = 200064, 3072, 8192, 32, 24, 8, 128
SCALE, BIAS, ONE = 2.0 ** -8, -7.5 * 2.0 ** -8, 1.0  # 4 bits: values from -0.03 to 0.03


def bf16(value):
    return struct.pack("<f", value)[2:]


def parts(group):
    """(name, dtype, shape, bytes of data, what the data repeats)"""
    matrices = {"model.embed_tokens": (VOCAB, WIDTH)}
    norms = ["model.norm"]
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        matrices |= {layer + "self_attn.qkv_proj": ((HEADS + 2 * KV_HEADS) * HEAD, WIDTH),
                     layer + "self_attn.o_proj": (WIDTH, HEADS * HEAD),
                     layer + "mlp.gate_up_proj": (2 * FF, WIDTH),
                     layer + "mlp.down_proj": (WIDTH, FF)}
        norms += [layer + "input_layernorm", layer + "post_attention_layernorm"]
    words = os.urandom(1 << 24)
    for name, (rows, cols) in matrices.items():
        yield name + ".weight", "U32", [rows, cols // 8], rows * cols // 2, words
        for part, value in ((".scales", SCALE), (".biases", BIAS)):
            shape = [rows, cols // group]
            yield name + part, "BF16", shape, 2 * shape[0] * shape[1], bf16(value) * (1 << 20)
    for name in norms:
        yield name + ".weight", "BF16", [WIDTH], 2 * WIDTH, bf16(ONE) * WIDTH


def write(folder, small, group=64):
    """small: the Hugging Face folder of a small phi3 model."""
    folder.mkdir()
    config = json.loads((small / "config.json").read_text())
    config |= {"vocab_size": VOCAB, "hidden_size": WIDTH, "intermediate_size": FF,
               "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
               "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "partial_rotary_factor": 0.75,
               "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 48,
                                "long_factor": [1.0 + i for i in range(48)]},
               "quantization": {"group_size": group, "bits": 4}}
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("generation_config.json", "tokenizer.json"):
        shutil.copy(small / name, folder)
    header, at = {"__metadata__": {"format": "mlx"}}, 0
    for name, dtype, shape, size, _ in parts(group):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, size, data in parts(group):
            while size:
                size -= out.write(data[:size])
