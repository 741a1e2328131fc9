#!/usr/bin/env python3
"""Files and pipes that end too soon: nothing half-written, no silence, no noise."""

import os
import pathlib
import resource
import signal
import subprocess
import time

import harness
from harness import Skip, check, environment, equal, fails, folder, model, start, test, wait_until, works

BIG = ("synth", "--shape", "phi-4-mini", "--type", "f16")


@test
def synth_stopped_leaves_nothing():
    for number in (signal.SIGINT, signal.SIGTERM):
        here = folder()
        run = start(*BIG, here / "big.gguf")
        wait_until(lambda: sum(p.stat().st_size for p in here.iterdir()) > 1 << 20)
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
        equal((run.returncode, os.listdir(here)), (130, []), err)


@test
def synth_killed_leaves_the_old_file():
    here = folder()
    target = here / "big.gguf"
    target.write_bytes(b"the old file")
    run = start(*BIG, target, "--force")
    wait_until(lambda: sum(p.stat().st_size for p in here.iterdir()) > 1 << 20)
    run.kill()
    run.communicate(timeout=60)
    equal(target.read_bytes(), b"the old file")
    for path in here.iterdir():
        path.unlink()


@test
def synth_with_a_full_disk_leaves_nothing():
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    here = folder()
    fails("synth", "--shape", "phi3-nano", "--type", "f32", here / "a.gguf", says="a.gguf",
          preexec_fn=small_files, restore_signals=False)
    equal(os.listdir(here), [])


@test
def synth_refuses_what_it_cannot_write():
    here = folder()
    os.mkfifo(here / "pipe.gguf")  # stands for every device: --force must not replace one
    (here / "link.gguf").symlink_to(here / "elsewhere.gguf")
    for target in (here, here / "no" / "folder.gguf", here / "pipe.gguf", here / "link.gguf",
                   "/proc/a.gguf"):
        fails("synth", "--shape", "phi3-nano", "--type", "f32", target, "--force", says=str(target))
    equal(sorted(os.listdir(here)), ["link.gguf", "pipe.gguf"])
    check((here / "pipe.gguf").is_fifo() and (here / "link.gguf").is_symlink())


@test
def a_full_disk_on_standard_output_is_an_error():
    if not pathlib.Path("/dev/full").is_char_device():
        raise Skip("there is no /dev/full")
    for args in (("help",), ("tokenize", "-m", model(), "-p", "a"), ("inspect", model(), "--json"),
                 ("run", "-m", model(), "-p", "a", "-n", "4", "--ignore-eos")):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([str(harness.AEON), *map(str, args)], env=environment(),
                                 stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
        equal(run.returncode, 1, args, run.stderr)
        check(b"No space left" in run.stderr and run.stderr.count(b"\n") == 1, args, run.stderr)


@test
def a_reader_that_goes_away_ends_the_program_quietly():
    for args in (("run", "-m", model(), "-p", "a", "--ignore-eos", "--ctx", "30000"),
                 ("inspect", model(), "--tensors")):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as out:
            run = subprocess.run([str(harness.AEON), *map(str, args)], env=environment(),
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
                                 timeout=30)
        equal((run.returncode, run.stderr), (1, b""), args)


@test
def ctrl_c_ends_a_run_with_what_it_has():
    run = start("run", "-m", model(), "-p", "a", "--ignore-eos", "--ctx", "100000", "--stats")
    check(run.stdout.read(1), "output before the interruption expected")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    equal(run.returncode, 130, err)
    check(out.endswith(b"\n") and b"end: cancel" in err, err)


@test
def ctrl_c_ends_a_run_that_waits_for_its_text():
    run = start("run", "-m", model(), "-f", "-")
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    run.wait(timeout=10)
    equal(run.returncode, 130)
    run.communicate()


@test
def chat_through_a_pipe_says_what_goes_wrong():
    args = ("chat", model(), "--ctx", "60", "-n", "5", "--temp", "0")
    result = harness.aeon(*args, stdin="Hello\n" + "word " * 300 + "\n")
    equal(result.code, 1)
    check(result.out and "context of 60" in result.err and result.err.count("aeon: error") == 1, result)
    result = works(*args, stdin="Hello\n/stats\n/reset\nHello\n/nonsense\n/undo\n/undo\n/help\n")
    for words in ("context", "a new talk", "no such command", "forgotten", "nothing to undo", "/regen"):
        check(words in result.err, words, result)
    answers = result.text.splitlines()
    equal(len(answers) % 2, 0, result)
    equal(answers[:len(answers) // 2], answers[len(answers) // 2:], "a reset talk begins as before")


@test
def chat_and_run_answer_alike():
    more = ("--seed", "4", "-n", "12")
    equal(works("chat", model(), *more, stdin="Hello there").out,
          works("run", "-m", model(), *more, "-p", "Hello there").out)


harness.main()
