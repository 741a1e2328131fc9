#!/usr/bin/env python3
"""aeon bench: what it measures, what it says of limits, and the comparison with a peer."""

import csv
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import time

import harness
from harness import (ROOT, Skip, aeon, check, environment, equal, fails, folder, model, start, test,
                     wait_until, works)

KV_BYTES = 2 * 2 * 2 * 64 * 2  # phi3-nano, f16: keys and values of 2 layers with 2 heads of 64
TESTS = [("prefill", 16, 0, 1), ("decode", 4, 0, 1), ("decode", 4, 0, 4), ("prefill", 16, 40, 1),
         ("decode", 4, 40, 1), ("decode", 4, 40, 4)]
ARGS = ("-p", "16", "-n", "4", "-r", "2", "--depth", "0,40", "--batch", "1,4")
KEY = ("test", "tokens", "depth", "batch")


def bench(*args):
    return works("bench", *args, "--json").json


# ---- what is told ---------------------------------------------------------------------------

@test
def the_shape_of_its_json():
    got = bench("-m", model(), *ARGS)
    equal(sorted(got), sorted(["model", "type", "isa", "threads", "probe", "load_ms",
                               "peak_rss_bytes", "results"]))
    equal(sorted(got["probe"]), ["bf16_gmacs", "f32_gmacs", "int8_gmacs", "read_gbps"])
    equal([tuple(r[key] for key in KEY) for r in got["results"]], TESTS)
    for r in got["results"]:
        equal(sorted(r), sorted((*KEY, "median_tps", "min_tps", "max_tps", "bytes_per_step",
                                 "limit_fraction")))
        check(0 < r["min_tps"] <= r["median_tps"] <= r["max_tps"], r)
        check(r["bytes_per_step"] > 0 and r["limit_fraction"] > 0, r)
    check(got["peak_rss_bytes"] < 150e6, "the probe's memory is not the model's", got)


@test
def csv_has_a_line_for_each_test():
    name = folder() / 'a "b", c.gguf'
    shutil.copy(model(), name)
    rows = list(csv.DictReader(io.StringIO(works("bench", "-m", name, *ARGS, "--csv").text)))
    got = [(r["test"], int(r["tokens"]), int(r["depth"]), int(r["batch"])) for r in rows]
    equal(got, TESTS)
    for r in rows:
        equal((r["type"], r["isa"]), ("f32", works("version", "--json").json["isa"]))
        check(r["model"].startswith("Random weights, 2 layers"), r)
        check(0 < float(r["min_tps"]) <= float(r["median_tps"]) <= float(r["max_tps"]), r)
        check(None not in r and float(r["limit_fraction"]) > 0, r)


@test
def the_table_is_for_people():
    text = works("bench", "-m", model(), *ARGS).text
    check(max(map(len, text.splitlines()[3:])) <= 80, text)
    rows = [line.split() for line in text.splitlines() if line.startswith(("prefill", "decode"))]
    equal([(r[0], *map(int, r[1:4])) for r in rows], TESTS)
    alone = {}
    for r in rows:
        depth, batch, tps = r[2], int(r[3]), float(r[4])
        equal(len(r), 9 if r[0] == "prefill" else 10, "prefill has no ratio", r)
        if r[0] == "decode":
            alone[depth] = tps if batch == 1 else alone[depth]
            check(abs(float(r[7]) - batch * alone[depth] / tps) < 0.02, r)
    text = works("bench", "-p", "0", "-n", "2", "-r", "1", "--batch", "4").text
    equal(len(text.splitlines()[-1].split()), 9, "no ratio without one talk alone", text)


# ---- limits ---------------------------------------------------------------------------------

def peak(probe, kind):
    """Billions of multiply-adds a second for a type of numbers."""
    own = {"f32": "f32_gmacs", "f16": "bf16_gmacs", "bf16": "bf16_gmacs"}.get(kind, "int8_gmacs")
    return probe[own] or probe["f32_gmacs"]


def least_seconds(r, probe, info, kind, kv):
    """A step takes as long as its reads, or as its products."""
    own = (r["tokens"] + 1) / 2
    is_decode = r["test"] == "decode"
    n_new = r["batch"] if is_decode else r["tokens"]
    n_logits = r["batch"] if is_decode else 1
    with_weights = n_new * info["macs"] + n_logits * info["head"]
    with_keys = n_new * info["macs_per_seen"] * (r["depth"] + own)
    products = with_weights / peak(probe, kind) + with_keys / peak(probe, kv)
    return max(r["bytes_per_step"] / probe["read_gbps"], products) / 1e9


@test
def a_limit_is_the_smaller_of_reads_and_products():
    # phi3-nano: 2 layers of 256 with 4 heads of 64, 2 of them for keys; 512 forward, 1000 tokens
    info = {"macs": 2 * (256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512), "head": 256 * 1000,
            "macs_per_seen": 2 * 2 * 4 * 64}
    for kind, kv, bits in (("f32", "f32", 32), ("f16", "f16", 16), ("q8_0", "q8_0", 8.5),
                           ("q4_0", "bf16", 4.5)):
        kv_bytes = KV_BYTES * {"f32": 2, "q8_0": 34 / 64}.get(kv, 1)
        got = bench("-m", model("phi3-nano", kind), *ARGS, "--kv", kv)
        for r in got["results"]:
            seen = r["depth"] + (r["batch"] * (r["tokens"] + 1) / 2 if r["test"] == "decode" else 0)
            step_bytes = (info["macs"] + info["head"]) * bits / 8
            equal(r["bytes_per_step"], int(step_bytes + seen * kv_bytes), kind, r)
            n = r["batch"] if r["test"] == "decode" else r["tokens"]
            limit = n / least_seconds(r, got["probe"], info, kind, kv)
            check(abs(r["median_tps"] / limit / r["limit_fraction"] - 1) < 1e-4, kind, r, limit)


# ---- models ---------------------------------------------------------------------------------

@test
def a_shape_needs_no_file():
    here = folder()
    args = ("--shape", "phi3-nano", "--type", "q8_0", *ARGS)
    result = works("bench", *args, "--json", cwd=here)
    got, file = result.json, bench("-m", model("phi3-nano", "q8_0"), *ARGS)
    equal((got["model"], got["type"]), ("phi3-nano", "q8_0"))
    equal([r["bytes_per_step"] for r in got["results"]],
          [r["bytes_per_step"] for r in file["results"]])
    equal((os.listdir(here), result.err), ([], ""))
    check("random weights, q8_0" in works("bench", *args).text)
    fails("bench", "--shape", "phi3-nano", "--type", "q4_k", says=("q4_k", "take f32"))


@test
def a_shape_too_large_for_the_memory_is_refused():
    def little_memory():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    fails("bench", "--shape", "phi-4-mini", "--type", "f16", "-t", "1", says="memory",
          preexec_fn=little_memory)


@test
def batches_keep_to_a_budget():
    got = bench("-p", "0", "-n", "8", "-r", "1", "--batch", "1,40", "--depth", "33", "--ram", "100M")
    check(got["peak_rss_bytes"] <= 100e6, got)
    fails("bench", "-p", "0", "-n", "1000", "-r", "1", "--batch", "200", "--depth", "33",
          "--ram", "50M", says="too small")


@test
def ctrl_c_ends_it():
    run = start("bench", "-m", model("phi3-micro", "f32"), "-r", "1000", "-p", "500", "-t", "2")
    wait_until(lambda: len(os.listdir(f"/proc/{run.pid}/task")) > 1)
    time.sleep(0.5)  # it has read the small file and measures
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    equal((run.returncode, out), (130, b""), err)


# ---- for other programs ---------------------------------------------------------------------

@test
def lines_are_answered_one_by_one():
    run = start("bench", "-m", model(), "--lines", "-p", "16", "-n", "4", "--depth", "40",
                "--batch", "2")
    about = json.loads(run.stdout.readline())
    equal(sorted(about), ["isa", "load_ms", "model", "threads", "type"])
    for line in ('{"test":"prefill"}', '{"test":"decode","tokens":2,"depth":40,"batch":2}',
                 '{"test":"prefill","tokens":16,"depth":7}', '{"test":"decode"}'):
        run.stdin.write(line.encode() + b"\n")
        run.stdin.flush()
        answer = json.loads(run.stdout.readline())
        check(list(answer) == ["tps"] and answer["tps"] > 0, line, answer)
    run.stdin.write(b'{"test":"probe"}\n{"test":"decode"}\n')
    run.stdin.flush()
    probe, answer = (json.loads(run.stdout.readline()) for _ in range(2))
    equal(sorted(probe), ["bf16_gmacs", "f32_gmacs", "int8_gmacs", "read_gbps"])
    info = works("bench", "-m", model(), "-p", "0", "-n", "4", "-r", "1", "--json").json
    bound = probe["read_gbps"] * 1e9 / info["results"][0]["bytes_per_step"]
    check(answer["limit_fraction"] >= 0.999 * answer["tps"] / bound, probe, answer)
    out, err = run.communicate(timeout=30)
    equal((run.returncode, out, err), (0, b"", b""))


@test
def lines_that_ask_for_too_much_are_numbered():
    for line in ("", "{", '{"test":"score"}', '{"test":"decode","tokens":5}', '[1]', "[" * 400,
                 '{"test":"prefill","depth":41}', '{"test":"prefill","batch":2}',
                 '{"test":"decode","batch":3}', '{"test":"decode","tokens":0}',
                 '{"test":"decode","tokens":1.5}', '{"test":"decode","depth":-1}', "x" * 600):
        result = aeon("bench", "-m", model(), "--lines", "-p", "16", "-n", "4", "--depth", "40",
                      "--batch", "2", stdin='{"test":"decode"}\n' + line + "\n")
        equal((result.code, len(result.text.splitlines())), (1, 2), line, result)
        check(len(result.err.splitlines()) == 1 and "line 2" in result.err, line, result)


def peer(*args, script=ROOT / "bench" / "peer.mjs"):
    if not shutil.which("node"):
        raise Skip("there is no node")
    return harness.Result(subprocess.run(["node", str(script), *map(str, args)], timeout=300,
                                         capture_output=True, env=environment()))


@test
def a_peer_is_measured_in_turns():
    if not (ROOT / "tests/parity/node_modules/.package-lock.json").exists():
        raise Skip("llama.cpp is not installed")
    args = (harness.AEON, model("phi3-nano", "q8_0"), "-p", "16", "-n", "2", "-r", "3")
    result = peer(*args, "--depth", "0,8", "--json")
    equal(result.code, 0, result)
    equal([(r["test"], r["tokens"], r["depth"]) for r in result.json["results"]],
          [("prefill", 16, 0), ("decode", 2, 0), ("prefill", 16, 8), ("decode", 2, 8)])
    equal(result.json["peer"]["threads"], result.json["threads"])
    for r in result.json["results"]:
        ours, theirs = sorted(r["aeon_tps"])[1], sorted(r["peer_tps"])[1]
        equal((ours, theirs, ours / theirs),
              (r["aeon_median_tps"], r["peer_median_tps"], r["ratio"]))
    text = peer(*args).text
    check(all(word in text for word in ("llama.cpp", "ratio", "prefill", "decode")), text)


@test
def targets_take_known_types():
    script = ROOT / "bench" / "targets.mjs"
    for args, says in (((), "a program is needed"), ((harness.AEON, "--types", "q4_0,q9"), "q9"),
                       ((harness.AEON, "-r", "x"), "--runs x"), ((harness.AEON, "-r", "0"), "--runs 0"),
                       ((harness.AEON, "--what"), "usage")):
        result = peer(*args, script=script)
        equal((result.code, result.out), (2, b""), result)
        check(says in result.err, says, result)


@test
def the_programs_tell_their_usage():
    for name in "peer", "targets":
        result = peer("--help", script=ROOT / "bench" / f"{name}.mjs")
        equal((result.code, result.err), (0, ""), result)
        check(result.text.startswith(f"usage: {name}.mjs PATH/TO/aeon"), result)


@test
def a_missing_peer_is_explained():
    here = folder()
    for script in (ROOT / "bench").glob("*.mjs"):
        shutil.copy(script, here)
    result = peer(harness.AEON, model(), script=here / "peer.mjs")
    equal((result.code, result.out), (1, b""), result)
    check("not installed" in result.err and "make bench-peer" in result.err, result)
    for args, code, says in (((harness.AEON, here / "none.gguf"), 1, "none.gguf: no such file"),
                             ((harness.AEON,), 2, "usage"), ((harness.AEON, model(), "-p", "x"), 2, "-p x"),
                             ((harness.AEON, model(), "-p", "0", "-n", "0"), 2, "nothing to measure")):
        result = peer(*args)
        equal((result.code, result.out), (code, b""), result)
        check(says in result.err, says, result)


harness.main()
