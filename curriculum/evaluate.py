#!/usr/bin/env python3
"""evaluate.py - ask a model the held-out questions of the curriculum, greedily.

    python3 curriculum/evaluate.py PROGRAM [--model MODEL] [-n 500] [--seed 1] [--wrong]

Every talk stands as it was written, up to its last question; the model answers that one. An answer
is right if it holds what the talk expects: the value, "Yes" or "No", or the whole sentence in small
talk. Talks of which several answers would be fair count only by the one that was written.
"""

import argparse
import collections
import json
import random
import subprocess

import generate

N_TOKENS = 80  # of an answer, at most


def kind_of(talk):
    """The row of the table that a talk belongs to."""
    if talk["family"] != "facts":
        return "small talk, itself, echo"
    if talk["expect"] == "not told me":
        return "fact never told"
    if talk["expect"] == "Yes" or talk["messages"][-1]["content"].startswith("No,"):
        return "fact, yes or no"
    return "fact told earlier"


class Model:
    def __init__(self, program, model):
        self.program, self.model = program, model

    def run(self, command, *args):
        run = subprocess.run([self.program, command, "-m", self.model, *args], check=True,
                             capture_output=True, text=True)
        return run.stdout

    def answer(self, messages):
        """The greedy answer to a talk that ends with the user. The texts are the curriculum's own:
        no control token can hide in them."""
        text = "".join(f"<|{m['role']}|>{m['content']}<|end|>" for m in messages) + "<|assistant|>"
        ids = self.run("tokenize", "--special", "-p", text).split()
        return self.run("run", "--ids", ",".join(ids), "-n", str(N_TOKENS), "--temp", "0").strip()


def held_out_talks(n, seed):
    rng = random.Random(f"{seed} keep")
    return [generate.make_talk(rng, True) for _ in range(n)]


def evaluate(program, model, n, seed=1, on_wrong=None):
    """{kind: (right, asked)} over n held-out talks."""
    asked, right = collections.Counter(), collections.Counter()
    peer = Model(program, model)
    for talk in held_out_talks(n, seed):
        kind = kind_of(talk)
        got = peer.answer(talk["messages"][:-1])
        is_right = talk["expect"] in got
        asked[kind] += 1
        right[kind] += is_right
        if on_wrong and not is_right:
            on_wrong(kind, talk["messages"][-2]["content"], got, talk["messages"][-1]["content"])
    return {kind: (right[kind], asked[kind]) for kind in sorted(asked)}


def show_wrong(kind, question, got, want):
    print(json.dumps({"kind": kind, "question": question, "got": got, "want": want}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--model", default="builtin")
    parser.add_argument("-n", type=int, default=500, help="talks (default 500)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong", action="store_true", help="print the wrong answers")
    args = parser.parse_args()
    scores = evaluate(args.program, args.model, args.n, args.seed,
                      show_wrong if args.wrong else None)
    for kind, (right, asked) in scores.items():
        print(f"{kind:26} {right:4} of {asked:4}  {100 * right / asked:5.1f} %")


if __name__ == "__main__":
    main()
