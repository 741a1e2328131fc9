#!/usr/bin/env python3
"""What the README shows is what the program does: its commands run, its talk is a real one."""

import os
import re
import subprocess

import harness
from harness import ROOT, check, environment, equal, folder, test, works

README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.M | re.S)


@test
def commands_run():
    here = folder()
    (here / "bin").mkdir()
    (here / "bin" / "aeon").symlink_to(harness.AEON)
    (here / "notes.txt").write_text(README[:4000])
    env = environment(PATH=f"{here / 'bin'}:{os.environ['PATH']}")
    lines = [line for block in blocks("sh") for line in block.splitlines() if "aeon " in line]
    check(len(lines) >= 5, "commands expected", lines)
    for line in lines:
        run = subprocess.run(["sh", "-c", line], cwd=here, env=env, capture_output=True, timeout=120)
        check(run.returncode == 0 and (run.stdout or run.stderr), line, run)


@test
def the_talk_is_real():
    """Lines after "> " were typed; what follows each is the answer, drawn with --temp 0."""
    talks = blocks("console")
    check(talks, "a transcript expected")
    for talk in talks:
        typed = re.findall(r"^> (.*)$", talk, flags=re.M)
        answers = [part.strip() for part in re.split(r"^> .*$", talk, flags=re.M)[1:]]
        result = works("chat", "--temp", "0", "--no-history", stdin="".join(f"{t}\n" for t in typed))
        equal([line.strip() for line in result.text.splitlines() if line.strip()],
              [line.strip() for answer in answers for line in answer.splitlines() if line.strip()])


@test
def links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        check("://" in link or (ROOT / link).exists(), link)


harness.main()
