#!/usr/bin/env python3
"""aeon train on a very small curriculum: it learns, stops, goes on, and breaks nothing."""

import csv
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

import harness
from harness import ROOT, WORK, aeon, check, equal, fails, folder, start, test, wait_until, works

RECIPE = {"train": "data/train.jsonl", "held_out": "data/held_out.jsonl",
          "tokenizer": "data/tokenizer.json", "name": "test", "n_embd": 32, "n_layers": 1,
          "n_heads": 2, "n_kv_heads": 1, "n_ff": 64, "n_ctx": 4096, "n_ctx_original": 1024, "steps": 30,
          "batch": 1, "sequence": 2048, "learning_rate": 0.01, "warmup_steps": 5, "report_steps": 1,
          "held_out_steps": 10, "held_out_talks": 5, "checkpoint": "checkpoint.gguf",
          "output": "out.gguf"}


def curriculum():
    """The talks of the built-in model, only far fewer."""
    data = WORK / "data"
    if not data.exists():
        subprocess.run([sys.executable, ROOT / "curriculum" / "generate.py", data, "--talks", "200",
                        "--vocabulary", "300"], check=True, stdout=subprocess.DEVNULL)
    return data


def workplace(**changes):
    here = folder()
    (here / "data").symlink_to(curriculum())
    (here / "train.json").write_text(json.dumps({**RECIPE, **changes}))
    return here


@test
def training_learns_and_the_model_runs():
    here = workplace()
    result = works("train", "--config", "train.json", cwd=here)
    losses = [float(line.split("loss ")[1].split()[0]) for line in result.err.splitlines()
              if line.startswith("step ")]
    equal(len(losses), 30)
    check(sum(losses[-5:]) < 0.8 * sum(losses[:5]), "the loss should fall", losses)
    check("held-out" in result.err and "tokens/s" in result.err, result)
    got = works("run", "-m", here / "out.gguf", "-p", "Hello", "-n", "5", "--json").json
    check(got["tokens"] <= 5)
    equal(works("inspect", here / "out.gguf", "--json").json["model"]["architecture"], "phi3")
    equal(sorted(os.listdir(here)), ["checkpoint.gguf", "data", "out.gguf", "train.json"])


@test
def training_stopped_and_resumed_gives_the_same_model():
    whole = workplace(steps=40)
    works("train", "--config", "train.json", cwd=whole)
    here = workplace(steps=40)
    too_early = aeon("train", "--config", "train.json", "--export", cwd=here)
    check(too_early.code == 1 and "checkpoint.gguf: cannot open" in too_early.err, too_early)
    run = start("train", "--config", "train.json", cwd=here)
    line = b""
    while not line.startswith(b"step 5/"):
        line = run.stderr.readline()
        check(line, "training ended too soon")
    run.send_signal(signal.SIGINT)
    rest = run.stderr.read()
    equal(run.wait(60), 130, rest)
    check(b"--resume" in rest, rest)
    works("train", "--config", "train.json", "--export", "--set", "output=early.gguf", cwd=here)
    equal(works("inspect", here / "early.gguf", "--json").json["model"]["architecture"], "phi3")
    (here / "early.gguf").unlink()
    equal(sorted(os.listdir(here)), ["checkpoint.gguf", "data", "train.json"])
    works("train", "--config", "train.json", "--resume", cwd=here)
    equal((here / "out.gguf").read_bytes() == (whole / "out.gguf").read_bytes(), True)


@test
def beginning_again_keeps_the_old_checkpoint():
    here = workplace(steps=2)
    works("train", "--config", "train.json", cwd=here)
    before = (here / "checkpoint.gguf").read_bytes()
    result = works("train", "--config", "train.json", "--set", "seed=2", cwd=here)
    check("renamed to checkpoint.gguf.old" in result.err, result)
    equal((here / "checkpoint.gguf.old").read_bytes() == before, True)
    equal((here / "checkpoint.gguf").read_bytes() == before, False)


def killed():
    """A folder in which a training was killed at some moment behind its first checkpoint."""
    here = workplace(steps=100000, checkpoint_steps=2)
    run = start("train", "--config", "train.json", cwd=here)
    wait_until((here / "checkpoint.gguf").exists)
    time.sleep(0.3)
    run.kill()
    run.wait()
    return here


@test
def training_killed_leaves_a_whole_checkpoint():
    here = killed()
    check(not (here / "out.gguf").exists())
    resumed = start("train", "--config", "train.json", "--resume", cwd=here)
    for line in resumed.stderr:
        if b"going on after step" in line:
            break
    else:
        check(False, "the checkpoint was not taken up")
    resumed.send_signal(signal.SIGINT)
    resumed.stderr.read()
    equal(resumed.wait(60), 130)


def on_a_full_disk(*args, cwd):
    """Run the program where no file can have more than 20,000 bytes."""
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
    return aeon(*args, cwd=cwd, preexec_fn=small_files, restore_signals=False)


@test
def a_full_disk_keeps_the_last_checkpoint():
    here = killed()
    before = (here / "checkpoint.gguf").read_bytes()
    result = on_a_full_disk("train", "--config", "train.json", "--resume", cwd=here)
    equal(result.code, 1, result)
    check("checkpoint.gguf" in result.err and "File too large" in result.err, result)
    equal((here / "checkpoint.gguf").read_bytes() == before, True)
    equal(sorted(os.listdir(here)), ["checkpoint.gguf", "data", "train.json"])


@test
def training_draws_its_curve():
    here = workplace(curve="curve", name='<A & "B">')
    works("train", "--config", "train.json", "--set", "held_out_steps=4", cwd=here)
    rows = list(csv.DictReader(open(here / "curve.csv")))
    equal([row["step"] for row in rows], [str(i + 1) for i in range(30)])
    equal([bool(row["held_out_loss"]) for row in rows],
          [i % 4 == 0 or i == 30 for i in range(1, 31)])
    equal(all(float(a["tokens"]) < float(b["tokens"]) and float(a["seconds"]) < float(b["seconds"])
              for a, b in zip(rows, rows[1:])), True)
    picture = xml.etree.ElementTree.parse(here / "curve.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    check('<A & "B">' in picture.find(svg + "title").text)
    lines = {line.get("class"): line.get("points").split() for line in picture.iter(svg + "polyline")}
    equal({name: len(points) for name, points in lines.items()}, {"loss": 30, "held-out": 8})
    words = [text.text for text in picture.iter(svg + "text")]
    check("step" in words and any(w.startswith("loss per token") for w in words), words)


@test
def the_model_carries_the_template_it_was_trained_with():
    renamed = {"chatml": {"system": "im_start", "end": "im_end"},
               "phi-4": {"system": "im_start", "end": "im_end", "user": "im_sep"},
               "llama-3": {"system": "start_header_id", "user": "end_header_id", "end": "eot_id"}}
    here = workplace(train="talks.jsonl", held_out="", tokenizer="tokenizer.json", steps=1)
    (here / "talks.jsonl").write_text('{"prompt": "Hello", "completion": "Hi!"}')
    for template, names in renamed.items():
        text = (here / "data" / "tokenizer.json").read_text()
        for old, new in names.items():
            text = text.replace(f'"<|{old}|>"', f'"<|{new}|>"')
        (here / "tokenizer.json").write_text(text)
        works("train", "--config", "train.json", "--set", f"chat_template={template}", cwd=here)
        described = works("inspect", here / "out.gguf", "--json").json
        equal(described["model"]["template"], template)
        works("run", "-m", here / "out.gguf", "-p", "Hello", "-n", "3")


@test
def every_field_of_a_recipe_is_explained():
    source = (ROOT / "src" / "train" / "recipe.c").read_text()
    fields = re.findall(r'\b[A-Z]+_FIELD\("(\w+)"', source)
    check(len(fields) > 30, fields)
    explained = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "training.md").read_text()))
    equal([name for name in fields if name not in explained], [])


@test
def bad_lines_are_named_or_skipped():
    here = workplace()
    lines = (here / "data" / "train.jsonl").read_text().splitlines()[:20]
    lines[3] = lines[3][:-5]
    lines[7] = '{"text": "long ' + 3000 * "x" + '"}'
    lines[9] = json.dumps({"prompt": "What is it?", "completion": "A completion."})
    (here / "bad.jsonl").write_text("\n".join(lines))
    asked = ("train", "--config", "train.json", "--set", "train=bad.jsonl", "--set", "steps=2")
    result = aeon(*asked, cwd=here)
    check(result.code == 1 and "bad.jsonl:4: not JSON" in result.err, result)
    result = works(*asked, "--skip-bad", cwd=here)
    check("bad.jsonl: 18 talks" in result.err and "2 lines skipped" in result.err, result)
    check("bad.jsonl:8: the talk has" in result.err and "holds 2048" in result.err, result)
    (here / "bad.jsonl").write_text("\n")
    result = aeon(*asked, "--skip-bad", cwd=here)
    check(result.code == 1 and "there is no talk in it" in result.err, result)
    fails("train", "--config", "train.json", "--set", "steps", cwd=here, code=2,
          says="FIELD=VALUE")


@test
def training_with_a_full_disk_leaves_no_model():
    here = workplace(steps=2)
    result = on_a_full_disk("train", "--config", "train.json", cwd=here)
    equal(result.code, 1, result)
    check("checkpoint.gguf" in result.err and "File too large" in result.err, result)
    equal(sorted(os.listdir(here)), ["data", "train.json"])


@test
def recipes_that_make_no_sense_are_refused():
    here = workplace()
    fails("train", "--config", here / "missing.json", says="missing.json")
    for text, says in (("", ""), ("{", "line"), ("[]", ""), ('{"steps": 3}', "train"),
                       (json.dumps({**RECIPE, "stepz": 3}), "stepz"),
                       (json.dumps({**RECIPE, "steps": -3}), "steps"),
                       (json.dumps({**RECIPE, "n_heads": 3, "n_kv_heads": 2}), ""),
                       (json.dumps({**RECIPE, "train": "data/missing.jsonl"}), "missing.jsonl"),
                       (json.dumps({**RECIPE, "tokenizer": "train.json"}), "train.json")):
        (here / "train.json").write_text(text)
        result = aeon("train", "--config", "train.json", cwd=here)
        check(result.code == 1 and says in result.err.splitlines()[-1], f"{says!r} expected", result)
        check(result.err.splitlines()[-1].startswith("aeon: error: "), result)
    (here / "talks.jsonl").write_text('{"messages": [{"role": "user", "content": "a"}, '
                                     '{"role": "assistant", "content": "b"}]}\nnonsense\n')
    (here / "train.json").write_text(json.dumps({**RECIPE, "train": "talks.jsonl"}))
    result = aeon("train", "--config", "train.json", cwd=here)
    check(result.code == 1 and "talks.jsonl:2" in result.err, result)
    equal(sorted(os.listdir(here)), ["data", "talks.jsonl", "train.json"])


harness.main()
