#!/usr/bin/env python3
"""aeon eval -f and --perplexity: against the definitions over all that aeon score says, on models
near and far; what is printed; bad input; Ctrl-C."""

import array
import json
import math
import signal
import sys

import harness
from harness import ROOT, check, equal, fails, folder, model, start, test, works

sys.path[:0] = [str(ROOT / "tests" / "parity")]
import gguf  # noqa: E402

TEXT = (ROOT / "README.md").read_text()[:6000]


def write(text, name="text.txt"):
    path = folder() / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def evaluate(*args, **more):
    return works("eval", *args, "--json", **more).json


# ---- the definitions ---------------------------------------------------------------------------

def expected(model_, ids):
    """For each position, the log-probability of every token."""
    scores = works("score", "-m", model_, "--ids", ",".join(map(str, ids)), "--top", 1000000,
                   "--kv", "f16", "--json").json
    return [{id_: logprob for id_, logprob in p["top"]} for p in scores["positions"]]


def best(p):
    return min(p, key=lambda id_: (-p[id_], id_))


def quantile(values, part):
    """Between two values in proportion, as numpy does by default."""
    at = part * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return sorted(values)[low] + (at - low) * (sorted(values)[high] - sorted(values)[low])


def by_definition(ours, reference, ids, ctx):
    losses, theirs, kl, same = [], [], [], []
    for begin in range(0, len(ids) // ctx * ctx, ctx):
        window = ids[begin:begin + ctx]
        for pos, (q, p) in enumerate(zip(expected(ours, window), expected(reference, window))):
            if not ctx // 2 <= pos < ctx - 1:
                continue
            losses.append(-q[window[pos + 1]])
            theirs.append(-p[window[pos + 1]])
            kl.append(sum(math.exp(p[id_]) * (p[id_] - q[id_]) for id_ in p))
            same.append(best(p) == best(q))
    n = len(losses)
    return {"tokens": n, "perplexity": math.exp(sum(losses) / n),
            "reference_perplexity": math.exp(sum(theirs) / n),
            "gain": (sum(theirs) - sum(losses)) / n, "kl_mean": sum(kl) / n,
            "kl_median": quantile(kl, 0.5), "kl_p99": quantile(kl, 0.99), "kl_max": max(kl),
            "top1_agreement": sum(same) / n}


def compare(ours, reference, ctx, tolerance):
    path = write(TEXT[:2500])
    got = evaluate("-m", ours, "--against", reference, "-f", path, "--ctx", ctx, "--kv", "f16")
    ids = works("tokenize", "-m", ours, "-f", path, "--json").json["ids"]
    equal(got["text_tokens"], len(ids))
    equal(got["windows"], len(ids) // ctx)
    want = by_definition(ours, reference, ids, ctx)
    for name, value in want.items():
        check(abs(got[name] - value) <= tolerance * (1 + abs(value)), name, got, want)
    return got


@test
def the_definitions_hold_between_strangers():
    other = folder() / "other.gguf"
    works("synth", "--shape", "phi3-nano", "--type", "f32", "--seed", 9, other)
    got = compare(other, model(), 256, 1e-6)  # --json gives nine digits
    check(got["kl_mean"] > 0.1 and got["top1_agreement"] < 0.9, got)


@test
def the_definitions_hold_between_neighbours():
    got = compare(model(kind="q8_0"), model(), 300, 1e-7)
    check(0 < got["kl_median"] < got["kl_mean"] < 0.01, got)
    check(got["top1_agreement"] > 0.9 and abs(got["gain"]) < 0.01, got)


@test
def a_model_is_not_far_from_itself():
    for args in ["-f", write(TEXT)], ["--perplexity", "-n", 1]:
        got = evaluate(*args, "--against", "builtin")
        check(got["kl_mean"] == got["kl_p99"] == got["kl_max"] == got["gain"] == 0, got)
        check(got["top1_agreement"] == 1 and got["kl_mean_95"] == [0, 0], got)
        equal(got["perplexity"], got["reference_perplexity"])


@test
def smaller_types_are_further_away():
    kl = [evaluate("-m", model(kind=kind), "--against", model(), "-f", write(TEXT))["kl_mean"]
          for kind in ("q8_0", "q4_0")]
    check(0 < 20 * kl[0] < kl[1], kl)


@test
def the_right_answers_are_foreseen():
    """What the model learned; a text in its words, but of another kind, it did not."""
    got = evaluate("--perplexity", "-n", 3, "--against", "builtin-draft")
    check(1 < got["perplexity"] < 1.3 and got["perplexity"] < got["reference_perplexity"], got)
    check(got["gain"] > 0 and got["top1_agreement"] > 0.9, got)
    equal((got["suite"], got["windows"]), ("builtin", 96))
    one = evaluate("--perplexity", "--family", "echo", "-n", 3)
    check(one["windows"] == 3 and one["tokens"] < got["tokens"], one)


@test
def threads_change_nothing():
    args = ("-f", write(TEXT), "--against", "builtin-draft", "--ctx", "100")
    one, many = (evaluate(*args, "-t", n) for n in (1, 3))
    for got in one, many:
        del got["seconds"], got["tokens_per_second"]
    equal(one, many)


# ---- what is printed ---------------------------------------------------------------------------

@test
def the_table_and_json_say_the_same():
    args = ("-f", write(TEXT), "--tokens", 1100, "--against", "builtin-draft")
    got = evaluate(*args)
    result = works("eval", *args)
    equal(result.err, "")
    lines = result.text.splitlines()
    cells = {line[:20].strip(): line[20:].split() for line in lines[1:-1]}
    equal(lines[0].split(), ["95%", "interval"])
    for name, key in [("perplexity", "perplexity"), ("of the reference", "reference_perplexity"),
                      ("gain, nats a token", "gain"), ("KL mean, nats", "kl_mean"),
                      ("median", "kl_median"), ("99th percentile", "kl_p99"),
                      ("top-1 agreement, %", "top1_agreement")]:
        for cell, value in zip(cells[name], [got[key], *got[key + "_95"]]):
            value = value and value * (100 if "%" in name else 1)
            check(cell == "-" if value is None else abs(float(cell) / value - 1) < 0.001,
                  name, cells, got)
    check(lines[-1].startswith("1,024 tokens in 2 windows of 512, 510 scored, 76 at the end left "
                               "out; "), lines)
    equal((got["tokens"], got["text_tokens"], got["windows"], got["ctx"], got["complete"]),
          (510, 1100, 2, 512, True))
    equal(len(works("eval", "-f", write(TEXT), "--tokens", 600).text.splitlines()), 3)
    check("1 talk, " in works("eval", "--perplexity", "--family", "echo", "-n", 1).text)


@test
def json_without_a_reference():
    got = evaluate("-f", write("Hello there, how are you?"), "--ctx", 32)
    equal(sorted(got), ["complete", "ctx", "file", "model", "perplexity", "perplexity_95", "seconds",
                        "text_tokens", "tokens", "tokens_per_second", "windows"])
    equal((got["windows"], got["ctx"]), (1, got["text_tokens"]))
    low, high = got["perplexity_95"]
    check(1 <= low < got["perplexity"] < high, got)


@test
def what_a_short_text_does_not_say_is_null():
    got = evaluate("-f", write("Hello there"), "--tokens", 2, "--against", "builtin-draft")
    equal((got["tokens"], got["perplexity_95"], got["kl_p99_95"][1]), (1, [0, None], None))
    check(" -" in works("eval", "-f", write("Hello there"), "--tokens", 2).text)


@test
def any_bytes_are_a_text():
    odd = bytes(range(256)) * 4
    got = evaluate("-f", write(odd))
    check(got["text_tokens"] > 100 and got["perplexity"] > 1, got)
    equal(evaluate("-f", "-", stdin=odd)["perplexity"], got["perplexity"])
    plain = evaluate("-f", write("<|user|>Hello<|end|>"))["text_tokens"]
    check(plain > 6, "control tokens of a text are plain text", plain)


# ---- bad input -----------------------------------------------------------------------------------

@test
def bad_texts_are_refused():
    fails("eval", "-f", "/nonexistent.txt", says="/nonexistent.txt")
    fails("eval", "-f", write(""), says="empty")
    fails("eval", "-f", write("a"), says="1 token:")
    fails("eval", "-f", folder(), says="directory")


@test
def models_that_do_not_fit_are_refused():
    path = write(TEXT)
    fails("eval", "-f", path, "--against", model(), says="another vocabulary")
    fails("eval", "--perplexity", "-n", 1, "--against", model(), says="another vocabulary")
    fails("eval", "-f", path, "--against", "/nonexistent.gguf", says="/nonexistent.gguf")
    fails("eval", "-f", path, "--ctx", 1000000, says=["1000000", "4096"])
    damaged, file = folder() / "nan.gguf", gguf.read(model())
    norm = file.tensors["output_norm.weight"]
    norm.data = array.array("f", [math.nan] * len(norm.values())).tobytes()
    gguf.write(damaged, file)
    fails("eval", "-m", damaged, "-f", path, says="weights of the model are damaged")
    fails("eval", "-m", model(), "--against", damaged, "-f", path,
          says="weights of the reference are damaged")


@test
def wrong_options_are_refused():
    path = write(TEXT)
    for option in (["--suite", path], ["--family", "a"], ["-n", 3], ["--samples", 2],
                   ["--temp", 1], ["--seed", 1], ["--template", "phi-3"], ["--wrong"],
                   ["--transcript"]):
        fails("eval", "-f", path, *option, code=2, says=option[0])
    fails("eval", "-f", path, "-n", 3, code=2, says="--tokens")
    for option in ["--samples", 2], ["--wrong"], ["--ctx", 64], ["--tokens", 64]:
        fails("eval", "--perplexity", *option, code=2, says=option[0])
    fails("eval", "--ctx", 64, code=2, says="-f FILE")
    fails("eval", "-f", path, "--ctx", 1, code=2, says="--ctx")


@test
def an_interrupt_prints_what_is_known():
    path = write(TEXT * 300)
    for seconds in (1, 4, 16):  # a busy machine may not have scored anything yet
        run = start("eval", "-f", path, "--json")
        try:
            run.wait(timeout=seconds)
        except Exception:
            run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        equal(run.returncode, 130, err)
        got = json.loads(out) if out else {"tokens": 0}
        if got["tokens"]:
            break
    check(0 < got["tokens"] and got["perplexity"] > 1 and not got["complete"], got)
    check(f"interrupted after {got['tokens']} of ".encode() in err, err)


harness.main()
