"""The built-in model answers what it was trained for: held-out questions and a talk.

The bounds lie 5 points or more below what models/README.md states: an instruction set that rounds
differently may lose a question or two, a broken forward pass loses nearly all.
"""

import sys

import harness
from harness import ROOT, check, main, test, works

sys.path.insert(0, str(ROOT / "curriculum"))
import evaluate  # noqa: E402

N_TALKS = 150


@test
def held_out_facts_are_remembered():
    scores = evaluate.evaluate(str(harness.AEON), "builtin", N_TALKS)
    for kind, least in (("fact told earlier", 0.75), ("fact never told", 0.75)):
        right, asked = scores[kind]
        check(asked >= 10 and right >= least * asked, kind, scores)


@test
def a_talk_of_many_turns():
    talk = [
        ("Hello!", "?"),
        ("My name is Julia and my dog is called Bruno.", "Julia"),
        ("I live in Lisbon", "Lisbon"),
        ("What is my dog called?", "Bruno"),
        ("No, my dog is called Rex", "Rex"),
        ("what is the name of my dog?", "Rex"),
        ("Where do I live?", "Lisbon"),
        ("What is my name?", "Julia"),
        ("What is my favourite colour?", "not told me"),
        ("Who are you?", "AEON"),
        ("Do you need the internet?", "device"),
        ("What is the capital of France?", "small model"),
    ]
    lines = "".join(question + "\n" for question, _ in talk)
    answers = works("chat", "--temp", "0", stdin=lines).text.splitlines()
    check(len(answers) == len(talk), answers)
    for (question, expected), answer in zip(talk, answers):
        check(expected in answer, question, expected, answer)


main()
