#!/usr/bin/env python3
"""`aeon imatrix` and `aeon quantize --imatrix`: the sums against the oracle's forward pass, files of
both forms, what rounding gains by them, and bad input."""

import array
import math
import pathlib
import signal
import struct
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "parity"), str(TESTS)]
import gguf  # noqa: E402
import gguf_to_hf  # noqa: E402
import harness  # noqa: E402
import oracle_forward  # noqa: E402
from harness import ROOT, check, equal, fails, folder, model, start, test, wait_until, works  # noqa: E402

IDS = [999, 7, 7, 500, 0, 31, 12, 400, 8, 9, 2, 1, 77]


def listed(ids):
    return ",".join(map(str, ids))


def measure(model_, path, *more, ids=IDS):
    return works("imatrix", "-m", model_, "--ids", listed(ids), "-o", path, *more)


def entries(path):
    """Tensor -> (sums, count)."""
    tensors = gguf.read(path).tensors
    suffix = ".in_sum2"
    for name, t in tensors.items():
        equal(t.type, gguf.TYPE_F32)
        equal(t.dims[1], 1)
    return {name[:-len(suffix)]: (list(t.values()),
                                  tensors[name[:-len(suffix)] + ".counts"].values()[0])
            for name, t in tensors.items() if name.endswith(suffix)}


# ---- what is summed -----------------------------------------------------------------------------

def by_oracle(path, windows):
    oracle = oracle_forward.Model(path)
    for ids in windows:
        list(oracle_forward.logits(oracle, "short", 0, ids))
    return oracle.sums


def bos_of(path):
    metadata = gguf.read(path).metadata
    return metadata["tokenizer.ggml.bos_token_id"] if metadata.get(
        "tokenizer.ggml.add_bos_token") else None


def compare(path, got, windows):
    want = by_oracle(path, windows)
    equal(sorted(got), sorted(want))
    for name, sums in want.items():
        equal(got[name][1], sum(map(len, windows)))
        for a, b in zip(got[name][0], sums, strict=True):
            check(abs(a - b) <= 1e-4 * abs(b) + 1e-7, path, name, a, b)


@test
def the_sums_are_those_of_the_oracle():
    """Fused and separate matrices, a tied and an own head; 13 tokens in two windows of 6."""
    for shape in "phi3-nano", "llama-nano", "qwen2-nano", "qwen3-nano":
        path, file = folder() / "m.imatrix", model(shape)
        got = measure(file, path, "--ctx", 6, "--json").json
        windows = [IDS[0:6], IDS[6:12]]
        bos = bos_of(file)
        if bos is not None:
            windows = [[bos] + ids[1:] for ids in windows]
        equal((got["windows"], got["ctx"], got["tokens"], got["text_tokens"]), (2, 6, 12, 13))
        compare(file, entries(path), windows)
        equal(got["tensors"], len(entries(path)))


@test
def a_quantized_model_is_watched_before_its_inputs_are_rounded():
    """Its activations become 8-bit integers; the sums are of what they were."""
    path = folder() / "m.imatrix"
    measure(model(kind="q8_0"), path, "--ctx", 6)
    exact = by_oracle(model(), [IDS[0:6], IDS[6:12]])
    sums = entries(path)["blk.0.attn_qkv.weight"][0]  # what enters here no product has touched
    for a, b in zip(sums, exact["blk.0.attn_qkv.weight"], strict=True):
        check(abs(a - b) <= 0.03 * b + 1e-3, a, b)
    check(len(set(sums)) == len(sums), "8-bit integers would repeat")


@test
def threads_and_packing_change_no_bit():
    here = folder()
    text = here / "text.txt"
    text.write_text((ROOT / "README.md").read_text()[:5000])
    works("quantize", model(kind="q8_0"), here / "packed.gguf", "--pack")
    for name, model_, threads in [("one", model(kind="q8_0"), 1), ("three", model(kind="q8_0"), 3),
                                  ("packed", here / "packed.gguf", 2)]:
        works("imatrix", "-m", model_, "-f", text, "-t", threads, "--ctx", 100, "-o", here / name)
    one = (here / "one").read_bytes()
    for name in "three", "packed":
        check((here / name).read_bytes() == one, name)


@test
def what_the_file_says():
    here = folder()
    text = here / "a text.txt"
    text.write_text("The cat sat by the window and looked out at the rain. " * 40)
    said = works("imatrix", "-f", text, "-n", 300, "--ctx", 128, "-o", here / "a.imatrix")
    check(not said.out and "25 matrices" in said.err and "256 tokens" in said.err, said)
    metadata = gguf.read(here / "a.imatrix").metadata
    equal(metadata, {"general.type": "imatrix", "imatrix.datasets": ["a text.txt"],
                     "imatrix.chunk_count": 2, "imatrix.chunk_size": 128})
    shape = works("inspect", "builtin", "--json").json["model"]
    got = entries(here / "a.imatrix")
    widths = {name.split(".")[-2]: len(sums) for name, (sums, _) in got.items()}
    equal(widths, {"attn_qkv": shape["n_embd"], "attn_output": shape["n_embd"],
                   "ffn_up": shape["n_embd"], "ffn_down": shape["n_ff"],
                   "token_embd": shape["n_embd"]})


@test
def control_tokens_count_if_asked():
    here = folder()
    text = here / "talk.txt"
    text.write_text("<|user|>Hi<|end|><|assistant|>Hello.<|end|>" * 8)
    lengths = [works("imatrix", "-f", text, "-o", here / name, "--json", *more).json["text_tokens"]
               for name, more in [("a", []), ("b", ["--special"])]]
    ids = works("tokenize", "-f", text, "--special", "--json").json["ids"]
    check(lengths[1] == len(ids) < lengths[0], lengths, len(ids))


# ---- quantizing by it ----------------------------------------------------------------------------

def q4_0_rows(tensor, n_cols):
    """Rows of values; a block is an f16 scale and 16 bytes of two levels each."""
    size = n_cols // 32 * 18
    for begin in range(0, size * tensor.dims[1], size):
        row = []
        for at in range(begin, begin + size, 18):
            scale, = struct.unpack_from("<e", tensor.data, at)
            levels = tensor.data[at + 2:at + 18]
            row += [scale * ((b & 15) - 8) for b in levels] + [scale * ((b >> 4) - 8) for b in levels]
        yield row


def weighted_error(source, target, importance):
    """Over all matrices of layers, sqrt of the sum of importance * difference^2."""
    before, after, total = gguf.read(source).tensors, gguf.read(target).tensors, 0
    for name, (sums, _) in importance.items():
        if not name.startswith("blk."):
            continue
        n = before[name].dims[0]
        values = before[name].values()
        scale = len(sums) / sum(sums)
        for r, row in enumerate(q4_0_rows(after[name], n)):
            total += sum(w * scale * (y - x) ** 2
                         for w, x, y in zip(sums, values[r * n:r * n + n], row))
    return math.sqrt(total)


def rewrite(source, target, change):
    """A copy of a file of importance whose entries are changed: name, sums -> sums."""
    file = gguf.read(source)
    for name, t in file.tensors.items():
        if name.endswith(".in_sum2"):
            values = array.array("f", change(name[:-len(".in_sum2")], t.values()))
            file.tensors[name] = gguf.Tensor((len(values), 1), gguf.TYPE_F32, values.tobytes())
    gguf.write(target, file)


def old_form(source, target):
    """The same entries as older programs wrote them."""
    out = struct.pack("<i", len(entries(source)))
    for name, (sums, count) in entries(source).items():
        out += struct.pack("<i", len(name)) + name.encode()
        out += struct.pack(f"<ii{len(sums)}f", int(count), len(sums), *sums)
    target.write_bytes(out + struct.pack("<ii", 2, 4) + b"text")


def lopsided(path):
    """Importance of one large column in eight, as real models have."""
    measure(model(), path.parent / "plain")
    rewrite(path.parent / "plain", path,
            lambda name, sums: [v * (100 if i % 8 == 3 else 1) for i, v in enumerate(sums)])


@test
def what_matters_is_rounded_better():
    here = folder()
    lopsided(here / "im")
    works("quantize", model(), here / "alike.gguf", "--type", "q4_0")
    got = works("quantize", model(), here / "weighted.gguf", "--type", "q4_0", "--imatrix",
                here / "im", "--json").json
    importance = entries(here / "im")
    equal(got["weighted"], len(importance))
    alike, weighted = (weighted_error(model(), here / name, importance)
                       for name in ("alike.gguf", "weighted.gguf"))
    check(weighted < 0.8 * alike, weighted, alike)
    equal(len(works("run", "-m", here / "weighted.gguf", "--ids", "1,2,3", "-n", "5", "--json",
                    "--ignore-eos").json["ids"]), 5)


@test
def both_forms_threads_and_folders_give_the_same_bytes():
    here = folder()
    lopsided(here / "im")
    old_form(here / "im", here / "im.dat")
    gguf_to_hf.convert(model(), here / "hf")
    for i, (source, im, threads) in enumerate([(model(), "im", 1), (model(), "im", 3),
                                               (model(), "im.dat", 2)]):
        works("quantize", source, here / f"{i}.gguf", "--type", "q4_k_m", "--imatrix", here / im,
              "-t", threads)
    works("quantize", here / "hf", here / "hf.gguf", "--type", "q4_k_m", "--imatrix", here / "im")
    first = (here / "0.gguf").read_bytes()
    check(first == (here / "1.gguf").read_bytes() == (here / "2.gguf").read_bytes(), "differ")
    one, other = gguf.read(here / "0.gguf").tensors, gguf.read(here / "hf.gguf").tensors
    for name in entries(here / "im"):
        check(one[name].data == other[name].data, name)


@test
def a_folder_and_its_file_give_the_same_importance():
    here = folder()
    for shape in "phi3-nano", "qwen2-nano":
        gguf_to_hf.convert(model(shape), here / shape)
        measure(model(shape), here / "file.im", "--force")
        measure(here / shape, here / "folder.im", "--force")
        one, other = entries(here / "file.im"), entries(here / "folder.im")
        equal(sorted(one), sorted(other))
        for name in one:
            for a, b in zip(one[name][0], other[name][0], strict=True):
                check(abs(a - b) <= 1e-4 * abs(b), name, a, b)


@test
def what_was_not_seen_counts_alike():
    """A count of 0 tells that a matrix was never used."""
    here = folder()
    lopsided(here / "im")
    file = gguf.read(here / "im")
    for name, t in file.tensors.items():
        if name.endswith(".counts"):
            file.tensors[name] = gguf.Tensor(t.dims, t.type, struct.pack("<f", 0))
    gguf.write(here / "unseen", file)
    works("quantize", model(), here / "a.gguf", "--type", "q4_0")
    got = works("quantize", model(), here / "b.gguf", "--type", "q4_0", "--imatrix",
                here / "unseen", "--json").json
    equal(got["weighted"], 0)
    check((here / "a.gguf").read_bytes() == (here / "b.gguf").read_bytes(), "differ")


@test
def head_and_embedding_may_be_absent():
    """As llama.cpp leaves them."""
    here = folder()
    lopsided(here / "im")
    file = gguf.read(here / "im")
    for name in [name for name in file.tensors if not name.startswith("blk.")]:
        del file.tensors[name]
    gguf.write(here / "layers", file)
    got = works("quantize", model(), here / "a.gguf", "--type", "q4_0", "--imatrix",
                here / "layers", "--json").json
    equal(got["weighted"], len(entries(here / "im")) - 1)


# ---- bad input -----------------------------------------------------------------------------------

def refused(im, *says, source=None):
    out = im.parent / "out.gguf"
    fails("quantize", source or model(), out, "--type", "q4_0", "--imatrix", im, says=says)
    check(not out.exists(), out)


@test
def the_importance_of_another_model_is_refused():
    here = folder()
    measure(model("llama-nano"), here / "llama")
    refused(here / "llama", "blk.0.attn_qkv.weight", "another model")
    lopsided(here / "im")
    rewrite(here / "im", here / "narrow", lambda name, sums: sums[:32] if "down" in name else sums)
    refused(here / "narrow", "blk.0.ffn_down.weight", "32", "another model")
    file = gguf.read(here / "im")
    for suffix in ".in_sum2", ".counts":
        file.tensors["blk.9.ffn_down.weight" + suffix] = file.tensors["blk.0.ffn_down.weight" + suffix]
    gguf.write(here / "deep", file)
    refused(here / "deep", "blk.9.ffn_down.weight", "no such matrix")


@test
def numbers_that_are_no_importance_are_refused():
    here = folder()
    lopsided(here / "im")
    for bad in math.nan, math.inf, -1.0:
        rewrite(here / "im", here / "bad", lambda name, sums: [bad, *sums[1:]] if "0.ffn_up" in name
                else sums)
        refused(here / "bad", "blk.0.ffn_up.weight", "NaN")


@test
def files_that_are_none_are_refused():
    here = folder()
    lopsided(here / "im")
    whole = (here / "im").read_bytes()
    old_form(here / "im", here / "im.dat")
    old = (here / "im.dat").read_bytes()
    for i, data in enumerate([b"", b"GGUF", whole[:200], whole[:-4000], old[:3], old[:30],
                              old[:-5000], b"\xff" * 64, b"What a text this is, of words." * 9]):
        (here / f"bad{i}").write_bytes(data)
        refused(here / f"bad{i}", f"bad{i}")
    refused(model(), "no importance matrix")
    refused(here / "nothing", "nothing")
    file = gguf.read(here / "im")
    name = "blk.0.ffn_up.weight.in_sum2"
    t = file.tensors[name]
    for change in [gguf.Tensor((t.dims[0] // 2, 2), t.type, t.data),
                   gguf.Tensor((t.dims[0] * 2, 1), gguf.TYPE_F16, t.data)]:
        file.tensors[name] = change
        gguf.write(here / "shape", file)
        refused(here / "shape", "blk.0.ffn_up.weight")
    file.tensors[name] = t
    del file.tensors["blk.0.ffn_up.weight.counts"]
    gguf.write(here / "alone", file)
    refused(here / "alone", "blk.0.ffn_up.weight")


@test
def mistakes_are_told_before_anything_is_read():
    here = folder()
    out, text = here / "out", here / "text"
    text.write_text("words " * 50)
    fails("imatrix", "-f", text, code=2, says="-o FILE")
    (here / "link").symlink_to(text)
    fails("imatrix", "-f", here / "link", "-o", text, "--force", code=2, says="read as well")
    fails("imatrix", "-f", here / "none", "-o", out, says="none")
    fails("imatrix", "-m", here / "none", "-f", text, "-o", here / "no" / "out", says="no/out")
    fails("imatrix", "-f", text, "-o", out, "--ctx", 100000, says="windows of")
    fails("imatrix", "-m", model(), "--ids", "5,99999999", "-o", out, says="99999999")
    fails("imatrix", "--ids", "5", "-o", out, says="a text of 1 token")
    check(not out.exists(), out)
    out.write_text("mine")
    fails("imatrix", "-f", text, "-o", out, says="--force")
    equal(out.read_text(), "mine")
    works("imatrix", "-f", text, "-o", out, "--force")
    fails("quantize", model(), here / "p.gguf", "--pack", "--imatrix", out, code=2, says="--pack")
    fails("quantize", model(), out, "--type", "q4_0", "--imatrix", out, "--force",
          says="is to be read")


def cpu_s(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[11]) / 100


@test
def ctrl_c_leaves_no_file():
    here = folder()
    text = here / "text"
    text.write_text((ROOT / "README.md").read_text() * 60)
    run = start("imatrix", "-f", text, "-t", 1, "-o", here / "out")
    wait_until(lambda: pathlib.Path(f"/proc/{run.pid}/status").exists() and cpu_s(run.pid) > 1)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    check(run.returncode != 0 and b"nothing was written" in err, run.returncode, err)
    equal(sorted(p.name for p in here.iterdir()), ["text"])

harness.main()
