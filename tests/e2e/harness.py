"""What the end-to-end tests share: running the program, checking what it says, test models.

    tests/e2e/test_commands.py PROGRAM [WORD...]     only the tests whose name contains a WORD

Python's standard library alone. A test is a function with @test; it fails by an exception.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

TESTS = []
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="aeon-e2e-"))
AEON = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None  # under test


def test(function):
    TESTS.append(function)
    return function


class Skip(Exception):
    """This machine or build lacks what the test needs."""


class Result:
    def __init__(self, run):
        self.args, self.code = run.args, run.returncode
        self.out, self.err = run.stdout, run.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"{self.args}: exit {self.code}\nout: {self.out[:600]!r}\nerr: {self.err[:600]!r}"


def environment(**more):
    """The tests' own home, so that nothing of the person's is read or written."""
    env = {**os.environ, "HOME": str(WORK), "XDG_STATE_HOME": str(WORK / "state"), **more}
    for name in ("AEON_ISA", "NO_COLOR"):
        if name not in more:
            env.pop(name, None)
    return env


def aeon(*args, stdin=b"", timeout=120, env=None, **more):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return Result(subprocess.run([str(AEON), *map(str, args)], input=stdin, timeout=timeout,
                                 stdout=more.pop("stdout", subprocess.PIPE),
                                 stderr=subprocess.PIPE, env=environment(**(env or {})), **more))


_started = []


def start(*args, **more):
    """The program in the background, its streams in pipes."""
    run = subprocess.Popen([str(AEON), *map(str, args)], env=environment(), stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    _started.append(run)
    return run


def works(*args, **more):
    result = aeon(*args, **more)
    check(result.code == 0, "exit status 0 expected", result)
    return result


def fails(*args, code=1, says=(), **more):
    """The promise for bad input: one line that says what and where, and nothing on standard output."""
    result = aeon(*args, **more)
    check(result.code == code, f"exit status {code} expected", result)
    check(not result.out, "nothing on standard output expected", result)
    lines = result.err.splitlines()
    check(len(lines) == 1 and lines[0].startswith("aeon: error: "), "one error line expected", result)
    for word in [says] if isinstance(says, str) else says:
        check(word in result.err, f"{word!r} expected in the error", result)
    return result


def check(condition, *what):
    if not condition:
        raise AssertionError("\n".join(map(str, what)))


def equal(a, b, *what):
    check(a == b, f"{a!r}\nis not\n{b!r}", *what)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, "waited too long")
        time.sleep(0.02)


_models = {}


def model(shape="phi3-nano", kind="f32"):
    """A synthetic model file, written once for all tests. Never changed: copy it to break it."""
    name = f"{shape}-{kind}.gguf"
    if name not in _models:
        _models[name] = WORK / name
        works("synth", "--shape", shape, "--type", kind, _models[name])
    return _models[name]


def folder():
    """A fresh folder for one test."""
    return pathlib.Path(tempfile.mkdtemp(dir=WORK))


def run_tests(chosen):
    passed = failed = skipped = 0
    for function in TESTS:
        if chosen and not any(word in function.__name__ for word in chosen):
            continue
        start, name = time.monotonic(), function.__name__
        try:
            function()
            passed += 1
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Skip as reason:
            skipped += 1
            print(f"skipped {name}: {reason}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0 if passed else 77  # 77: nothing could be tested here


def main():
    if not AEON:
        sys.exit(f"usage: {sys.argv[0]} PROGRAM [WORD...]")
    try:
        sys.exit(run_tests(sys.argv[2:]))
    finally:
        for run in _started:
            run.kill()
        shutil.rmtree(WORK, ignore_errors=True)
