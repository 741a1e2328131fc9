"""Talks that are kept: /save, /load, --session, --continue, locks, damage, and full contexts."""

import os
import pathlib
import re

from harness import WORK, aeon, check, equal, fails, main, test, works

TALKS = pathlib.Path(WORK, "state", "aeon", "talks")
DOG = "My name is Anna and I have a dog called Rex.\n"
ASK = "What is my dog called?\n"


def chat(*args, stdin, **more):
    return works("chat", "builtin", "--temp", "0", *args, stdin=stdin, **more)


@test
def a_named_talk_goes_on_where_it_ended():
    chat("--session", "anna", stdin=DOG)
    path = TALKS / "anna.talk"
    equal(os.stat(path).st_mode & 0o777, 0o600)
    got = chat("--session", "anna", stdin=ASK)
    check("Rex" in got.text and "the talk anna goes on: 1 turn," in got.err, got)
    straight = chat(stdin=DOG + ASK)
    equal(got.text.splitlines()[-1], straight.text.splitlines()[-1])
    got = chat("--session", "anna", stdin="/undo\n/undo\n" + ASK)
    check("0 remain" in got.err and "Rex" not in got.text, got)


@test
def save_and_load_within_a_talk():
    got = chat(stdin=DOG + "/save pets\n/reset\n" + ASK + "/load pets\n" + ASK + "/load\n")
    before, after = got.text.splitlines()[1:3]
    check("Rex" not in before and "Rex" in after, got)
    check("kept as pets" in got.err and re.search(r"pets +just now", got.err), got)


@test
def a_system_message_comes_back():
    chat("--session", "sys", "--system", "Talk like a pirate.", stdin="Hello!\n")
    got = chat("--session", "sys", stdin="/system\n")
    check("Talk like a pirate." in got.err, got)


@test
def what_can_not_be_kept_or_found_is_told():
    got = chat(stdin="/load nobody\n/save ../../x\n/save a b\nHello!\n")
    check("no talk nobody is kept" in got.err, got)
    equal(got.err.count("a talk's name has letters"), 2)
    check(got.text.strip(), got)
    fails("chat", "--session", "../x", code=2, stdin="", says="a talk's name")
    fails("chat", "--window", "sometimes", code=2, stdin="", says="error, stop, window or compact")
    got = chat("--continue", stdin="Hello!\n", env={"XDG_STATE_HOME": str(WORK / "new")})
    check("no last talk yet" in got.err, got)
    fails("chat", "--session", "x", stdin="Hello!\n", says="set HOME",
          env={"XDG_STATE_HOME": "/dev/null"})


@test
def a_locked_talk_needs_its_passphrase():
    env = {"AEON_PASSPHRASE": "open sesame"}
    chat("--session", "secret", stdin=DOG, env=env)
    check(b"Rex" not in (TALKS / "secret.talk").read_bytes())
    fails("chat", "--session", "secret", stdin=ASK, says="locked")
    fails("chat", "--session", "secret", stdin=ASK, says="another passphrase",
          env={"AEON_PASSPHRASE": "open"})
    check("Rex" in chat("--session", "secret", stdin=ASK, env=env).text)


@test
def a_damaged_talk_is_read_once_more_or_refused():
    chat("--session", "worn", stdin=DOG)
    path = TALKS / "worn.talk"
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1  # in the keys and values
    path.write_bytes(data)
    got = chat("--session", "worn", stdin=ASK)
    check("read once more" in got.err and "Rex" in got.text, got)
    data[230] ^= 1  # in the tokens
    path.write_bytes(data)
    fails("chat", "--session", "worn", stdin=ASK, says="damaged")
    fails("chat", "builtin-draft", "--session", "pets", stdin=ASK, says="another model")


@test
def other_keys_are_computed_from_the_same_tokens():
    chat("--session", "typed", stdin=DOG)
    got = chat("--session", "typed", "--kv", "q8_0", stdin=ASK)
    check("read once more" in got.err and "Rex" in got.text, got)


@test
def a_full_context_drops_the_oldest_turns_and_says_so():
    lines = DOG + "I baked bread today.\n" * 30
    for policy in ("window", "compact"):
        got = chat("--ctx", "200", "--window", policy, "--system", "You are AEON.",
                   stdin=lines + ASK + "/undo\n/undo\n/stats\n")
        check("the oldest" in got.err and "Rex" not in got.text.splitlines()[-1], got)
        equal(len(got.text.splitlines()), 32)
    for policy in ("error", "stop"):
        got = aeon("chat", "--temp", "0", "--ctx", "60", "--window", policy, stdin=lines)
        check(got.code == 1 and "context of 60" in got.err, got)


main()
