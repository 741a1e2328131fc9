"""The exact shape of Phi-4-mini: written in a stream, run within its file's size and 600 MB.

    test_big.py PROGRAM

Needs 8 GB of disk in the folder for temporary files (TMPDIR) and 9 GB of memory.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

MARGIN_BYTES = 600 << 20
N_TOKENS = 16
SYNTH_SECONDS = {"q4_0": 60, "f16": None}  # a promise for 4 bits; the rest depends on the disk


def run(*command):
    """The exit status and the most memory the program held, the mapped file included."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


def try_type(program, model, type_):
    start = time.monotonic()
    status, memory = run(program, "synth", "--shape", "phi-4-mini", "--type", type_, model)
    seconds = time.monotonic() - start
    size = model.stat().st_size
    print(f"{type_}: {size / 1e9:.2f} GB written in {seconds:.0f} s, {memory / 1e6:.0f} MB held")
    assert status == 0
    assert memory < MARGIN_BYTES, "synth does not write in a stream"
    assert SYNTH_SECONDS[type_] is None or seconds < SYNTH_SECONDS[type_], "synth is slow"

    status, memory = run(program, "run", "-m", model, "-p", "Hello", "-n", N_TOKENS, "--stats")
    print(f"{type_}: {memory / 1e9:.2f} GB held by a run of {N_TOKENS} tokens")
    assert status == 0
    assert memory < size + MARGIN_BYTES, f"at most {(size + MARGIN_BYTES) / 1e9:.2f} GB expected"


def main():
    with tempfile.TemporaryDirectory() as folder:
        for type_ in SYNTH_SECONDS:
            model = pathlib.Path(folder) / f"{type_}.gguf"
            try_type(sys.argv[1], model, type_)
            model.unlink()


if __name__ == "__main__":
    main()
