#!/usr/bin/env python3
"""A command line that makes no sense: exit status 2 and one line that says what would."""

import harness
from harness import aeon, check, fails, folder, model, test

N = "whole number"
USAGE = [
    (["frobnicate"], "no such command"),
    (["caht"], "did you mean aeon chat"),
    (["help", "caht"], "did you mean aeon chat"),
    (["--frobnicate"], "no such option"),
    (["run", "--tmp", "1"], "did you mean --temp"),
    (["run", "-x"], "no such option"),
    (["run", "-p"], "needs a value"),
    (["run", "-p", "a", "b"], "one word too many"),
    (["chat", "a", "b"], "one word too many; aeon chat --help"),
    (["eval", "phi.gguf"], "one word too many; a model is given as -m MODEL"),
    (["run", "--raw=1", "-p", "a"], "takes no value"),
    (["run", "-p", "a", "-n", "-1"], N),
    (["run", "-p", "a", "-n", "99999999999999999999999"], N),
    (["run", "-p", "a", "-n", "1000001"], N),
    (["run", "-p", "a", "-n", "1e3"], N),
    (["run", "-p", "a", "-n", "0x10"], N),
    (["run", "-p", "a", "-n", ""], N),
    (["run", "-p", "a", "-n", " 5"], N),
    (["run", "-p", "a", "-n5x"], N),
    (["run", "-p", "a", "-t", "100000"], N),
    (["run", "-p", "a", "--ctx", "-4"], N),
    (["run", "-p", "a", "--temp", "-1"], "number from 0"),
    (["run", "-p", "a", "--temp", "nan"], "number from 0"),
    (["run", "-p", "a", "--temp", "0x1"], "number from 0"),
    (["run", "-p", "a", "--temp", "1.5.2"], "number from 0"),
    (["run", "-p", "a", "--top-p", "1.1"], "number from 0 to 1"),
    (["run", "-p", "a", "--min-p=-0.1"], "number from 0 to 1"),
    (["run", "-p", "a", "--repeat-penalty", "0"], "number from"),
    (["run", "-p", "a", "--seed", "-3"], N),
    (["run", "-p", "a", "--seed", "12345678901234567890"], N),
    (["run", "-p", "a", "--logit-bias", "5"], "token id, =,"),
    (["run", "-p", "a", "--logit-bias", "x=1"], "token id, =,"),
    (["run", "-p", "a", "--logit-bias", "5=much"], "token id, =,"),
    (["run", "-p", "a", "--stop", ""], "a text"),
    (["run", "-p", "a", "--kv", "q4_0"], "f32, f16, bf16 or q8_0"),
    (["run", "-p", "a", "--kv", "nonsense"], "f32, f16, bf16 or q8_0"),
    (["run", "-p", "a", "--rope", "sideways"], "auto, short or long"),
    (["run", "-p", "a", "--template", "nonsense"], "chatml"),
    (["run", "-p", "a", "-f", "b"], "not both"),
    (["run", "-p", "a", "--ids", "1"], "not together"),
    (["run", "-p", "a", "--raw", "--system", "b"], "--raw"),
    (["run", "--ids", "1,two"], "two is not a token id"),
    (["run", "--ids", "1,-2"], "-2 is not a token id"),
    (["run", "--ids", ""], "no token ids"),
    (["tokenize", "--decode", "1;2"], "is not a token id"),
    (["tokenize", "--lines", "--json"], "--lines"),
    (["score", "-p", "a", "--top", "0"], N),
    (["synth"], "--shape"),
    (["synth", "--shape", "phi3-nano"], "--type"),
    (["synth", "--shape", "phi3-nano", "--type", "q4_0"], "name of the file"),
    (["synth", "--shape", "nonsense", "--type", "f32", "x.gguf"], "phi-4-mini"),
    (["synth", "--shape", "phi3-nano", "--type", "q99", "x.gguf"], "q4_0"),
    (["synth", "--shape", "phi3-nano", "--type", "q4_0", "a.gguf", "b.gguf"], "one word too many"),
    (["quantize"], "file to read"),
    (["quantize", "a.gguf", "--pack"], "file to write"),
    (["quantize", "a.gguf", "b.gguf"], "--type: is needed"),
    (["quantize", "a.gguf", "b.gguf", "--type", "q9"], "q4_k_m"),
    (["quantize", "a.gguf", "b.gguf", "--type", "q8_0", "--head", "q9"], "q6_k"),
    (["quantize", "a.gguf", "b.gguf", "--type", "q8_0", "-t", "257"], N),
    (["quantize", "a.gguf", "b.gguf", "--type", "q8_0", "--pack"], "first, then pack"),
    (["quantize", "a.gguf", "b.gguf", "c.gguf", "--pack"], "one word too many"),
    (["train"], "--config"),
    (["bench", "-p", "0", "-n", "0"], "nothing to measure"),
    (["bench", "--batch", "0"], "from 1 to 256"),
    (["bench", "--batch", "1,257"], "from 1 to 256"),
    (["bench", "--batch", "16", "--chunk", "8"], "--chunk 16"),
    (["bench", "--json", "--csv"], "give one of them"),
    (["bench", "--lines", "--json"], "give one of them"),
    (["bench", "--shape", "phi3-nano"], "needs --type"),
    (["bench", "--type", "q4_0"], "only with --shape"),
    (["bench", "--shape", "nonsense", "--type", "q4_0"], "phi-4-mini"),
    (["bench", "--shape", "phi3-nano", "--type", "q4_0", "-m", "a.gguf"], "not together"),
    (["bench", "--depth", "1,,2"], N),
]


@test
def wrong_usage_is_explained():
    here = folder()
    for args, says in USAGE:
        fails(*args, code=2, says=says, cwd=here)
    if list(here.iterdir()):
        raise AssertionError("a file was written")


@test
def a_file_is_no_command_but_a_hint():
    fails(model(), code=2, says=f"aeon chat {model()}")


@test
def unknown_instruction_sets_are_refused():
    fails("run", "-p", "a", env={"AEON_ISA": "abacus"}, says=("AEON_ISA=abacus", "aeon help"))
    fails("run", "-p", "a", env={"AEON_ISA": "neon-avx2"}, says="AEON_ISA=neon-avx2")


@test
def ids_outside_the_vocabulary_are_refused():
    for command in (("run", "-n", "1", "--ids"), ("score", "--ids"), ("tokenize", "--decode")):
        for ids in ("1,2,1000000", "2147483647"):
            fails(command[0], "-m", model(), *command[1:], ids, says=ids.split(",")[-1])
    fails("run", "-m", model(), "-p", "a", "--logit-bias", "1000000=1", says="1000000")


@test
def a_prompt_longer_than_the_context_names_both_numbers():
    ids = ",".join(["5"] * 21)
    fails("run", "-m", model(), "--ids", ids, "--ctx", "20", says=("21", "20"))
    fails("score", "-m", model(), "--ids", ids, "--ctx", "20", "--json", says=("21", "20"))
    fails("run", "-m", model(), "-p", "x " * 5000, "--ctx", "64", says="64")


@test
def a_context_beyond_the_model_is_refused():
    fails("run", "-m", model(), "-p", "a", "--ctx", "1000000000", says="1000000000")


@test
def missing_text_files_are_named():
    here = folder()
    for command in ("run", "score", "tokenize"):
        fails(command, "-f", here / "missing.txt", says=("missing.txt", "No such file"))
        fails(command, "-f", here, says=str(here))
    for command in ("run", "score"):
        fails(command, "-p", "", says="empty")
        fails(command, stdin="", says="empty")


@test
def a_zero_byte_needs_raw():
    fails("run", "-m", model(), "-f", "-", stdin=b"a\0b", says="--raw")


@test
def broken_lines_are_numbered():
    for lines, says in (('"a"\nnot json\n', ("line 2", "JSON")), ('"a"\n"b"\n3\n', "line 3"),
                        ('"\\ud800"\n', "line 1"), ("[" * 100000 + "\n", "line 1")):
        result = fails_after_output("tokenize", "--lines", stdin=lines)
        for word in [says] if isinstance(says, str) else says:
            if word not in result.err:
                raise AssertionError(f"{word!r} expected\n{result}")
    fails("tokenize", "--lines", "--decode", "-", stdin="[1, 2.5]\n", says="element 1")


def fails_after_output(*args, **more):
    """The lines before the broken one were already answered."""
    result = aeon(*args, **more)
    check(result.code == 1 and len(result.err.splitlines()) == 1, "one error line expected", result)
    return result


harness.main()
