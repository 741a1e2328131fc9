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

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/parity"))
import gguf_to_hf
import mlx_folder

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

    try_run(program, type_, model, size)


def try_run(program, what, model, size):
    status, memory = run(program, "run", "-m", model, "-p", "Hello", "--raw", "-n", N_TOKENS,
                         "--stats")
    print(f"{what}: {memory / 1e9:.2f} GB held by a run of {N_TOKENS} tokens")
    assert status == 0
    assert memory < size + MARGIN_BYTES, f"at most {(size + MARGIN_BYTES) / 1e9:.2f} GB expected"


def try_mlx(program, folder):
    """Rows that are put together from three tensors stand in memory once, as others do."""
    small = folder / "small.gguf"
    assert run(program, "synth", "--shape", "phi3-nano", "--type", "f32", small)[0] == 0
    gguf_to_hf.convert(small, folder / "small")
    mlx_folder.write(folder / "mlx", folder / "small")
    size = (folder / "mlx/model.safetensors").stat().st_size
    print(f"mlx: {size / 1e9:.2f} GB in 4 bits")
    try_run(program, "mlx", folder / "mlx", size)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for type_ in SYNTH_SECONDS:
            model = pathlib.Path(folder) / f"{type_}.gguf"
            try_type(sys.argv[1], model, type_)
            model.unlink()
        try_mlx(sys.argv[1], pathlib.Path(folder))


if __name__ == "__main__":
    main()
