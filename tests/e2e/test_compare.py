#!/usr/bin/env python3
"""aeon compare: what it prints, that its figures are those of quantize and eval, and that nothing
is left behind however it ends."""

import json
import os
import pathlib
import pty
import re
import resource
import signal
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import gguf  # noqa: E402
import harness  # noqa: E402
from harness import (check, environment, equal, fails, folder, model, start, test,  # noqa: E402
                     wait_until, works)

QUICK = ("-r", 1, "-p", 16, "--decode", 4)
TEXT = "It was a dark and stormy night; the rain fell in torrents, and 12 dogs barked. " * 40


def text_file():
    path = folder() / "text.txt"
    path.write_text(TEXT)
    return path


def compare(*args, **more):
    """In a folder of its own, which must be empty afterwards."""
    here = folder()
    result = works("compare", *args, *QUICK, "--folder", here, **more)
    equal(os.listdir(here), [], "files are left", result)
    return result


# ---- figures --------------------------------------------------------------------------------------

def check_speed(row):
    for name in ("prefill_tps", "decode_tps", "first_token_ms"):
        low, high = row[f"{name}_range"]
        check(0 < low <= row[name] <= high, name, row)
    check(row["load_ms"] > 0 and 1e6 < row["peak_bytes"] < 200e6, row)


@test
def the_figures_are_those_of_quantize_and_eval():
    here, text, source = folder(), text_file(), model("phi3-nano", "f32")
    got = compare(source, "--types", "f16,int8,int4", "-f", text, "--json").json
    original, *others = got["variants"]
    equal((original["type"], original["is_original"], original["weights"]), ("f32", True, "f32"))
    equal(original["file_bytes"], source.stat().st_size)
    equal([v["type"] for v in others], ["f16", "int8", "int4"])
    equal([v["weights"] for v in others], ["f16", "q8_0", "q4_k"])
    for row in others:
        check_speed(row)
        made = works("quantize", source, here / row["type"], "--type", row["type"], "--json").json
        equal(row["file_bytes"], made["size_bytes"])
        equal((row["bits_per_weight"], row["rms_error"]),
              (made["bits_per_weight"], made["rms_error"]))
        read = works("eval", "-m", here / row["type"], "--against", source, "-f", text,
                     "--json").json
        for name in ("perplexity", "perplexity_95", "kl_mean", "kl_mean_95", "kl_p99",
                     "top1_agreement", "top1_agreement_95"):
            equal(row[name], read[name], name, row)
        equal((got["tokens"], original["perplexity"]),
              (read["tokens"], read["reference_perplexity"]))
    check_speed(original)
    check(original["peak_bytes"] > others[2]["peak_bytes"] + 1e6, "f32 takes more", got)
    check("kl_mean" not in original and got["complete"] and got["memory"] == "measured", got)


@test
def the_builtin_model_is_asked_as_well():
    got = compare("--types", "int8,q4_0", "-n", 1, "--json").json
    original, small = got["variants"]
    equal((got["same_as_original"], got["suite"], original["type"]), ("int8", "builtin", "q8_0"))
    here = folder()
    works("quantize", "builtin", here / "a.gguf", "--type", "q4_0", "--requantize")
    for path, row in (("builtin", original), (here / "a.gguf", small)):
        asked = works("eval", "-m", path, "-n", 1, "--json").json["total"]
        equal((row["questions"], row["right"], row["right_95"]),
              (asked["n"], asked["right"], [asked["low"], asked["high"]]))
    read = works("eval", "--perplexity", "-n", 1, "-m", here / "a.gguf", "--against", "builtin",
                 "--json").json
    equal((small["kl_mean"], original["perplexity"], got["tokens"]),
          (read["kl_mean"], read["reference_perplexity"], read["tokens"]))
    check(small["requantized"] > 0, small)


@test
def one_family_can_be_read():
    got = compare("--types", "f16", "-n", 3, "--family", "small talk", "--json").json
    equal([v["questions"] for v in got["variants"]], [3, 3])
    equal(got["windows"], 3)


@test
def the_head_and_importance_are_those_of_quantize():
    here, text, source = folder(), text_file(), model("phi3-nano", "f16")
    importance, picture = here / "my|texts.imatrix", here / "a.svg"
    works("imatrix", "-m", source, "-f", text, "-o", importance)
    choice = ("--head", "q8_0", "--imatrix", importance)
    got = compare(source, *choice, "--types", "q4_0,bf16", "-f", text, "--json").json
    equal((got["head"], got["imatrix"]), ("q8_0", str(importance)))
    for row in got["variants"][1:]:
        made = works("quantize", source, here / row["type"], *choice, "--type", row["type"],
                     "--json").json
        equal([row[name] for name in ("file_bytes", "rms_error", "weighted")],
              [made[name] for name in ("size_bytes", "rms_error", "weighted")])
        read = works("eval", "-m", here / row["type"], "--against", source, "-f", text,
                     "--json").json
        equal(row["kl_mean"], read["kl_mean"], row)
    without = compare(source, "--types", "q4_0", "-f", text, "--json").json
    equal((without["head"], without["imatrix"]), (None, None))
    small, plain = got["variants"][1], without["variants"][1]
    check(small["weighted"] > plain["weighted"] == 0 and small["kl_mean"] != plain["kl_mean"], got)
    for form in (), ("--markdown",):
        said = compare(source, *choice, "--types", "q4_0,f16", "--no-quality", *form, "--svg",
                       picture, "--force").text
        check("embedding of the others: q8_0.\nRounded by importance (my texts.imatrix): q4_0, f16.\n"
              in said, said)
        check("q8_0; rounded by importance" in picture.read_text())


@test
def what_was_rounded_is_measured_as_it_is():
    rounded, text = model("phi3-nano", "q8_0"), text_file()
    result = compare(rounded, "-f", text, "--json")
    equal([v["type"] for v in result.json["variants"]], ["q8_0"])
    equal(result.json["variants"][0]["perplexity"],
          works("eval", "-m", rounded, "-f", text, "--json").json["perplexity"])
    check("--requantize" in result.err and "q8_0 already" in result.err, result)
    fails("compare", rounded, "--types", "int4", "-f", text, says="--requantize")
    got = compare(rounded, "--types", "int4", "--requantize", "-f", text).text
    check("was rounded before, to q8_0" in got, got)


@test
def a_shape_needs_no_file():
    got = compare("--shape", "phi3-nano", "--json").json
    equal([v["type"] for v in got["variants"]], ["f16", "int8", "int4"])
    for row in got["variants"]:
        check_speed(row)
        check("perplexity" not in row, row)
    check("nothing can be said" in compare("--shape", "phi3-nano", "--types", "q4_0").text)


@test
def rounding_is_tried_where_it_takes_long():
    """The file of the trial is not left behind."""
    got = compare(model("phi3-micro", "f16"), "--types", "q4_0", "--no-quality", "--json").json
    equal([v["type"] for v in got["variants"]], ["f16", "q4_0"])


# ---- what is printed ------------------------------------------------------------------------------

def rows_of(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("|")]


@test
def the_tables_are_for_people():
    text = compare(model("phi3-nano", "bf16"), "-f", text_file()).text
    check(max(map(len, text.splitlines())) <= 110, text)
    tables = [block.splitlines() for block in text.split("\n\n")]
    equal(tables[1].pop(0).split(), ["prefill", "decode", "first"])
    for table in (tables[1], tables[3]):
        check(max(map(len, table)) <= 80, text)
        equal(len(set(map(len, table))), 1, "columns stand below each other", text)
        equal([line.split("  ")[0] for line in table], ["type", "bf16, original", "f16", "int8",
                                                        "int4"])
    check(re.search(r"int4 +\d+\.\d ±\d+\.\d +0\.\d+ ±0\.\d+ +\d\d\.\d\d ±\d\.\d\d", text), text)
    text = compare(model("phi3-nano", "bf16"), "--no-quality", "--types", "bf16,q6_k").text
    check("perplexity" not in text and "bf16, original" in text, text)


@test
def markdown_is_one_table():
    text = compare(model("phi3-nano", "f16"), "-f", text_file(), "--markdown").text
    heading, line, *rows = rows_of(text)
    equal((len(heading), heading[0], heading[-1]), (11, "type", "top-1 %"))
    equal(heading[5:8], ["prefill t/s", "decode t/s", "first token"])
    check(all(re.fullmatch("-+:?", cell) for cell in line), line)
    equal([row[0] for row in rows], ["f16, original", "int8", "int4"])
    check(all(len(row) == 11 for row in rows), rows)
    heading = rows_of(compare("-n", 1, "--types", "f16", "--family", "small talk",
                              "--markdown").text)[0]
    equal((len(heading), heading[-1]), (12, "right %"))


@test
def the_name_of_a_model_breaks_nothing():
    odd, file = folder() / "odd.gguf", gguf.read(model("phi3-nano", "f16"))
    file.metadata["general.name"] = 'a|b <c> & "d"\n```\x1b[31m\x07'
    gguf.write(odd, file)
    picture = folder() / "a.svg"
    text = compare(odd, "--no-quality", "--types", "q4_0", "--markdown", "--svg", picture).text
    head = text.splitlines()[0]
    check(head.startswith('a b  c  & "d"') and "\x1b" not in text and "`" not in text, text)
    check('a|b <c> & "d"' in xml.parse(picture).getroot()[0].text)


@test
def the_picture_has_a_bar_for_each_figure():
    svg = "{http://www.w3.org/2000/svg}"
    for args, n_fields in (("--no-quality",), 6), (("-f", text_file()), 8), ((), 9):
        picture = folder() / "types.svg"
        source = [] if n_fields == 9 else [model("phi3-nano", "f16")]
        quick = ["-n", 1, "--family", "echo"] if n_fields == 9 else []
        got = compare(*source, *args, *quick, "--types", "f16,int8,q4_0", "--svg", picture,
                      "--json").json
        root = xml.parse(picture).getroot()
        bars = [r for r in root.iter(svg + "rect") if r.get("class") in ("bar", "original")]
        n = len(got["variants"])
        equal(len(bars), n_fields * n)
        equal(len([b for b in bars if b.get("class") == "original"]), n_fields)
        check(n_fields < 9 or any(t.text == "int8" for t in root.iter(svg + "text")),
              "the name of the table")
        widths = [float(b.get("width")) for b in bars[:n]]
        sizes = [v["file_bytes"] for v in got["variants"]]
        for width, size in zip(widths, sizes):
            check(abs(width / max(widths) - size / max(sizes)) < 0.01, widths, sizes)
        equal(os.listdir(picture.parent), ["types.svg"])
        fails("compare", "--svg", picture, says="--force")
    compare("--no-quality", "--types", "f16", "--svg", picture, "--force")


# ---- files ----------------------------------------------------------------------------------------

@test
def files_can_be_kept():
    here = folder()
    result = works("compare", model("phi3-nano", "f16"), "--no-quality", "--types", "int8,q4_0",
                   *QUICK, "--folder", here, "--keep")
    kept = [line.removeprefix("kept: ") for line in result.err.splitlines()]
    equal([os.path.basename(path) for path in kept], ["int8.gguf", "q4_0.gguf"])
    for path, kind in zip(kept, ("q8_0", "q4_0")):
        equal(works("inspect", path, "--json").json["model"]["type"], kind)
    equal(sorted(os.listdir(os.path.dirname(kept[0]))), ["int8.gguf", "q4_0.gguf"])


def interrupt(*args, when):
    here = folder()
    run = start("compare", *args, "--folder", here, "--json")
    wait_until(lambda: any(when in files for _, _, files in os.walk(here)) if when
               else os.listdir(here), 60)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    equal((run.returncode, os.listdir(here)), (130, []), err)
    return out, err


@test
def ctrl_c_leaves_nothing_behind():
    equal(interrupt("-n", "0", when=None)[0], b"")
    out, err = interrupt("--no-quality", "-r", "100", "--types", "f16", when="f16.gguf")
    got = json.loads(out)
    equal([v["is_original"] for v in got["variants"]], [True])
    check(not got["complete"] and b"interrupted" in err, got, err)


@test
def an_error_leaves_nothing_behind():
    here, broken, file = folder(), folder() / "nan.gguf", gguf.read(model("phi3-nano", "f16"))
    weights = bytearray(file.tensors["blk.1.ffn_down.weight"].data)
    weights[2000:2002] = b"\x00\x7e"
    file.tensors["blk.1.ffn_down.weight"].data = bytes(weights)
    gguf.write(broken, file)
    fails("compare", broken, "--no-quality", *QUICK, "--folder", here, says="blk.1.ffn_down.weight")
    equal(os.listdir(here), [])

    def no_large_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600000, 600000))
    fails("compare", model("phi3-nano", "f16"), "--no-quality", *QUICK, "--folder", here,
          says="arge", preexec_fn=no_large_files)
    equal(os.listdir(here), [])


@test
def a_bar_tells_what_is_left():
    here = folder()
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(harness.AEON, [str(harness.AEON), "compare", "-n", "40", "--folder", str(here)],
                  environment(TERM="xterm"))
    seen = b""
    while not re.search(rb"\r[^\r]*: \w[\w ]+\[#*\.+\] +\d+ %  +\d+ (s|min) left", seen):
        seen += os.read(fd, 4096)
    os.kill(pid, signal.SIGINT)
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass  # the end of a terminal
    equal((os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.listdir(here)), (130, []))
    check(b"3 files to measure, which takes about" in seen, seen)


# ---- bad usage ------------------------------------------------------------------------------------

@test
def bad_usage_is_refused_at_once():
    source = model("phi3-nano", "f16")
    for args, says in ((["--types", "f16,q9"], 'called "q9"; there are f32'),
                       (["--types", ""], 'called ""'), (["--types", "f16,"], 'called ""'),
                       (["--head", "int5"], "--head int5"),
                       (["--shape", "phi3-nano", "--imatrix", source], "random weights"),
                       (["--json", "--markdown"], "one of them"),
                       (["--shape", "zzz"], "phi-4-mini"),
                       (["--shape", "phi3-nano", "--ask"], "random weights"),
                       ([source, "--shape", "phi3-nano"], "not together"),
                       (["--no-quality", "--ask"], "--ask"), (["--ctx", "64"], "-f"),
                       (["-p", "0"], "-p 0"), (["-r", "0"], "-r 0")):
        fails("compare", *args, code=2, says=says)
    for args, says in (([source, "--no-quality", "--folder", "/nonexistent"], "/nonexistent"),
                       (["/nonexistent.gguf"], "/nonexistent.gguf"),
                       (["--svg", "/nonexistent/a.svg"], "/nonexistent/a.svg"),
                       (["--imatrix", "/nonexistent.im"], "/nonexistent.im"),
                       (["--imatrix", source], "no importance matrix"),
                       (["-f", "/nonexistent.txt"], "/nonexistent.txt"),
                       (["--suite", "/nonexistent.jsonl"], "/nonexistent.jsonl"),
                       (["--family", "zzz"], "zzz"), ([source], "-f FILE")):
        fails("compare", *args, code=1, says=says)


harness.main()
