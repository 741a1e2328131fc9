#!/usr/bin/env python3
"""Write an unquantized GGUF file as a Hugging Face checkpoint folder.

    gguf_to_hf.py IN.gguf FOLDER [SHARDS]

Gives config.json, generation_config.json, tokenizer.json and the weights, as model.safetensors or
in SHARDS files with an index. Knows the architectures phi3, llama, qwen2 and qwen3 with byte-level
BPE vocabularies. The bytes of the weights are copied, so both must give the same logits.
"""

import json
import pathlib
import struct
import sys

import gguf

CLASSES = {"phi3": "Phi3ForCausalLM", "llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM",
           "qwen3": "Qwen3ForCausalLM"}

PARTS = {"attn_norm": "input_layernorm", "attn_qkv": "self_attn.qkv_proj",
         "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
         "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
         "ffn_gate": "mlp.gate_proj", "ffn_down": "mlp.down_proj"}
GLOBALS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
FACTORS = {"rope_factors_long.weight", "rope_factors_short.weight", "rope_freqs.weight"}

DTYPES = {gguf.TYPE_F32: "F32", gguf.TYPE_F16: "F16", gguf.TYPE_BF16: "BF16"}
TORCH_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

# The split patterns as the models' tokenizer.json files write them.
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
SPLITS = {
    "gpt-4o": rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]*[{LOWER}]+{CONTRACTIONS}?"
              rf"|[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]+[{LOWER}]*{CONTRACTIONS}?"
              rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}",
    "llama-bpe": rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}"
                 rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}",
    "qwen2": rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}"
             rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}",
}
NORMAL, CONTROL = 1, 3  # GGUF's kinds of tokens


def tensor_name(name, architecture):
    stem, suffix = name.rsplit(".", 1)
    if stem in GLOBALS:
        return f"{GLOBALS[stem]}.{suffix}"
    _, layer, part = stem.split(".")
    if part == "ffn_up":
        part = "mlp.gate_up_proj" if architecture == "phi3" else "mlp.up_proj"
    return f"model.layers.{layer}.{PARTS.get(part, part)}.{suffix}"


def split_halves(data, n_heads, n_rows):
    """Undo llama's order of query and key rows: GGUF pairs neighbours, checkpoints pair halves."""
    row_bytes = len(data) // n_rows
    head_dim = n_rows // n_heads
    rows = [data[i * row_bytes:(i + 1) * row_bytes] for i in range(n_rows)]
    order = [head * head_dim + 2 * i + j
             for head in range(n_heads) for j in (0, 1) for i in range(head_dim // 2)]
    return b"".join(rows[i] for i in order)


def weights(file, architecture):
    """name -> (dtype, shape, bytes) of a checkpoint."""
    heads = {part: file.metadata[f"{architecture}.attention.{key}"]
             for part, key in (("attn_q", "head_count"), ("attn_k", "head_count_kv"))}
    result = {}
    for name, tensor in file.tensors.items():
        if name in FACTORS:
            continue
        data, part = tensor.data, name.split(".")[-2]
        if architecture == "llama" and part in heads:
            data = split_halves(data, heads[part], tensor.dims[-1])
        result[tensor_name(name, architecture)] = (DTYPES[tensor.type], tensor.dims[::-1], data)
    return result


def config(file, architecture):
    value = lambda key, otherwise=None: file.metadata.get(f"{architecture}.{key}", otherwise)
    n_heads, head_dim = value("attention.head_count"), value("attention.key_length")
    result = {
        "architectures": [CLASSES[architecture]],
        "model_type": architecture,
        "vocab_size": len(file.metadata["tokenizer.ggml.tokens"]),
        "hidden_size": value("embedding_length"),
        "num_hidden_layers": value("block_count"),
        "intermediate_size": value("feed_forward_length"),
        "num_attention_heads": n_heads,
        "num_key_value_heads": value("attention.head_count_kv"),
        "head_dim": head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": value("context_length"),
        "rms_norm_eps": value("attention.layer_norm_rms_epsilon"),
        "rope_theta": value("rope.freq_base"),
        "rope_scaling": rope_scaling(file, value),
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "torch_dtype": TORCH_DTYPES[DTYPES[file.tensors["token_embd.weight"].type]],
        "bos_token_id": file.metadata["tokenizer.ggml.bos_token_id"],
        "eos_token_id": file.metadata["tokenizer.ggml.eos_token_id"],
    }
    if architecture == "phi3":
        result["partial_rotary_factor"] = value("rope.dimension_count") / head_dim
        result["original_max_position_embeddings"] = \
            value("rope.scaling.original_context_length", value("context_length"))
    return result


def rope_scaling(file, value):
    if "rope_factors_long.weight" in file.tensors:
        return {"type": "longrope", **{
            f"{kind}_factor": list(file.tensors[f"rope_factors_{kind}.weight"].values())
            for kind in ("short", "long")}}
    if "rope_freqs.weight" in file.tensors:
        return LLAMA3_SCALING
    return None


LLAMA3_SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}


def llama3_factors(theta, n_dims):
    """rope_freqs.weight of a GGUF file, for LLAMA3_SCALING: what each frequency is divided by."""
    s = LLAMA3_SCALING
    factors = []
    for i in range(0, n_dims, 2):
        wavelength = 2 * 3.141592653589793 * theta ** (i / n_dims)
        turns = s["original_max_position_embeddings"] / wavelength
        smooth = (turns - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
        smooth = min(max(smooth, 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / s["factor"] + smooth))
    return factors


def tokenizer(file):
    metadata = file.metadata
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": id_, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for id_, (text, kind) in enumerate(zip(tokens, kinds)) if kind == CONTROL],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLITS[metadata["tokenizer.ggml.pre"]]},
             "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False,
            "byte_fallback": False, "ignore_merges": False,
            "vocab": {text: id_ for id_, (text, kind) in enumerate(zip(tokens, kinds))
                      if kind == NORMAL},
            "merges": metadata["tokenizer.ggml.merges"]},
    }


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            out.write(data)


def write_shards(folder, tensors, n_shards):
    names, weight_map = list(tensors), {}
    for shard in range(n_shards):
        file_name = f"model-{shard + 1:05}-of-{n_shards:05}.safetensors"
        mine = names[shard::n_shards]
        write_safetensors(folder / file_name, {name: tensors[name] for name in mine})
        weight_map.update(dict.fromkeys(mine, file_name))
    total = sum(len(data) for _, _, data in tensors.values())
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))


def convert(source, folder, n_shards=1):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = gguf.read(source)
    architecture = file.metadata["general.architecture"]
    settings = config(file, architecture)
    (folder / "config.json").write_text(json.dumps(settings, indent=2))
    (folder / "generation_config.json").write_text(json.dumps(
        {key: settings[key] for key in ("bos_token_id", "eos_token_id")}))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(file)))
    tensors = weights(file, architecture)
    if n_shards == 1:
        write_safetensors(folder / "model.safetensors", tensors)
    else:
        write_shards(folder, tensors, n_shards)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
