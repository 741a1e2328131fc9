#!/usr/bin/env python3
"""aeon bench --train: how fast training is, for the built-in shape and that of a recipe."""

import json
import os
import subprocess
import sys

import harness
from harness import ROOT, check, equal, fails, folder, test, works

SHAPE = {"n_embd": 32, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "n_ff": 64, "batch": 2,
         "sequence": 128}


@test
def the_built_in_shape_is_measured():
    got = works("bench", "--train", "-r", "1", "--json").json
    equal(sorted(got), sorted(["isa", "threads", "peak_rss_bytes", "train"]))
    t = got["train"]
    r = json.loads((ROOT / "models" / "aeon-tiny.json").read_text())
    e, qkv = r["n_embd"], r["n_embd"] * (r["n_heads"] + 2 * r["n_kv_heads"]) // r["n_heads"]
    equal(t["parameters"], 3072 * e + e + r["n_layers"] * e * (2 + qkv + e + 3 * r["n_ff"]))
    equal(t["optimizer"], r["optimizer"])
    check(0 < t["min_tps"] <= t["median_tps"] <= t["max_tps"], t)
    check(abs(t["gflops"] - 1e-9 * t["median_tps"] * t["flop_per_token"]) < 1e-6 * t["gflops"], t)
    check(t["peak_gflops"] > 0 and t["peak_fraction"] > 0, t)
    check(0.3 < t["targets_per_step"] / t["tokens_per_step"] < 0.36, t)


@test
def a_recipe_gives_the_shape():
    here = folder()
    subprocess.run([sys.executable, ROOT / "curriculum" / "generate.py", here / "data", "--talks",
                    "200", "--vocabulary", "300"], check=True, stdout=subprocess.DEVNULL)
    recipe = {**SHAPE, "train": "missing", "tokenizer": "data/tokenizer.json", "steps": 1,
              "output": "out.gguf", "checkpoint": "checkpoint.gguf"}
    (here / "r.json").write_text(json.dumps(recipe))
    t = works("bench", "--train", "--config", "r.json", "-r", "2", "-t", "1", "--json",
              cwd=here).json["train"]
    equal([t["products"], t["optimizer"]], ["f32", "adamw"])
    check(t["tokens_per_step"] <= 256, t)
    check("of peak" in works("bench", "--train", "--config", "r.json", "-r", "1", cwd=here).text)
    equal(sorted(os.listdir(here)), ["data", "r.json"])


@test
def what_cannot_be_measured_is_explained():
    here = folder()
    fails("bench", "--train", "--config", "missing.json", says="missing.json", cwd=here)
    fails("bench", "--config", "r.json", code=2, says="--train", cwd=here)


harness.main()
