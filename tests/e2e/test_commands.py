#!/usr/bin/env python3
"""What every command does when all is well."""

import math
import os
import random

import harness
from harness import aeon, check, equal, fails, folder, model, test, works


# ---- the built-in model ---------------------------------------------------------------------

@test
def builtin_answers():
    result = works("run", "-p", "Hello!", "-n", "40", "--temp", "0")
    check(result.text.strip(), "an answer expected", result)
    equal(result.err, "")


@test
def builtin_is_the_default_and_fits_every_command():
    equal(works("run", "-p", "Hi", "-n", "8", "--temp", "0").out,
          works("run", "-m", "builtin", "-p", "Hi", "-n", "8", "--temp", "0").out)
    check(works("tokenize", "-p", "Hello").text.split())
    check(works("score", "-p", "Hello there", "--json").json["positions"])
    check("builtin" in works("inspect").text)
    check(works("inspect", "builtin", "--json").json["model"]["template"] == "phi-4-mini")
    check(works("bench", "-p", "8", "-n", "2", "-r", "1", "--json").json["results"])


@test
def builtin_chat_through_a_pipe_answers_every_line():
    result = works("chat", "--temp", "0", stdin="Hello!\nWho are you?\n")
    check(len(result.text.strip().splitlines()) >= 2, "two answers expected", result)
    equal(result.err, "")
    equal(works("--temp", "0", stdin="Hello!\nWho are you?\n").out, result.out)


# ---- run ------------------------------------------------------------------------------------

def run_json(*args):
    return works("run", "-m", model(), "--json", *args).json


@test
def run_gives_the_shape_of_its_json():
    got = run_json("-p", "Hello", "-n", "6", "--seed", "5", "--ignore-eos")
    equal(sorted(got), sorted(["text", "ids", "finish", "prompt_tokens", "tokens", "seed", "load_ms",
                               "prompt_ms", "first_ms", "total_ms", "peak_rss_bytes"]))
    equal((got["finish"], got["tokens"], got["seed"], len(got["ids"])), ("length", 6, 5, 6))


@test
def run_with_a_seed_repeats_itself():
    args = ("-p", "Hello", "-n", "12", "--temp", "1", "--ignore-eos")
    first = run_json(*args, "--seed", "7")["ids"]
    equal(run_json(*args, "--seed", "7")["ids"], first)
    check(run_json(*args, "--seed", "8")["ids"] != first, "another seed, another answer")
    check(run_json(*args)["seed"] != run_json(*args)["seed"], "a seed by chance expected")


@test
def run_takes_text_from_everywhere():
    path = folder() / "prompt.txt"
    path.write_text("Hello there")
    args = ("run", "-m", model(), "-n", "5", "--temp", "0", "--ignore-eos")
    first = works(*args, "-p", "Hello there").out
    for result in (works(*args, "-f", path), works(*args, "-f", "-", stdin="Hello there"),
                   works(*args, stdin="Hello there"), works(*args, "--prompt=Hello there")):
        equal(result.out, first)


@test
def run_ids_in_and_out():
    args = ("-m", model(), "-n", "4", "--temp", "0", "--ignore-eos")
    out = works("run", *args, "--ids", "1,2,3", "--ids-out").text
    got = works("run", *args, "--ids", "-", "--json", stdin="1 2\n3").json
    equal([int(word) for word in out.split()], got["ids"])
    equal(got["prompt_tokens"], 3)


@test
def run_raw_goes_without_the_template():
    raw = run_json("-p", "Hello", "--raw", "-n", "1")["prompt_tokens"]
    chat = run_json("-p", "Hello", "-n", "1")["prompt_tokens"]
    with_system = run_json("-p", "Hello", "--system", "Be brief.", "-n", "1")["prompt_tokens"]
    check(raw < chat < with_system, raw, chat, with_system)


@test
def run_stops_before_a_stop_text():
    args = ("-p", "Hello", "--raw", "-n", "20", "--temp", "0", "--ignore-eos")
    text = run_json(*args)["text"]
    for start in range(1, len(text) - 3, 5):
        stop = text[start:start + 3]
        if "\ufffd" in stop:
            continue  # bytes that JSON cannot show
        got = run_json(*args, "--stop", "never said", "--stop", stop)
        equal((got["text"], got["finish"]), (text[:text.index(stop)], "stop"), f"stop {stop!r}")


@test
def run_logit_bias_forces_and_forbids():
    first = run_json("-p", "Hello", "-n", "1", "--temp", "0", "--ignore-eos")["ids"][0]
    other = run_json("-p", "Hello", "-n", "1", "--temp", "0", "--ignore-eos",
                     "--logit-bias", f"{first}=-inf")["ids"][0]
    check(other != first)
    forced = run_json("-p", "Hello", "-n", "3", "--temp", "1", "--ignore-eos",
                      "--logit-bias", "77=1000")["ids"]
    equal(forced, [77, 77, 77])


@test
def run_until_the_context_ends():
    got = run_json("--ids", "1,2,3", "-n", "0", "--ctx", "20", "--ignore-eos")
    equal(got["finish"], "context")
    check(len(got["ids"]) <= 18, got["ids"])


@test
def run_stats_go_to_standard_error():
    result = works("run", "-m", model(), "-p", "Hello", "-n", "4", "--stats", "--ignore-eos")
    for word in ("prompt", "answer", "tokens/s", "first after", "load", "peak memory", "seed"):
        check(word in result.err, word, result)


@test
def threads_and_chunks_change_no_bit():
    ids = ",".join(str(random.Random(1).randrange(900)) for _ in range(150))
    args = ("score", "-m", model(), "--ids", ids, "--top", "5", "--json")
    first = works(*args, "-t", "1").out
    for more in (("-t", "2"), ("-t", "3"), ("--chunk", "1"), ("--chunk", "7"), ("--chunk", "64")):
        equal(works(*args, *more).out, first, more)


@test
def instruction_sets_can_be_chosen():
    args = ("run", "-m", model(), "-p", "Hello", "-n", "4", "--temp", "0", "--ids-out")
    equal(works("version", "--json", env={"AEON_ISA": "scalar"}).json["isa"], "scalar")
    equal(works(*args, env={"AEON_ISA": "scalar"}).out, works(*args).out)


# ---- tokenize -------------------------------------------------------------------------------

@test
def tokenize_gives_bytes_back():
    path, numbers = folder() / "bytes", random.Random(2)
    for data in (bytes(range(256)), b"", b"\0", b"\xff\xfe caf\xc3", "naïve 日本語 🙂".encode(),
                 bytes(numbers.randrange(256) for _ in range(5000))):
        path.write_bytes(data)
        for chosen in ("builtin", model()):
            ids = works("tokenize", "-m", chosen, "-f", path).text
            if data:
                equal(works("tokenize", "-m", chosen, "--decode", "-", stdin=ids).out, data)


@test
def tokenize_takes_control_tokens_only_when_asked():
    text = "<|user|>Hi<|end|>"
    plain = works("tokenize", "-p", text, "--json").json["ids"]
    special = works("tokenize", "-p", text, "--special", "--json").json["ids"]
    check(len(special) < len(plain))
    for ids in (plain, special):
        equal(works("tokenize", "--decode", ",".join(map(str, ids))).text, text)


@test
def tokenize_lines_of_json():
    lines = '"Hello"\n"two\\nlines"\n""\n"\\u0000 zero"\n"caf\\u00e9"'
    result = works("tokenize", "--lines", stdin=lines).text
    equal(len(result.splitlines()), 5)
    back = works("tokenize", "--lines", "--decode", "-", stdin=result).text
    equal(back.splitlines(), ['"Hello"', '"two\\nlines"', '""', '"\\u0000 zero"', '"café"'])


@test
def tokenize_shows_pieces():
    result = works("tokenize", "-p", 'say "hi"\n', "--pieces").text
    check('\\"' in result and "\\n" in result, result)
    equal(len(result.splitlines()), len(works("tokenize", "-p", 'say "hi"\n').text.split()))


@test
def tokenize_json_is_valid_whatever_the_bytes():
    for byte_id in works("tokenize", "-f", "-", stdin=b"\xff\xfe").text.split():
        got = works("tokenize", "--decode", byte_id, "--json").json
        equal(got["text"], "\ufffd")


# ---- score ----------------------------------------------------------------------------------

@test
def score_is_a_log_softmax():
    got = works("score", "-m", model(), "--ids", "5,6,7", "--top", "1000000", "--json").json
    equal(got["ids"], [5, 6, 7])
    equal([p["pos"] for p in got["positions"]], [0, 1, 2])
    equal([p["id"] for p in got["positions"]], [5, 6, 7])
    for position in got["positions"]:
        ids, values = zip(*position["top"])
        equal(len(set(ids)), len(ids))
        check(abs(math.fsum(map(math.exp, values)) - 1) < 1e-6, "probabilities sum to 1")
        equal(sorted(values, reverse=True), list(values))
    short = works("score", "-m", model(), "--ids", "5,6,7", "--top", "3", "--json").json
    equal([p["top"] for p in short["positions"]], [p["top"][:3] for p in got["positions"]])


@test
def score_agrees_with_greedy_run():
    best = works("score", "-m", model(), "--ids", "1,2,3", "--json").json["positions"][2]["top"][0][0]
    got = run_json("--ids", "1,2,3", "-n", "1", "--temp", "0", "--ignore-eos")
    equal(got["ids"], [best])


@test
def score_for_people_ends_with_the_perplexity():
    check("perplexity" in works("score", "-m", model(), "-p", "Hello there").text.splitlines()[-1])


@test
def rope_kinds_differ():
    args = ("score", "-m", model(), "--ids", "1,2,3,4,5", "--json")
    short, long, auto = (works(*args, "--rope", kind).out for kind in ("short", "long", "auto"))
    equal(auto, short)
    check(long != short)


# ---- inspect, synth, quantize, help -------------------------------------------------------------------

@test
def inspect_tells_what_is_there():
    result = works("inspect", model()).text
    for word in ("gguf", "phi3", "parameters", "context", "metadata", "tensors"):
        check(word in result, word, result)
    got = works("inspect", "-m", model(), "--json", "--tensors").json
    equal((got["model"]["architecture"], got["problem"]), ("phi3", None))
    equal(got["metadata"]["general.architecture"], "phi3")
    equal(len(got["tensors"]), got["n_tensors"])
    check(any(t["name"] == "token_embd.weight" for t in got["tensors"]))
    check("tensors" not in works("inspect", model(), "--json").json)


@test
def synth_is_repeatable_and_careful():
    here = folder()
    args = ("synth", "--shape", "phi3-nano", "--type", "q8_0")
    works(*args, here / "a.gguf")
    works(*args, here / "b.gguf", "--seed", "0")
    works(*args, here / "c.gguf", "--seed", "1")
    a, b, c = ((here / name).read_bytes() for name in ("a.gguf", "b.gguf", "c.gguf"))
    equal(a == b, True)
    check(a != c, "another seed, another file")
    refused = aeon(*args, here / "c.gguf")
    equal((refused.code, (here / "c.gguf").read_bytes() == c), (1, True))
    works(*args, here / "c.gguf", "--force")
    equal((here / "c.gguf").read_bytes() == a, True)
    equal(sorted(os.listdir(here)), ["a.gguf", "b.gguf", "c.gguf"])


@test
def synth_shapes_run():
    for shape in ("llama-nano", "qwen2-nano", "qwen3-nano"):
        for kind in ("f16", "bf16", "q8_0", "q4_0"):
            got = works("run", "-m", model(shape, kind), "--ids", "1,2,3", "-n", "3", "--json",
                        "--ignore-eos").json
            equal(len(got["ids"]), 3, shape, kind)


@test
def a_packed_model_answers_the_same():
    tiny, here = harness.ROOT / "models" / "aeon-tiny.gguf", folder()
    said = works("quantize", model("phi3-nano", "q4_0"), here / "nano.gguf", "--pack")
    check(not said.out and "tensors in panels" in said.err, said)
    got = works("quantize", tiny, here / "tiny.gguf", "--pack", "--json").json
    check(0 < got["packed"] < got["tensors"] and got["size_bytes"] > 5e6, got)
    equal(got["file"], str(here / "tiny.gguf"))
    for one, packed in ((tiny, "tiny.gguf"), (model("phi3-nano", "q4_0"), "nano.gguf")):
        for args in (("run", "-p", "Who are you?", "-n", "20", "--temp", "0"),
                     ("score", "-p", "Hello there", "--json")):
            equal(works(*args, "-m", here / packed).out, works(*args, "-m", one).out)
    equal(works("inspect", here / "tiny.gguf", "--json").json["problem"], None)


@test
def packing_is_careful():
    here = folder()
    source, target = model("phi3-nano", "q8_0"), here / "a.gguf"
    works("quantize", source, target, "--pack")
    packed = target.read_bytes()
    fails("quantize", model("qwen2-nano", "q8_0"), target, "--pack", says="--force")
    equal(target.read_bytes() == packed, True)
    fails("quantize", target, here / "b.gguf", "--pack", says="packed already")
    fails("quantize", "builtin", here / "b.gguf", "--pack", says="part of the program")
    fails("quantize", here, here / "b.gguf", "--pack", says="a folder")
    fails("quantize", here / "no.gguf", here / "b.gguf", "--pack", says="no.gguf")
    fails("quantize", source, here / "no" / "b.gguf", "--pack", says="b.gguf")
    works("quantize", model("qwen2-nano", "q8_0"), target, "--pack", "--force")
    check(target.read_bytes() != packed)
    works("quantize", source, target, "--pack", "--force")
    equal(target.read_bytes() == packed, True)
    (here / "cut.gguf").write_bytes(packed[:len(packed) // 2])
    fails("run", "-m", here / "cut.gguf", "-p", "a", says="cut.gguf")
    equal(sorted(os.listdir(here)), ["a.gguf", "cut.gguf"])


@test
def help_for_everything():
    overview = works("help").text
    equal(works("--help").text, overview)
    equal(works("-h").text, overview)
    for command in ("chat", "run", "tokenize", "score", "inspect", "doctor", "synth", "quantize",
                    "train", "eval", "bench", "help", "version"):
        check(f"\n  {command} " in overview, command)
        text = works(command, "--help").text
        check("Usage: aeon " + command in text and "Example:" in text, text)
        equal(works("help", command).text, text)
    check(works("version").text.startswith("aeon "))
    equal(works("--version").text, works("version").text)


harness.main()
