#!/usr/bin/env python3
"""The built-in model answers what it was trained for: held-out questions of every family, a talk of
many turns, and its draft model guesses what it says.

models/aeon-tiny-scores.json is what `aeon eval -n 100 --json` said when it was shipped. Instruction
sets that round differently may lose a question or two, a broken forward pass loses nearly all.
"""

import json

from harness import ROOT, check, main, test, works

SHIPPED = json.loads((ROOT / "models/aeon-tiny-scores.json").read_text())
POINTS = 3  # percent that a family may lose


@test
def no_family_drops():
    shipped = {row["family"]: row for row in SHIPPED["families"]}
    n = max(row["n"] for row in shipped.values())
    now = {row["family"]: row for row in works("eval", "-n", n, "--json", timeout=900).json["families"]}
    check(list(now) == list(shipped), "the families", list(now))
    lost = {family: (row["right"], shipped[family]["right"]) for family, row in now.items()
            if 100 * (shipped[family]["right"] - row["right"]) > POINTS * row["n"]}
    check(not lost, "right answers now and when shipped", lost)


@test
def keys_and_values_of_one_byte_are_as_good():
    right = [works("eval", "-n", 12, "--kv", kv, "--json", timeout=900).json["total"]["right"]
             for kv in ("bf16", "q8_0")]
    check(abs(right[0] - right[1]) <= 6, "of about 400, right with bf16 and q8_0", right)


@test
def the_draft_model_guesses_its_words():
    total = works("eval", "-n", 4, "--against", "builtin-draft", "--json", timeout=900).json["total"]
    check(total["agreed"] > 0.7 * total["tokens"], total)


@test
def a_talk_of_many_turns():
    talk = [
        ("Hello!", "Hello"),
        ("My name is Julia and my dog is called Bruno.", "Julia"),
        ("I live in Lisbon", "Lisbon"),
        ("What is my dog called?", "Bruno"),
        ("No, my dog is called Rex", "Rex"),
        ("what is the name of my dog?", "Rex"),
        ("Where do I live?", "Lisbon"),
        ("What is my name?", "Julia"),
        ("What is my favourite colour?", "not told me"),
        ("Who are you?", "AEON"),
        ("Do you need the internet?", "internet"),
        ("What is the capital of France?", "Phi-4-mini"),
    ]
    lines = "".join(question + "\n" for question, _ in talk)
    answers = works("chat", "--temp", "0", stdin=lines).text.splitlines()
    check(len(answers) == len(talk), answers)
    for (question, expected), answer in zip(talk, answers):
        check(expected in answer, question, expected, answer)


main()
