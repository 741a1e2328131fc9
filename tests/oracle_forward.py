#!/usr/bin/env python3
"""The transformer once more, from its definition: what src/model/forward.c must compute.

    oracle_forward.py logits MODEL.gguf short|long WINDOW ID,ID,...
        for each token the logits that follow it, as little-endian doubles on standard output;
        WINDOW: how many tokens a token sees, itself included (0: all)
    oracle_forward.py bias IN.gguf OUT.gguf
        the same model with a bias on every projection of every layer

Every product and sum is done in double precision, one value at a time, straight from the papers:
RMSNorm 1910.07467, rotary embedding 2104.09864, LongRoPE 2402.13753, grouped queries 2305.13245,
SwiGLU 2002.05202. Files with F32 weights only. Python's standard library alone.
"""

import array
import math
import operator
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "parity"))
import gguf  # noqa: E402


class Model:
    def __init__(self, path):
        self.file = gguf.read(path)
        self.architecture = self.file.metadata["general.architecture"]
        self.n_layers = self.number("block_count")
        self.n_heads = self.number("attention.head_count")
        self.n_kv_heads = self.number("attention.head_count_kv")
        self.head_dim = self.number("attention.key_length")
        self.n_ff = self.number("feed_forward_length")
        self.eps = self.number("attention.layer_norm_rms_epsilon")
        self.rope_dim = self.number("rope.dimension_count")
        self.sums = {}  # of the squares of what enters each matrix, column by column

    def number(self, key, otherwise=None):
        return self.file.metadata.get(f"{self.architecture}.{key}", otherwise)

    def vector(self, name):
        tensor = self.file.tensors.get(name)
        return tensor and list(tensor.values())

    def matrix(self, name):
        """A list of rows; None if the file has no such tensor."""
        values, n = self.vector(name), name in self.file.tensors and self.file.tensors[name].dims[0]
        return values and [values[i:i + n] for i in range(0, len(values), n)]

    def watch(self, name, x):
        sums = self.sums.setdefault(name + ".weight", [0.0] * len(x))
        for i, v in enumerate(x):
            sums[i] += v * v

    def project(self, name, x):
        self.watch(name, x)
        y = [dot(row, x) for row in self.matrix(name + ".weight")]
        bias = self.vector(name + ".bias")
        return add(y, bias) if bias else y

    def angles(self, rope_set):
        """For one position: what each pair turns by, and the factor on cos and sin."""
        factors = self.vector("rope_freqs.weight") or self.vector(f"rope_factors_{rope_set}.weight")
        factors = factors or [1.0] * (self.rope_dim // 2)
        theta = self.number("rope.freq_base")
        return ([theta ** (-2 * i / self.rope_dim) / f for i, f in enumerate(factors)],
                self.number("rope.scaling.attn_factor", 1.0))


def dot(a, b):
    return sum(map(operator.mul, a, b))


def add(a, b):
    return list(map(operator.add, a, b))


def rms_norm(x, weight, eps):
    scale = 1 / math.sqrt(dot(x, x) / len(x) + eps)
    return [v * scale * w for v, w in zip(x, weight)]


def softmax(x):
    top = max(x)
    e = [math.exp(v - top) for v in x]
    total = sum(e)
    return [v / total for v in e]


def heads_of(x, head_dim):
    return [x[i:i + head_dim] for i in range(0, len(x), head_dim)]


def rotate(model, head, pos, turns, magnitude):
    """Llama files hold neighbours side by side, the others the first half before the second."""
    half = model.rope_dim // 2
    y = list(head)
    for i, turn in enumerate(turns):
        a, b = (2 * i, 2 * i + 1) if model.architecture == "llama" else (i, i + half)
        cos, sin = math.cos(pos * turn) * magnitude, math.sin(pos * turn) * magnitude
        y[a], y[b] = head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos
    return y


def queries_keys_values(model, block, x):
    n_q, n_kv = model.n_heads * model.head_dim, model.n_kv_heads * model.head_dim
    if block + "attn_qkv.weight" in model.file.tensors:
        y = model.project(block + "attn_qkv", x)
        parts = y[:n_q], y[n_q:n_q + n_kv], y[n_q + n_kv:]
    else:
        parts = [model.project(block + name, x) for name in ("attn_q", "attn_k", "attn_v")]
    q, k, v = (heads_of(part, model.head_dim) for part in parts)
    if model.architecture == "qwen3":
        q = [rms_norm(h, model.vector(block + "attn_q_norm.weight"), model.eps) for h in q]
        k = [rms_norm(h, model.vector(block + "attn_k_norm.weight"), model.eps) for h in k]
    return q, k, v


def attention(model, block, states, rope_set, window):
    """states: one list for each position 0, 1, ..."""
    turns, magnitude = model.angles(rope_set)
    group = model.n_heads // model.n_kv_heads
    keys, values, outputs = [], [], []
    for pos, x in enumerate(states):
        q, k, v = queries_keys_values(model, block, x)
        keys.append([rotate(model, h, pos, turns, magnitude) for h in k])
        values.append(v)
        seen = range(max(0, pos + 1 - window) if window else 0, pos + 1)
        mixed = []
        for i, head in enumerate(q):
            head = rotate(model, head, pos, turns, magnitude)
            weights = softmax([dot(head, keys[p][i // group]) / math.sqrt(model.head_dim)
                               for p in seen])
            columns = zip(*(values[p][i // group] for p in seen))
            mixed += [dot(weights, column) for column in columns]
        outputs.append(model.project(block + "attn_output", mixed))
    return outputs


def feed_forward(model, block, x):
    if block + "ffn_gate.weight" in model.file.tensors:
        gate, up = model.project(block + "ffn_gate", x), model.project(block + "ffn_up", x)
    else:
        both = model.project(block + "ffn_up", x)
        gate, up = both[:model.n_ff], both[model.n_ff:]
    return model.project(block + "ffn_down",
                         [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)])


def logits(model, rope_set, window, ids):
    embedding = model.matrix("token_embd.weight")
    states = [embedding[id_] for id_ in ids]
    for layer in range(model.n_layers):
        block = f"blk.{layer}."
        norm = lambda name, x: rms_norm(x, model.vector(block + name), model.eps)
        branch = attention(model, block, [norm("attn_norm.weight", x) for x in states], rope_set,
                           window)
        states = [add(x, b) for x, b in zip(states, branch)]
        states = [add(x, feed_forward(model, block, norm("ffn_norm.weight", x))) for x in states]
    head_name = "output" if "output.weight" in model.file.tensors else "token_embd"
    head = model.matrix(head_name + ".weight")
    output_norm = model.vector("output_norm.weight")
    for x in states:
        x = rms_norm(x, output_norm, model.eps)
        model.watch(head_name, x)
        yield [dot(row, x) for row in head]


def add_biases(source, target):
    file, chance = gguf.read(source), random.Random(7)
    for name, tensor in list(file.tensors.items()):
        if name.startswith("blk.") and len(tensor.dims) == 2:
            values = array.array("f", [chance.gauss(0, 0.5) for _ in range(tensor.dims[1])])
            file.tensors[name.replace(".weight", ".bias")] = gguf.Tensor(
                (len(values),), gguf.TYPE_F32, values.tobytes())
    gguf.write(target, file)


if __name__ == "__main__":
    if sys.argv[1] == "bias":
        add_biases(sys.argv[2], sys.argv[3])
    else:
        ids_ = [int(text) for text in sys.argv[5].split(",")]
        for row_ in logits(Model(sys.argv[2]), sys.argv[3], int(sys.argv[4]), ids_):
            sys.stdout.buffer.write(array.array("d", row_).tobytes())
