#!/usr/bin/env python3
"""`aeon quantize --type`: what it writes is the model it read, and bad input leaves nothing behind."""

import math
import os
import pathlib
import resource
import signal
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import gguf  # noqa: E402
import gguf_to_hf  # noqa: E402
import harness  # noqa: E402
from harness import ROOT, check, equal, fails, folder, model, start, test, wait_until, works  # noqa: E402


def convert(source, target, kind, *more):
    return works("quantize", source, target, "--type", kind, *more)


# ---- what is written ------------------------------------------------------------------------------

@test
def a_converted_model_talks_and_tells_what_it_cost():
    here = folder()
    source = model("phi3-nano", "f32")
    said = convert(source, here / "a.gguf", "q4_k_m")
    for words in ("q4_k_m", "bits per weight", "MB/s", "worst", "blk."):
        check(words in said.err, words, said)
    check(not said.out, said)
    got = convert(source, here / "b.gguf", "Q4_K_M", "--json", "-t", "1").json
    equal((here / "a.gguf").read_bytes() == (here / "b.gguf").read_bytes(), True)
    equal(got["size_bytes"], (here / "b.gguf").stat().st_size)
    check(4 < got["bits_per_weight"] < 5.5 and 0.01 < got["rms_error"] < got["worst_error"] < 0.1, got)
    equal((got["fell_back"], got["requantized"], got["tensors"]), (0, 0, 16))
    equal(len(works("run", "-m", here / "a.gguf", "--ids", "1,2,3", "-n", "5", "--json",
                    "--ignore-eos").json["ids"]), 5)
    info = works("inspect", here / "a.gguf", "--json").json
    equal((info["model"]["type"], info["problem"]), ("q4_k", None))


@test
def the_same_type_is_the_same_file():
    here = folder()
    for kind in ("f16", "bf16", "q8_0"):
        convert(model("llama-nano", kind), here / f"{kind}.gguf", kind)
        equal((here / f"{kind}.gguf").read_bytes() == model("llama-nano", kind).read_bytes(), True)


@test
def int8_and_int4_are_names_of_types():
    here = folder()
    for name, kind in (("int8", "q8_0"), ("int4", "q4_k_m")):
        convert(model("qwen3-nano", "bf16"), here / f"{name}.gguf", name)
        convert(model("qwen3-nano", "bf16"), here / f"{kind}.gguf", kind)
        equal((here / f"{name}.gguf").read_bytes() == (here / f"{kind}.gguf").read_bytes(), True)


# ---- folders ----------------------------------------------------------------------------------------

def same_tensors(one, other):
    a, b = gguf.read(one).tensors, gguf.read(other).tensors
    equal(sorted(a), sorted(b))
    for name in a:
        check((a[name].dims, a[name].type) == (b[name].dims, b[name].type), name)
        check(a[name].data == b[name].data, name)


def without_factors(file):
    """What config.json says of Llama's rotary frequencies is no free choice."""
    file.tensors.pop("rope_freqs.weight", None)
    return file


def with_biases(source):
    """Queries, keys and values with biases, as no synthetic Llama has."""
    file = without_factors(gguf.read(source))
    for name, tensor in list(file.tensors.items()):
        stem, suffix = name.rsplit(".", 1)
        if stem.split(".")[-1] in ("attn_q", "attn_k", "attn_v") and suffix == "weight":
            count = tensor.dims[1]
            values = struct.pack(f"<{count}f", *(math.sin(i) / 10 for i in range(count)))
            file.tensors[f"{stem}.bias"] = gguf.Tensor((count,), gguf.TYPE_F32, values)
    return file


@test
def a_folder_becomes_the_file_it_was_made_from():
    for shape, shards in (("phi3-nano", 1), ("llama-nano", 2), ("qwen2-nano", 3), ("qwen3-nano", 1)):
        here = folder()
        gguf.write(here / "source.gguf", without_factors(gguf.read(model(shape, "bf16"))))
        gguf_to_hf.convert(here / "source.gguf", here / "hf", shards)
        for kind in ("bf16", "q6_k"):
            convert(here / "source.gguf", here / f"file-{kind}.gguf", kind)
            convert(here / "hf", here / f"folder-{kind}.gguf", kind)
            same_tensors(here / f"file-{kind}.gguf", here / f"folder-{kind}.gguf")
        args = ("tokenize", "-p", "Hello there, it's 1234", "--json", "-m")
        equal(works(*args, here / "folder-q6_k.gguf").out, works(*args, here / "hf").out)


@test
def biases_follow_their_rows():
    here = folder()
    gguf.write(here / "source.gguf", with_biases(model("llama-nano", "f32")))
    gguf_to_hf.convert(here / "source.gguf", here / "hf")
    convert(here / "hf", here / "folder.gguf", "f32")
    same_tensors(here / "source.gguf", here / "folder.gguf")


@test
def several_ends_and_a_chat_template_of_a_folder():
    here = folder()
    gguf_to_hf.convert(model("phi3-nano", "bf16"), here)
    (here / "generation_config.json").write_text('{"eos_token_id": [995, 993, 996]}')
    (here / "chat_template.jinja").write_text("{{ messages }}")
    convert(here, here / "out.gguf", "q8_0")
    got = gguf.read(here / "out.gguf").metadata
    equal([got[f"tokenizer.ggml.{key}_token_id"] for key in ("eos", "eom", "eot")], [995, 993, 996])
    equal(got["tokenizer.chat_template"], "{{ messages }}")
    equal((got["general.file_type"], got["general.quantization_version"]), (7, 2))


@test
def an_mlx_folder_becomes_what_it_means():
    for shape, options in (("phi3-nano", ("--bits", 4)), ("llama-nano", ("--bits", 8, "--group", 32)),
                           ("qwen3-nano", ("--bits", 3))):
        here = folder()
        gguf.write(here / "source.gguf", without_factors(gguf.read(model(shape))))
        gguf_to_hf.convert(here / "source.gguf", here / "hf")
        subprocess.run([sys.executable, ROOT / "tests/parity/mlx_write.py", here / "hf", here / "mlx",
                        here / "f32", *map(str, options)], check=True)
        refused(here / "mlx", "q8_0", says=("mlx", "--requantize"))
        for kind in ("f32", "q4_k_m"):
            convert(here / "mlx", here / f"mlx-{kind}.gguf", kind, "--requantize")
            convert(here / "f32", here / f"f32-{kind}.gguf", kind)
            same_tensors(here / f"mlx-{kind}.gguf", here / f"f32-{kind}.gguf")


# ---- bad input --------------------------------------------------------------------------------------

def refused(source, kind, *more, says=()):
    """One line, and nothing is left."""
    here = folder()
    fails("quantize", source, here / "out.gguf", "--type", kind, *more, says=says)
    equal(os.listdir(here), [])


def narrowed(n_ff):
    """phi3-nano with rows of another length in its feed-forward."""
    file, old = gguf.read(model("phi3-nano", "f32")), 512
    file.metadata["phi3.feed_forward_length"] = n_ff
    for name, tensor in file.tensors.items():
        rows = [tensor.data[i:i + 4 * tensor.dims[0]]
                for i in range(0, len(tensor.data), 4 * tensor.dims[0])]
        if "ffn_up" in name:
            rows = rows[:n_ff] + rows[old:old + n_ff]
            file.tensors[name] = gguf.Tensor((tensor.dims[0], 2 * n_ff), 0, b"".join(rows))
        if "ffn_down" in name:
            file.tensors[name] = gguf.Tensor((n_ff, tensor.dims[1]), 0,
                                             b"".join(row[:4 * n_ff] for row in rows))
    path = folder() / f"narrow-{n_ff}.gguf"
    gguf.write(path, file)
    return path


@test
def rows_that_are_no_whole_blocks():
    for n_ff, kind, instead in ((480, "q4_k_m", "q4_1 instead of q4_k"), (500, "q8_0", "f16 instead of q8_0")):
        here = folder()
        said = convert(narrowed(n_ff), here / "a.gguf", kind)
        check("2 tensors" in said.err and f"blk.0.ffn_down.weight became {instead}" in said.err, said)
        equal(convert(narrowed(n_ff), here / "b.gguf", kind, "--json").json["fell_back"], 2)
        works("run", "-m", here / "a.gguf", "--ids", "1,2", "-n", "2", "--ignore-eos")


@test
def weights_that_are_no_numbers():
    file = gguf.read(model("phi3-nano", "f32"))
    good = file.tensors["blk.1.ffn_up.weight"]
    for value in (math.nan, math.inf):
        bad = good.data[:400] + struct.pack("<f", value) + good.data[404:]
        file.tensors["blk.1.ffn_up.weight"] = gguf.Tensor(good.dims, good.type, bad)
        path = folder() / "bad.gguf"
        gguf.write(path, file)
        for kind in ("q4_k_m", "q8_0", "f16", "f32"):
            refused(path, kind, says=("blk.1.ffn_up.weight", "--allow-nan", str(path)))
        target = folder() / "out.gguf"
        convert(path, target, "q4_0", "--allow-nan")
        works("run", "-m", target, "--ids", "1,2", "-n", "2", "--ignore-eos")


@test
def rounding_twice_must_be_wanted():
    source, here = model("llama-nano", "q4_0"), folder()
    for kind in ("q8_0", "q4_k_m", "f16"):
        refused(source, kind, says=("q4_0 already", "--requantize"))
    said = convert(source, here / "a.gguf", "q8_0", "--requantize")
    check("warning" in said.err and "second time" in said.err, said)
    convert(source, here / "b.gguf", "f16", "--requantize")


@test
def a_file_is_not_written_over_itself():
    here = folder()
    whole = model("phi3-nano", "f16").read_bytes()
    (here / "a.gguf").write_bytes(whole)
    (here / "soft.gguf").symlink_to("a.gguf")
    os.link(here / "a.gguf", here / "hard.gguf")
    for name in ("a.gguf", "soft.gguf", "hard.gguf"):
        fails("quantize", here / "a.gguf", here / name, "--type", "q8_0", "--force", says="another name")
    equal((here / "a.gguf").read_bytes() == whole, True)
    equal(len(os.listdir(here)), 3)
    gguf_to_hf.convert(here / "a.gguf", here / "hf")
    weights = (here / "hf" / "model.safetensors").read_bytes()
    fails("quantize", here / "hf", here / "hf" / "model.safetensors", "--type", "q8_0", "--force",
          says="another name")
    equal((here / "hf" / "model.safetensors").read_bytes() == weights, True)
    for _ in range(2):
        convert(here / "hf", here / "hf" / "a.gguf", "q8_0", "--force")


@test
def tensors_that_stand_there_twice_or_not_at_all():
    whole = model("phi3-nano", "f16").read_bytes()
    for name, says in ((b"blk.0.ffn_up.weight", "twice"), (b"blk.7.ffn_up.weight", "missing")):
        path = folder() / "bad.gguf"
        path.write_bytes(whole.replace(b"blk.1.ffn_up.weight", name))
        refused(path, "q8_0", says=(name.decode() if says == "twice" else "blk.1.ffn_up.weight", says))


@test
def files_that_are_there_and_places_that_are_not():
    here = folder()
    (here / "there.gguf").write_bytes(b"something of value")
    source = model("phi3-nano", "f16")
    fails("quantize", source, here / "there.gguf", "--type", "q8_0", says="--force")
    equal((here / "there.gguf").read_bytes(), b"something of value")
    convert(source, here / "there.gguf", "q8_0", "--force")
    for target in (here / "no" / "a.gguf", here, "/dev/full", "/proc/a.gguf"):
        fails("quantize", source, target, "--type", "q8_0", "--force", says=str(target))
    refused(here / "missing.gguf", "q8_0", says="missing.gguf")
    refused(folder(), "q8_0", says="config.json")
    works("quantize", source, here / "packed.gguf", "--pack")
    refused(here / "packed.gguf", "q8_0", says="packed")


@test
def a_full_disk_leaves_nothing():
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
    here = folder()
    for how in (("--type", "f16"), ("--pack",)):
        fails("quantize", model("phi3-nano", "f32"), here / "a.gguf", *how, says="a.gguf",
              preexec_fn=small_files)
    equal(os.listdir(here), [])


def large_model():
    """qwen2-nano whose feed-forward has 2**18 units: of zeros, which take no room on the disk."""
    n_ff, path = 1 << 18, folder() / "large.gguf"
    file = gguf.read(model("qwen2-nano", "f32"))
    file.metadata["qwen2.feed_forward_length"] = n_ff
    head = b"GGUF" + struct.pack("<IQQ", 3, len(file.tensors), len(file.metadata))
    for key, value in file.metadata.items():
        kind = file.types[key]
        head += gguf.pack_string(key) + struct.pack("<I", kind[0] if isinstance(kind, tuple) else kind)
        head += gguf.pack_value(value, kind)
    end = 0
    for name, tensor in file.tensors.items():
        dims = tensor.dims
        if "ffn_up" in name or "ffn_gate" in name:
            dims = (dims[0], n_ff)
        elif "ffn_down" in name:
            dims = (n_ff, dims[1])
        head += gguf.pack_string(name) + struct.pack("<I", len(dims))
        head += struct.pack(f"<{len(dims)}QIQ", *dims, gguf.TYPE_F32, end)
        end += 4 * math.prod(dims)
    with open(path, "wb") as out:
        out.write(head)
        out.truncate(-(-len(head) // 32) * 32 + end)
    return path


@test
def stopped_it_leaves_nothing():
    source = large_model()
    for number in (signal.SIGINT, signal.SIGTERM):
        here = folder()
        run = start("quantize", source, here / "a.gguf", "--type", "q4_k_m", "-t", "1")
        wait_until(lambda: sum(p.stat().st_size for p in here.iterdir()) > 1 << 16)
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
        equal((run.returncode, os.listdir(here)), (130, []), err)
        check(b"nothing was written" in err, err)


harness.main()
