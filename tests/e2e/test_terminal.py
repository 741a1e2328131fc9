#!/usr/bin/env python3
"""The talk in a real (pseudo) terminal: greeting, streaming, Ctrl-C, history, Ctrl-D."""

import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import termios
import time

import harness
from harness import Skip, check, environment, equal, model, test, wait_until, works

CTRL_C, CTRL_D, CTRL_Z, UP = b"\x03", b"\x04", b"\x1a", b"\x1b[A"


class Terminal:
    """A program, AEON if none is named, with a terminal for all three streams."""

    def __init__(self, *args, program=None, **env):
        self.seen = ""
        try:
            self.pid, self.fd = pty.fork()
        except OSError as problem:
            raise Skip(f"no pseudo-terminal: {problem}") from None
        if self.pid == 0:
            program = str(program or harness.AEON)
            os.execve(program, [program, *map(str, args)], environment(TERM="xterm", **env))

    def read(self, seconds):
        """What arrives next, "" if nothing does, None at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return ""
        try:
            return os.read(self.fd, 65536).decode("utf-8", "replace") or None
        except OSError:
            return None

    def expect(self, pattern, seconds=20):
        """Wait for a pattern in what is new; later calls look behind it."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            check(time.monotonic() < end, f"{pattern!r} expected in", repr(self.seen[-1500:]))
            more = self.read(0.2)
            check(more is not None, f"{pattern!r} expected before the end of", repr(self.seen[-1500:]))
            self.seen += more
        before, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return before

    def prompt(self):
        """Wait for the prompt, and until the program has taken over the keyboard."""
        before = self.expect(r"> (\x1b\[0m)?$|> \x1b\[0m")
        wait_until(lambda: not self.is_cooked())
        return before

    def is_cooked(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ICANON)

    def type(self, data):
        os.write(self.fd, data.encode() if isinstance(data, str) else data)

    def end(self, seconds=20):
        """The exit status, after the last output."""
        end = time.monotonic() + seconds
        while (more := self.read(0.2)) is not None:
            self.seen += more
            check(time.monotonic() < end, "the program goes on", repr(self.seen[-500:]))
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def endless(*more):
    """A talk whose answers do not end by themselves: the end tokens are forbidden."""
    ids = works("tokenize", "-m", model(), "--special", "-p", "<|end|><|endoftext|>").text.split()
    bias = [word for token in ids for word in ("--logit-bias", f"{token}=-inf")]
    return ("chat", model(), "--ctx", "100000", *bias, *more)


@test
def a_talk_with_the_builtin_model():
    t = Terminal()
    greeting = t.prompt()
    for words in ("AEON", "built-in model", "Phi-4-mini", "/help"):
        check(words in greeting, words, greeting)
    t.type("Hello!\r")
    answer = t.prompt()
    check(answer.replace("Hello!", "").strip(" \r\n>\x1b[01m"), "an answer expected", repr(answer))
    t.type("/help\r")
    check("/undo" in t.prompt())
    t.type(CTRL_D)
    equal(t.end(), 0)


@test
def ctrl_c_stops_the_answer_and_not_the_program():
    t = Terminal(*endless())
    t.prompt()
    for _ in range(2):
        t.type("Hello\r")
        t.expect(r"\r\n.+")  # the answer has begun
        t.type(CTRL_C)
        t.expect("stopped")
        t.prompt()
    t.type(CTRL_C)  # nothing to stop: a hint
    t.expect("/quit")
    t.prompt()
    t.type("half a line")
    t.expect("half a line")
    t.type(CTRL_C)
    t.prompt()
    t.type("/stats\r")
    t.expect("context")
    t.prompt()
    t.type("/quit\r")
    equal(t.end(), 0)


@test
def ctrl_c_stops_the_reading_of_a_long_message():
    t = Terminal(*endless("-t", "1"))
    t.prompt()
    for _ in range(12):
        t.type("word " * 150 + "\\\r")
        t.expect(r"\. $|\. ")
    t.type("end\r")
    time.sleep(0.05)
    t.type(CTRL_C)
    t.expect("stopped")
    t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)


@test
def a_full_context_is_said():
    t = Terminal(*endless("--ctx", "40", "--window", "error"))
    t.prompt()
    t.type("Hello\r")
    t.expect("context of 40 tokens is full")
    t.prompt()
    t.type("And now?\r")
    t.expect("do not fit")
    t.expect("/reset")
    t.prompt()
    t.type("/reset\r")
    t.expect("a new talk")
    t.prompt()
    t.type("/quit\r")
    equal(t.end(), 0)


@test
def an_answer_without_end_is_cut_where_the_context_ends():
    t = Terminal(*endless("--ctx", "64"))
    t.prompt()
    t.type("Hello\r")
    t.expect("oldest")
    t.expect("cut after 64 tokens")
    t.prompt()
    t.type("/quit\r")
    equal(t.end(), 0)


@test
def answers_can_be_drawn_again():
    t = Terminal("chat", model(), "-n", "6", "--seed", "1", "--temp", "1")
    t.prompt()
    t.type("/regen\r")
    t.expect("no answer yet")
    t.prompt()
    t.type("Hello\r")
    t.prompt()
    for _ in range(2):
        t.type("/regen\r")
        t.prompt()
    t.type("/stats\r")
    before = t.expect(r"context (\d+) of")
    t.prompt()
    t.type("/undo\r")
    t.expect("0 remain")
    t.prompt()
    t.type("/stats\r")
    check("context 0 of" in t.expect(r"(?s)context \d+ of.*context \d+ of"), before)
    t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)


@test
def history_is_kept_for_its_owner_alone():
    shutil.rmtree(harness.WORK / "state", ignore_errors=True)
    t = Terminal("chat", model(), "-n", "2")
    t.prompt()
    t.type("grüße\r")
    t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)
    kept = harness.WORK / "state" / "aeon" / "history"
    equal(stat.S_IMODE(kept.stat().st_mode), 0o600)
    equal(stat.S_IMODE(kept.parent.stat().st_mode), 0o700)
    equal(sorted(os.listdir(kept.parent)), ["history", "talks"])
    equal(stat.S_IMODE((kept.parent / "talks" / "last.talk").stat().st_mode), 0o600)
    t = Terminal("chat", model(), "-n", "2")
    t.prompt()
    t.type(UP)
    t.expect("grüße")
    t.type(CTRL_C)
    t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)
    shutil.rmtree(harness.WORK / "state")
    t = Terminal("chat", model(), "-n", "2", "--no-history")
    t.prompt()
    t.type("secret\r")
    t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)
    check(not kept.exists(), "no history was wanted")


@test
def a_terminal_gets_no_control_characters_from_a_model():
    ids = works("tokenize", "-m", model(), "-p", "a\033]0;title\007\033[31mb").text.split()
    equal(works("tokenize", "-m", model(), "--decode", ",".join(ids)).out,
          b"a\033]0;title\007\033[31mb")  # a pipe gets the bytes
    t = Terminal("tokenize", "-m", model(), "--decode", ",".join(ids))
    equal(t.end(), 0)
    check("\033" not in t.seen and "\007" not in t.seen and "a]0;title[31mb" in t.seen, repr(t.seen))


@test
def no_colour_where_it_is_not_wanted():
    t = Terminal("chat", model(), NO_COLOR="1")
    greeting = t.prompt()
    t.type(CTRL_D)
    equal(t.end(), 0)
    check("\x1b[1m" not in greeting and "\x1b[2m" not in greeting, repr(greeting))


@test
def the_terminal_is_left_as_it_was():
    t = Terminal(*endless())
    t.prompt()
    os.kill(t.pid, signal.SIGTERM)
    wait_until(t.is_cooked)
    equal(t.end(), 130)


@test
def ctrl_z_leaves_the_shell_a_sane_terminal():
    t = Terminal("-i", program="/bin/sh", PS1="sh$ ")
    t.expect(r"sh\$ ")
    t.type(f"{harness.AEON} chat {model()} -n 3 --no-history\n")
    t.prompt()
    t.type("half a")
    t.expect("half a")
    t.type(CTRL_Z)
    t.expect(r"sh\$ ")
    check(t.is_cooked(), "the shell should find the terminal as it left it")
    t.type("fg\n")
    t.expect("> .*half a")
    wait_until(lambda: not t.is_cooked())
    t.type(" line\r")
    t.expect(r"line\r\n")
    t.prompt()
    t.type(CTRL_D)
    t.expect(r"sh\$ ")
    t.type("exit\n")
    equal(t.end(), 0)


@test
def a_bar_is_for_terminals_alone():
    target = harness.folder() / "bar.gguf"
    t = Terminal("synth", "--shape", "phi-4-mini", "--type", "q4_0", target)
    t.expect(r"\[#*\.+\] +\d+ %", 60)
    t.type(CTRL_C)
    equal(t.end(60), 130)
    equal(os.listdir(target.parent), [])
    run = subprocess.run([str(harness.AEON), "synth", "--shape", "phi3-micro", "--type", "f32",
                          str(target)], capture_output=True, env=environment())
    check(b"[" not in run.stderr and b"\r" not in run.stderr, run.stderr)


harness.main()
