"""MLX checkpoint folders: they run as they were downloaded, and say why where they do not."""

import json
import shutil
import subprocess
import sys

import harness
from harness import ROOT, check, equal, fails, folder, model, test, works

sys.path.append(str(ROOT / "tests/parity"))
import gguf_to_hf
import mlx_write

IDS = "1,500,0,999,77,77,3"


def folders(*options):
    """A quantized folder of phi3-nano, and one of the same numbers in f32."""
    work = folder()
    gguf_to_hf.convert(model("phi3-nano"), work / "hf")
    subprocess.run([sys.executable, ROOT / "tests/parity/mlx_write.py", work / "hf", work / "mlx",
                    work / "f32", *map(str, options)], check=True)
    return work / "mlx", work / "f32"


def best(path):
    """The most likely tokens after each position, as token: log-probability."""
    scores = works("score", "-m", path, "--ids", IDS, "--top", 5, "--json").json
    return [dict(position["top"]) for position in scores["positions"]]


def edit(path, change):
    config = json.loads((path / "config.json").read_text())
    change(config)
    (path / "config.json").write_text(json.dumps(config))


def edit_tensors(path, change):
    tensors = mlx_write.read_safetensors(path / "model.safetensors")
    change(tensors)
    gguf_to_hf.write_safetensors(path / "model.safetensors", tensors)


@test
def it_runs_as_it_is():
    mlx, f32 = folders()
    for ours, exact in zip(best(mlx), best(f32)):
        common = ours.keys() & exact.keys()
        check(len(common) >= 3, ours, exact)
        for token in common:  # activations have 8 bits; other weights would be off by more than 1
            check(abs(ours[token] - exact[token]) < 0.25, token, ours, exact)
    text = works("run", "-m", mlx, "--ids", IDS, "-n", 6, "--temp", 0, "--ids-out").text
    equal(text, works("run", "-m", mlx, "--ids", IDS, "-n", 6, "--temp", 0, "--ids-out").text)


@test
def inspect_shows_what_runs():
    mlx, f32 = folders("--mixed", 6, "--shards", 2)
    seen = works("inspect", mlx, "--tensors", "--json").json
    equal(seen["format"], "mlx folder")
    equal(seen["problem"], None)
    equal(seen["model"]["n_params"], works("inspect", f32, "--json").json["model"]["n_params"])
    types = {tensor["name"]: tensor["type"] for tensor in seen["tensors"]}
    dims = {tensor["name"]: tensor["dims"] for tensor in seen["tensors"]}
    equal(types["model.embed_tokens.weight"], "mlx4_32_bf16")
    equal(dims["model.embed_tokens.weight"], [256, 1000])
    equal(types["model.layers.0.self_attn.qkv_proj.weight"], "f32")
    equal(types["model.layers.0.self_attn.o_proj.weight"], "mlx4_128_bf16")
    equal(types["model.layers.0.mlp.gate_up_proj.weight"], "mlx8_32_bf16")
    equal(types["model.norm.weight"], "f32")
    check(not any(name.endswith(("scales", "biases")) for name in types), types)
    shard = works("inspect", mlx / "model-00001-of-00002.safetensors", "--tensors").text
    check(" u32 " in shard and "embed_tokens.weight" in shard, shard)


@test
def its_memory_is_planned():
    mlx, _ = folders()
    plan = works("doctor", "-m", mlx, "--json").json["plan"]
    info = works("inspect", mlx, "--json").json["model"]
    equal(plan["weights_bytes"], info["size_bytes"])
    equal(info["type"], "mlx4_64_bf16")
    check(info["size_bytes"] <= (mlx / "model.safetensors").stat().st_size, info)


@test
def what_cannot_run_says_why():
    good, _ = folders()

    def refused(words, change=None, tensors=None):
        bad = folder() / "bad"
        shutil.copytree(good, bad)
        if change:
            edit(bad, change)
        if tensors:
            edit_tensors(bad, tensors)
        fails("score", "-m", bad, "--ids", IDS, says=words)
        fails("inspect", bad, says=words)

    refused("mode mxfp4 is not supported", lambda c: c["quantization"].update(mode="mxfp4"))
    refused("7 bits are not supported", lambda c: c["quantization"].update(bits=7))
    refused("groups of 48", lambda c: c["quantization"].update(group_size=48))
    refused("does not fit", lambda c: c["quantization"].update(bits=8))
    refused("no \"quantization\"", lambda c: c.pop("quantization"))
    refused("embed_tokens.scales is missing",
            tensors=lambda t: t.pop("model.embed_tokens.scales"))
    refused("o_proj.biases is missing",
            tensors=lambda t: t.pop("model.layers.1.self_attn.o_proj.biases"))
    cut = folder() / "cut"
    shutil.copytree(good, cut)
    data = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(data[:-100])
    fails("score", "-m", cut, "--ids", IDS, says="past the end of the file")


harness.main()
