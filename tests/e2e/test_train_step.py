#!/usr/bin/env python3
"""One whole training step of the program against the step that tests/oracle_training.py takes."""

import array
import csv
import json
import math
import pathlib
import random
import sys

import harness
from harness import check, equal, folder, test, works

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(harness.ROOT / "tests" / "parity")]
import gguf  # noqa: E402
import oracle_training  # noqa: E402

CONTROL = ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
IDS = {name: 256 + i for i, name in enumerate(CONTROL)}
TALKS = [("abc", "dogs"), ("xyz", "cats"), ("12 ", "none"), ("?!?", "none")]  # of equal length
RECIPE = {"train": "train.jsonl", "tokenizer": "tokenizer.json", "n_embd": 16, "n_layers": 2,
          "n_heads": 2, "n_kv_heads": 1, "n_ff": 24, "n_ctx": 4096, "n_ctx_original": 1024,
          "rope_theta": 100.0, "partial_rotary": 0.75, "norm_eps": 1e-5, "steps": 2,
          "sequence": 22, "warmup_steps": 4, "learning_rate": 0.01, "beta1": 0.9, "beta2": 0.95,
          "epsilon": 1e-8, "weight_decay": 0.1, "clip": 0.5, "report_steps": 1, "curve": "curve",
          "checkpoint": "checkpoint.gguf", "output": "out.gguf", "output_type": "f32"}


def write_tokenizer(path):
    """256 bytes, each spelled by the printable character of byte-level vocabularies."""
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    others = iter(range(256, 512))
    spelled = [chr(b) if b in plain else chr(next(others)) for b in range(256)]
    path.write_text(json.dumps({
        "added_tokens": [{"id": i, "content": name, "special": True} for name, i in IDS.items()],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {c: b for b, c in enumerate(spelled)}, "merges": []}}))


def encoded(question, answer, learn_all):
    prompt = [IDS["<|user|>"], *question.encode(), IDS["<|end|>"], IDS["<|assistant|>"]]
    learned = [*answer.encode(), IDS["<|end|>"]]
    return prompt + learned, [learn_all] * len(prompt) + [True] * len(learned)


def workplace(recipe):
    here = folder()
    write_tokenizer(here / "tokenizer.json")
    (here / "train.json").write_text(json.dumps(recipe))
    (here / "train.jsonl").write_text("".join(json.dumps({"messages": [
        {"role": "user", "content": q}, {"role": "assistant", "content": a}]}) + "\n"
        for q, a in TALKS))
    return here


def state_of(file):
    return tuple(list(file.tensors[name].values()) for name in ("weights", "moment1", "moment2"))


def place_state(path, seed):
    """Put the run after its first step, with weights and moments by chance: larger than those of a
    new model, so that attention is not flat, and in f32 as the program has them."""
    chance = random.Random(seed)
    file = gguf.read(path)
    n = file.tensors["weights"].dims[0]
    state = ([chance.gauss(0, 0.4) for _ in range(n)], [chance.gauss(0, 1e-3) for _ in range(n)],
             [chance.uniform(1e-6, 1e-4) for _ in range(n)])
    for name, values in zip(("weights", "moment1", "moment2"), state):
        file.tensors[name].data = array.array("f", values).tobytes()
    file.metadata.update({"train.step": 1, "train.epoch": 0, "train.next": 0})
    del file.metadata["train.progress"]
    gguf.write(path, file)
    return state_of(file)


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))


def compare_step(seed, **changes):
    recipe = {**RECIPE, **changes}
    here = workplace(recipe)
    works("train", "--config", "train.json", cwd=here)
    before = place_state(here / "checkpoint.gguf", seed)
    works("train", "--config", "train.json", "--resume", cwd=here)
    file = gguf.read(here / "checkpoint.gguf")
    equal(file.metadata["train.step"], 2)
    talks = [encoded(q, a, recipe.get("loss") == "all") for q, a in TALKS]
    expected, loss = oracle_training.step(recipe, 256 + len(CONTROL), talks, 2, before)
    for name, old, new, wanted in zip(("weights", "moment1", "moment2"), before, state_of(file),
                                      expected):
        error = distance(new, wanted) / distance(old, wanted)
        print(f"        {name}: error {error:.1e} of the change")
        check(error < 1e-4, name, error)
    row = list(csv.DictReader(open(here / "curve.csv")))[-1]
    equal(row["step"], "2")
    check(abs(float(row["loss"]) / loss - 1) < 1e-5, row, loss)
    equal(float(row["learning_rate"]), 0.005)


@test
def a_step_equals_the_reference():
    compare_step(1, batch=2, long_every=0)


@test
def a_step_of_two_batches_with_long_factors_and_all_tokens_equals_the_reference():
    compare_step(2, batch=1, accumulate=2, long_every=1, loss="all")


@test
def a_step_with_muon_equals_the_reference():
    compare_step(3, batch=2, long_every=0, optimizer="muon")


harness.main()
