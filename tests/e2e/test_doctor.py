#!/usr/bin/env python3
"""One number for memory: what aeon doctor reckons, --ram keeps."""

import json
import subprocess

import harness
from harness import aeon, check, environment, equal, fails, folder, model, test, works

PARTS = ("weights_bytes", "vocab_bytes", "scratch_bytes", "logits_bytes", "kv_bytes",
         "reserve_bytes")


def plan(*args):
    return works("doctor", "--json", "--no-probe", *args).json["plan"]


# ---- the plan -------------------------------------------------------------------------------

@test
def doctor_shows_machine_model_and_plan():
    for args in ((), ("builtin",), ("--ram", "1G"), ("--ctx", "100"),
                 ("--shape", "phi-4-mini", "--type", "q4_k", "--ram", "4G")):
        result = works("doctor", *args)
        for word in ("machine", "memory", "model", "weights", "keys and values", "work space",
                     "vocabulary", "the program itself", "together", "f32", "f16", "bf16", "q8_0",
                     "<- planned", "measured", "GB/s", "FP16", "INT8", "INT4", "tokens/s"):
            check(word in result.text, word, result)
        check(max(map(len, result.text.splitlines())) <= 80, "80 columns", result)
        equal(result.err, "")


@test
def doctor_gives_the_shape_of_its_json():
    got = works("doctor", "-m", model(), "--ram", "1G", "--json").json
    equal(sorted(got), ["limits", "machine", "model", "plan", "problem", "types"])
    equal(sorted(got["limits"]), ["bf16_gmacs", "f32_gmacs", "int8_gmacs", "read_gbps"])
    equal(sorted(got["machine"]), ["cores", "isa", "memory_available_bytes", "memory_bytes",
                                   "processor", "runs"])
    equal(sorted(got["model"]), ["architecture", "n_ctx_max", "n_params", "name", "path",
                                 "size_bytes", "source", "type"])
    equal(sorted(got["plan"]), sorted((*PARTS, "ram_bytes", "total_bytes", "n_ctx", "kv_type",
                                       "fits")))
    equal(sorted(got["plan"]["fits"]), ["bf16", "f16", "f32", "q8_0"])
    version = works("version", "--json").json
    equal([got["machine"][key] for key in ("isa", "cores", "memory_bytes")],
          [version[key] for key in ("isa", "cores", "memory_bytes")])
    check(got["machine"]["isa"] in got["machine"]["runs"], got)
    equal((got["model"]["path"], got["model"]["source"], got["problem"]),
          (str(model()), "file", None))
    equal(got["plan"]["weights_bytes"], got["model"]["size_bytes"])


@test
def parts_add_up_within_the_limit():
    for ram in ("30M", "100M", "4G"):
        got = plan("-m", model(), "--ram", ram)
        equal(sum(got[part] for part in PARTS), got["total_bytes"])
        check(got["total_bytes"] <= got["ram_bytes"], got)
        equal(got["n_ctx"], got["fits"][got["kv_type"]])
    small, large = plan("--ctx", "256"), plan("--ctx", "2048")
    check(large["kv_bytes"] == 8 * small["kv_bytes"], small, large)
    half = plan("--ctx", "256", "--kv", "f16")["kv_bytes"]
    equal(plan("--ctx", "256", "--kv", "f32")["kv_bytes"], 2 * half)
    equal(plan("--ctx", "256", "--kv", "q8_0")["kv_bytes"], half * 34 // 64)


@test
def without_a_limit_the_available_memory_is_it():
    got = works("doctor", "--json", "--no-probe").json
    machine = got["machine"]
    equal(got["plan"]["ram_bytes"], machine["memory_available_bytes"] or machine["memory_bytes"])


@test
def a_shape_is_planned_like_its_file():
    args = ("doctor", "--json", "--no-probe", "--ram", "1G")
    file = works(*args, "-m", model("phi3-nano", "q8_0")).json
    shape = works(*args, "--shape", "phi3-nano", "--type", "q8_0").json
    equal(shape["types"], file["types"])
    equal(shape["model"]["source"], "shape")
    for key in ("architecture", "type", "n_params", "size_bytes", "n_ctx_max"):
        equal(shape["model"][key], file["model"][key], key)
    for key in (*PARTS, "n_ctx", "kv_type"):
        if key != "vocab_bytes":  # an estimate
            equal(shape["plan"][key], file["plan"][key], key)


@test
def sizes_are_read_as_people_write_them():
    for text, wanted in (("800M", 800e6), ("800m", 800e6), ("800MB", 800e6), ("0.8G", 800e6),
                         ("800000000", 800e6), ("800000kB", 800e6), ("1T", 1e12),
                         ("800MiB", 800 << 20), ("1.5gib", 1.5 * (1 << 30)), ("1e0", None)):
        args = ("doctor", "--json", "--no-probe", "--ram", text)
        if wanted is None:
            equal(aeon(*args).code, 2, text)
        else:
            equal(works(*args).json["plan"]["ram_bytes"], int(wanted), text)


# ---- types and speeds -----------------------------------------------------------------------

@test
def speeds_are_bounds_by_what_was_measured():
    got = works("doctor", "--json", "--shape", "phi-4-mini", "--type", "q4_0", "--ram", "6G").json
    limits, types = got["limits"], got["types"]
    equal([(t["name"], t["type"]) for t in types],
          [("FP16", "f16"), ("INT8", "q8_0"), ("INT4", "q4_0")])
    for t, bits in zip(types, (16, 8.5, 4.5)):
        n_bytes = 3836021760 * bits / 8
        check(abs(t["size_bytes"] / n_bytes - 1) < 1e-3, t)
        keys = 131072 * (256 + 257 / 2)  # in f16: a prompt, and half of the answer
        most = limits["read_gbps"] * 1e9 / (n_bytes + keys)
        check(abs(t["most_decode_tps"] / most - 1) < 1e-3, t, most)
        peak = limits["int8_gmacs"] if bits < 16 else limits["bf16_gmacs"] or limits["f32_gmacs"]
        macs = 3221225472 + 200064 * 3072 / 256  # the head only for the last token
        keys = 2 * 32 * 24 * 128 * 257 / 2
        most = 1 / (macs / peak + keys / (limits["bf16_gmacs"] or limits["f32_gmacs"])) * 1e9
        check(abs(t["most_prefill_tps"] / most - 1) < 1e-3, t, most)
        equal(t["fits"], t["n_ctx"] > 0)
    equal([t["fits"] for t in types], [False, True, True])
    equal(types[2]["n_ctx"] > types[1]["n_ctx"], True)


@test
def what_does_not_fit_may_fit_in_another_type():
    result = aeon("doctor", "--shape", "phi-4-mini", "--type", "f16", "--ram", "4G", "--no-probe")
    equal(result.code, 1)
    rows = [line.split() for line in result.text.splitlines() if line.startswith("  FP16")
            or line.startswith("  INT")]
    equal([(r[0], r[-1] == "room") for r in rows],
          [("FP16", True), ("INT8", True), ("INT4", False)], result)
    check("tokens/s" not in result.text and "measured" not in result.text, result)
    got = aeon("doctor", "--shape", "phi-4-mini", "--type", "f16", "--no-probe", "--json").json
    equal(got["limits"], None)
    for t in got["types"]:
        equal((t["most_prefill_tps"], t["most_decode_tps"]), (None, None))


# ---- refusals -------------------------------------------------------------------------------

@test
def an_impossible_plan_names_the_nearest():
    phi = ("doctor", "--no-probe", "--shape", "phi-4-mini", "--type", "q4_0")
    for args, says in (((*phi, "--ram", "2G"), ("weights alone take 2.2 GB", "would hold 4096")),
                       ((*phi, "--ram", "2.2G"), ("before the first token",)),
                       ((*phi, "--ram", "4G", "--ctx", "100000"), ("of 100000 tokens at q8_0",)),
                       ((*phi, "--ram", "4G", "--ctx", "20000", "--kv", "f16"),
                        ("at f16; q8_0 would leave room",)),
                       ((*phi, "--ctx", "200000"), ("reaches 131072",)),
                       ((*phi, "--ctx", "5000", "--rope", "short"), ("reaches 4096",))):
        result = aeon(*args)
        equal(result.code, 1, result)
        check("machine" in result.text and "plan for" not in result.text, result)
        equal(len(result.err.splitlines()), 1, result)
        for word in says:
            check(word in result.err, word, result)
        as_json = aeon(*args, "--json")
        equal((as_json.code, as_json.json["plan"]), (1, None))
        equal(f"aeon: error: {as_json.json['problem']}\n", as_json.err)


@test
def the_size_that_it_names_is_enough():
    error = aeon("doctor", "--no-probe", "--ram", "10M").err
    size = error.split("; ")[1].split(" would hold ")[0].replace(" ", "")
    equal(plan("--ram", size)["n_ctx"] >= 4096, True, error)


@test
def wrong_usage_is_explained():
    for size in ("", "x", "G", "-4G", "4X", "4GG", "4iB", "4 G", "0", "0.1", "1e9", "0x10", "nan",
                 "1..5G", ".5G", "99999999999T"):
        for command in ("doctor", "run"):
            fails(command, "--ram", size, code=2, says="a size like 4G")
    fails("doctor", "--shape", "phi-4-mini", code=2, says="needs --type")
    fails("doctor", "--type", "q4_0", code=2, says="only with --shape")
    fails("doctor", "--shape", "gpt-5", "--type", "q4_0", code=2, says="phi-4-mini")
    fails("doctor", "builtin", "--shape", "phi-4-mini", "--type", "q4_0", code=2, says="not together")
    fails("doctor", folder() / "missing.gguf", says="missing.gguf")


# ---- keeping to it --------------------------------------------------------------------------

def full(n_ctx):
    """Ids for a prompt after which four tokens of context are left."""
    return ",".join(str(5 + i % 500) for i in range(n_ctx - 4))


def peak_of(n_ctx, *args):
    """Peak resident bytes of a run whose context is full to the last token, and what it said. A
    shell stands between: a process that this one starts itself counts this one's memory as its own.
    """
    run = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", str(harness.AEON), *map(str, args)],
                         capture_output=True, env=environment(), input=full(n_ctx).encode())
    check(run.returncode == 0, run)
    return json.loads(run.stdout)["peak_rss_bytes"], run.stderr.decode()


@test
def the_number_holds():
    """With the least memory that is enough, and every token of the context in use."""
    for args, n_ctx, kv in ((("-m", "builtin", "-t", "1"), 2048, "f32"),
                            (("-m", "builtin", "-t", "4", "--chunk", "64"), 2000, "f16"),
                            (("-m", model("phi3-micro", "q4_0"), "--chunk", "32"), 1500, "bf16")):
        args = (*args, "--ctx", n_ctx, "--kv", kv)
        ram = plan(*args, "--ram", "1G")["total_bytes"]
        peak, said = peak_of(n_ctx, "run", *args, "--ram", ram, "--ids", "-", "-n", "4",
                             "--temp", "0.5", "--json", "--ignore-eos")
        check(peak <= ram, f"{peak} > {ram}", args, said)
        check(peak > ram * 3 / 4, "most of it is used", args, f"{peak} of {ram}")
        check(said.startswith("plan: ") and f"({kv})" in said, said)


@test
def what_is_left_open_is_chosen():
    ram = plan("--ctx", "4096", "--kv", "f16", "--ram", "1G")["total_bytes"]
    args = ("run", "-n", "2", "--ignore-eos", "--ids", "1,2,3")
    result = works(*args, "--ram", ram)
    usual = plan("--ctx", "4096")["kv_type"]  # of two bytes, as f16
    check(usual in ("f16", "bf16"), usual)
    check(f"4,096 tokens of context ({usual})" in result.err, result)
    result = works(*args, "--ram", ram - 1000000)
    check("tokens of context (q8_0)" in result.err, result)
    equal(len(result.err.splitlines()), 1, "one line")
    result = works("chat", "--ram", "100M", "--temp", "0", stdin="Hello!\n")
    check(result.err.startswith("plan: ") and result.text.strip(), result)


@test
def what_does_not_fit_is_refused_before_it_is_loaded():
    for command in (("run", "-p", "a"), ("score", "-p", "a"), ("chat",)):
        fails(*command, "--ram", "10M", says=("10.0 MB are too small", "would hold 4096 tokens"))
    fails("run", "-p", "a", "--ram", "1G", "--ctx", "5000", says="reaches 4096")
    fails("run", "-p", "a", "--ram", "1000T", says="1.0 PB are asked for, this machine has")
    works("doctor", "--no-probe", "--ram", "1000T")  # may ask about another machine


harness.main()
