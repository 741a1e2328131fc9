#!/usr/bin/env python3
"""aeon eval: the table, what else it prints, bad suites, Ctrl-C; and that the checks of the library
agree with those of the curriculum."""

import array
import ctypes
import json
import random
import signal
import sys

import harness
from harness import ROOT, Skip, check, equal, fails, folder, model, start, test, works

sys.path[:0] = [str(ROOT / "curriculum"), str(ROOT / "tests" / "parity")]
import check as checks  # noqa: E402
import generate  # noqa: E402
import gguf  # noqa: E402

ANYTHING, NOTHING = {"matches": ["(?s)."]}, {"equals": ["never said"]}


def question(family, text, check_, **more):
    talk = [{"role": "system", "content": "You are AEON."}, {"role": "user", "content": text}]
    return {"family": family, "messages": talk, "check": check_, **more}


SUITE = [question("open", "Hello!", ANYTHING, answer="Hi!"),
         question("closed", "Who are you?", NOTHING, answer="never said"),
         question("open", "Tell me a joke.", ANYTHING),
         question("open", "How are you?", NOTHING, answer="never said"),
         question("JSON", "Good morning!", {"json": {"name": "Anna"}})]


def write(questions):
    path = folder() / "suite.jsonl"
    path.write_text("".join(json.dumps(q) + "\n" for q in questions))
    return path


def evaluate(*args, suite=SUITE):
    return works("eval", "--suite", write(suite), *args)


# ---- what it prints --------------------------------------------------------------------------

@test
def the_table_counts():
    result = evaluate()
    equal(result.err, "")
    lines = [line.split() for line in result.text.splitlines()]
    equal(lines[0], ["family", "n", "right", "%", "95%", "parse"])
    equal(lines[1], ["open", "3", "2", "66.7", "20.8-", "93.9"])
    equal(lines[2][:4], ["closed", "1", "0", "0.0"])
    equal(lines[3][:2] + lines[3][-1:], ["JSON", "1", "0.0"])
    equal(lines[4][:2], ["total", "5"])
    check(lines[5][1] == "s", result)
    check("parse" not in evaluate(suite=SUITE[:2]).text)


@test
def json_says_the_same():
    got = evaluate("--json", "--wrong").json
    equal(sorted(got), ["complete", "families", "model", "seconds", "suite", "total", "wrong"])
    equal((got["model"], got["complete"]), ("builtin", True))
    equal([(f["family"], f["n"], f["right"]) for f in got["families"][:2]],
          [("open", 3, 2), ("closed", 1, 0)])
    check(abs(got["families"][0]["low"] - 0.2077) < 1e-4, got)
    equal(["parsed" in f for f in got["families"]], [False, False, True])
    wrong = got["wrong"][0]
    equal((wrong["family"], wrong["question"], wrong["wanted"]),
          ("closed", "Who are you?", "never said"))
    check(wrong["got"], wrong)


@test
def keys_and_values_are_kept_as_asked():
    for kv in "f32", "q8_0":
        equal(works("eval", "--kv", kv, "-n", 1, "--family", "echo", "--json").json["total"]["n"], 1)
    fails("eval", "--kv", "q4_0", code=2, says="f32, f16, bf16 or q8_0")


@test
def families_and_numbers_are_chosen():
    got = evaluate("--family", "open", "--family", "JSON", "-n", "2", "--json").json
    equal([(f["family"], f["n"]) for f in got["families"]], [("open", 2), ("JSON", 1)])


@test
def wrong_answers_and_transcripts():
    text = evaluate("--wrong").text
    check('closed\n  question  "Who are you?"\n  got       "' in text, text)
    check(text.count('  wanted    "never said"') == 2, text)
    text = evaluate("--transcript", "-n", "1", "--family", "open").text
    check(text.startswith("--- open\nsystem     You are AEON.\nuser       Hello!\nright:     "), text)
    answer = works("run", "-p", "Hello!", "--system", "You are AEON.", "--temp", "0").text.strip()
    check(answer in text, answer, text)


@test
def threads_change_nothing():
    one, many = (evaluate("-t", n, "--json", "--wrong").json for n in ("1", "3"))
    equal(one["wrong"], many["wrong"])


@test
def samples_are_drawn_by_seed():
    args = ("--samples", "4", "--temp", "20", "--json", "--wrong")
    one, again, other = (evaluate(*args, "--seed", seed).json for seed in ("7", "7", "8"))
    equal((one["samples"], one["seed"], one["temperature"]), (4, 7, 20))
    equal(one["wrong"], again["wrong"])
    check(one["wrong"] != other["wrong"])
    row = one["families"][0]
    equal((row["n"], row["right"], row["any_right"]), (3, 8, 2))
    check(1 <= row["distinct"] <= 4, row)
    header = evaluate("--samples", "2").text.splitlines()[0].split()
    equal(header, ["family", "n", "mean%", "any%", "majority", "distinct"])


@test
def a_model_agrees_with_itself():
    got = evaluate("--against", "builtin", "--json").json["total"]
    check(got["agreed"] == got["tokens"] > 5, got)
    check(evaluate("--against", "builtin").text.splitlines()[1].endswith(" 100.0"))
    short = evaluate("--against", "builtin", "--tokens", "2", "--json").json["total"]
    equal(short["tokens"], 2 * len(SUITE))


@test
def a_model_that_wants_the_opposite_agrees_with_nothing():
    file, path = gguf.read(ROOT / "models" / "aeon-tiny.gguf"), folder() / "opposite.gguf"
    norm = file.tensors["output_norm.weight"]
    norm.data = array.array("f", [-weight for weight in norm.values()]).tobytes()
    gguf.write(path, file)
    got = evaluate("--against", path, "--json").json["total"]
    check(got["tokens"] > 5 and got["agreed"] == 0, got)


@test
def the_builtin_suite_is_there():
    got = works("eval", "-n", "1", "--json").json
    equal(got["suite"], "builtin")
    check(got["total"]["n"] == len(got["families"]) > 0, got)


# ---- bad input -------------------------------------------------------------------------------

def refuses(line, says):
    path = write(SUITE[:2])
    path.write_bytes(path.read_bytes() + line + b"\n")
    fails("eval", "--suite", path, says=[f"{path}:3: ", says])


@test
def bad_suites_are_refused_by_line():
    refuses(b"{", "not JSON")
    refuses(b"\xff\x00", "zero byte")
    refuses(json.dumps(question("a", "b", {"equal": ["c"]})).encode(), '"equal"')
    refuses(json.dumps(question("a", "b", {"matches": ["("]})).encode(), "regular expression")
    refuses(json.dumps({**SUITE[0], "messages": [{"role": "captain", "content": "x"}]}).encode(),
            "captain")
    refuses(json.dumps(question("a", "b " * 200000, ANYTHING)).encode(), "context")
    fails("eval", "--suite", folder() / "none.jsonl", says="none.jsonl")
    fails("eval", "--suite", folder(), says="regular file")
    empty = folder() / "empty.jsonl"
    empty.write_text("\n")
    fails("eval", "--suite", empty, says="no question")


@test
def wrong_options_are_refused():
    path = write(SUITE)
    fails("eval", "--suite", path, "--family", "opne", says=["opne", "open, closed, JSON"])
    fails("eval", "--against", "builtin", "--samples", "2", code=2, says="--against")
    fails("eval", "--transcript", "--json", code=2, says="--transcript")
    fails("eval", "--samples", "1001", code=2, says="--samples")
    fails("eval", "--suite", path, "--against", model(), says="vocabulary")
    fails("eval", "-m", "/nonexistent", says="/nonexistent")


def interrupted_eval(path, seconds):
    run = start("eval", "--suite", path)
    try:
        run.wait(timeout=seconds)
    except Exception:
        run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    equal(run.returncode, 130, err)
    return out, err


@test
def an_interrupt_prints_what_is_known():
    path = write(SUITE[:1] * 20000)
    for seconds in (2, 8, 32):  # a busy machine may not have answered anything yet
        out, err = interrupted_eval(path, seconds)
        row = out.decode().splitlines()[1].split()
        if row[0] == "open":
            break
    check(row[0] == "open" and 0 < int(row[1]) < 20000, out)
    check(b"interrupted after " + row[1].encode() in err, err)


# ---- the same checks in C and in Python ------------------------------------------------------

class Verdict(ctypes.Structure):
    _fields_ = [("is_right", ctypes.c_bool), ("is_json", ctypes.c_bool)]


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 512)]


class Judge:
    """The library's checks of some questions."""

    def __init__(self, questions):
        path = harness.AEON.parent.parent / "src" / "libaeon.so"
        if not path.exists():
            raise Skip(f"no {path}")
        self.library, self.suite = ctypes.CDLL(str(path)), ctypes.c_void_p()
        self.call("aeon_suite_load", ctypes.byref(self.suite), str(write(questions)).encode())

    def call(self, name, *args):
        error = Error()
        status = getattr(self.library, name)(*args, ctypes.byref(error))
        equal(status, 0, error.text)

    def is_right(self, i, answer):
        verdict, data = Verdict(), answer.encode()
        self.call("aeon_suite_judge", self.suite, ctypes.c_size_t(i), data,
                  ctypes.c_size_t(len(data)), ctypes.byref(verdict))
        return verdict.is_right


def damaged(rng, text):
    """The text, nearly."""
    at = rng.randrange(len(text) + 1)
    return rng.choice([text.upper(), f" {text}\n", text + ".", text + "!", text[:at], text[at:],
                       text[:at] + rng.choice("x0 .\"]}\n") + text[at + 1:], text + text, ""])


def compare(questions, answers_to):
    """How many answers the two judged, and found right."""
    judge, n, n_right = Judge(questions), 0, 0
    for i, q in enumerate(questions):
        for answer in answers_to(q):
            want = checks.is_right(q["check"], answer)
            equal(judge.is_right(i, answer), want, q["check"], repr(answer))
            n, n_right = n + 1, n_right + want
    return n, n_right


@test
def checks_agree_on_the_curriculum():
    rng = random.Random(1)
    questions = list(generate.questions(20, 1))
    answers = [q["answer"] for q in questions]

    def answers_to(q):
        yield q["answer"]
        for _ in range(4):
            yield damaged(rng, q["answer"])
        yield from rng.sample(answers, 4)
    n, n_right = compare(questions, answers_to)
    check(n_right >= len(questions) and n - n_right >= len(questions), n, n_right)


@test
def checks_agree_on_odd_ones():
    call = '<|tool_call|>[{"name": "add", "arguments": {"a": 1}}]<|/tool_call|>'
    answers = ["", ".", "!", "a", "A.", "a..", " a\t", "b a c", "a\nb", "\u00e9", "1", "1.0",
               "[1]", "[1.0, 2]", "{\"a\": [1, {\"b\": null}]}", "{\"a\": 1} x", "nul", "null", "\"a\"",
               "\"\\u0061\"", "12345678901234567890123", "1e400", "[1,]", "'a'", call, f" {call}\n",
               call + call, call[:-1], call.replace("1", "2"), call.replace("1", "1.0")]
    conditions = [{"equals": ["a"]}, {"equals": ["A!", "b a c"]}, {"equals": ["", "\u00e9"]},
                  {"matches": ["a$"]}, {"matches": ["^a", "b"]}, {"lacks": ["a"]}, {"lacks": []},
                  {"matches": ["\\ba\\b"], "lacks": ["b\\b"]}, {"matches": ["\u00e9"]},
                  {"matches": ["(?<![A-Za-z0-9])1(?![A-Za-z0-9])"]}, {"matches": ["\\{.*\\}"]},
                  {"json": 1}, {"json": [1]}, {"json": "a"}, {"json": {"a": [1, {"b": None}]}},
                  {"json": [1, 2], "lacks": ["3"]}, {"tool_calls": []},
                  {"tool_calls": [{"name": "add", "arguments": {"a": 1}}]}]
    compare([question("odd", "?", c) for c in conditions], lambda q: answers)


harness.main()
