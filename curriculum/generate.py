#!/usr/bin/env python3
"""generate.py - write the curriculum of AEON's built-in model.

    python3 curriculum/generate.py OUTDIR [--seed N] [--talks N] [--vocabulary N]

OUTDIR gets train.jsonl, held_out.jsonl and tokenizer.json. The same seed gives the same bytes.
Only the standard library is used.
"""

import argparse
import json
import pathlib
import random

import about
import bpe
import facts
import small_talk
from phrases import casual, choose, expand, say
from words import LEARNED, made_up, pick

MAX_CHARS = 3000  # of a talk; about 1000 tokens

SYSTEM = [
    "You are AEON, a private companion that lives on this device.",
    "You are AEON(, a helpful companion|, a small companion|). (Answer briefly|Be kind|Be helpful).",
    "You are a (helpful|friendly|kind) (assistant|companion).",
    "You are AEON.", "Be (brief|friendly|helpful).",
    "~You are AEON, a companion on the user's own machine.",
]


class Talk:
    """One talk being written: messages, what the user told, and what the last answer must hold."""

    def __init__(self, rng, held_out):
        self.rng, self.held_out = rng, held_out
        self.memory = facts.Memory(rng, held_out)
        self.messages, self.expect = [], None

    def system(self):
        """A system message, sometimes with facts from earlier talks."""
        text = say(self.rng, SYSTEM, None, self.held_out)
        if self.rng.random() < 0.3:
            told = [self.memory.learn_silently() for _ in range(self.rng.randint(1, 3))]
            text += " The user told you earlier: " + "; ".join(told) + "."
        self.messages.append({"role": "system", "content": text})

    def exchange(self, user, answer, expect=None):
        """One question and its answer. expect: a text that a right answer contains."""
        self.messages.append({"role": "user", "content": user})
        self.messages.append({"role": "assistant", "content": answer})
        self.expect = expect

    def row(self, rows):
        """An exchange from a table of (ways to say, ways to answer)."""
        says, answers = self.rng.choice(rows)
        name = self.memory.name()
        user = say(self.rng, says, None, self.held_out)
        answer = expand(self.rng, self.rng.choice(answers), {"name": f", {name}" if name else ""})
        self.exchange(casual(self.rng, user), answer, answer)

    def unknown(self):
        """A question beyond a very small model."""
        rng = self.rng
        if rng.random() < 0.5:
            topics = [" ".join(t.split()) for t in small_talk.TOPICS.split("|")]
            reserved = topics[::8]
            topic = rng.choice(reserved if self.held_out else
                               [t for t in topics if t not in reserved] + LEARNED["city"][:20])
            form, slots = choose(rng, small_talk.UNKNOWN_FORMS, self.held_out), {"topic": topic}
        else:
            form = choose(rng, small_talk.UNKNOWN_FIXED, self.held_out)
            kinds = ["country", "city", "food", "title", "sport", "job", "animal", "instrument",
                     "first_name"]
            slots = {kind: pick(rng, kind, self.held_out) for kind in kinds}
            slots.update(n=str(rng.randint(1, 99)), m=str(rng.randint(1, 99)),
                         relative=rng.choice(["mother", "boss", "brother", "doctor"]))
        user = expand(rng, form, slots)
        self.exchange(casual(rng, user), rng.choice(small_talk.UNKNOWN_REPLIES), "very small model")

    def echo(self):
        """Words to repeat: copying pure and simple."""
        rng = self.rng
        words = [rng.choice(small_talk.SPELLED.split()) if rng.random() < 0.6 else
                 made_up(rng).lower() if rng.random() < 0.6 else pick(rng, "code")
                 for _ in range(rng.randint(1, 7))]
        text = " ".join(words)
        user = say(rng, small_talk.ECHO_FORMS, {"x": text}, self.held_out)
        self.exchange(user, text, text)

    def facts(self, action):
        self.exchange(*getattr(self.memory, action)())

    def small_talk(self):
        rows = self.rng.choice((small_talk.MOODS, small_talk.TALK, small_talk.TALK, about.ABOUT,
                                small_talk.LIFE))
        self.row(rows)


def _facts_talk(talk, n_exchanges):
    """Facts told, mixed with other things, and asked; it ends with a question."""
    rng = talk.rng
    if rng.random() < 0.35:
        talk.row(small_talk.GREETINGS)
    talk.facts("tell")
    for _ in range(n_exchanges):
        roll = rng.random()
        if roll < 0.28:
            talk.facts("tell")
        elif roll < 0.36 and talk.memory.facts:
            talk.facts("correct")
        elif roll < 0.62:
            talk.facts("ask")
        elif roll < 0.9:
            talk.small_talk()
        elif roll < 0.97:
            talk.unknown()
        else:
            talk.echo()
    talk.facts("ask")


def _plain_talk(talk, n_exchanges):
    """Small talk and questions about AEON, no facts; now and then a question about none told."""
    rng = talk.rng
    if rng.random() < 0.5:
        talk.row(small_talk.GREETINGS)
    for _ in range(n_exchanges):
        roll = rng.random()
        if roll < 0.4:
            talk.row(about.ABOUT)
        elif roll < 0.62:
            talk.row(small_talk.TALK)
        elif roll < 0.7:
            talk.row(small_talk.MOODS)
        elif roll < 0.75:
            talk.row(small_talk.LIFE)
        elif roll < 0.8:
            talk.row(small_talk.GREETINGS)
        elif roll < 0.93:
            talk.unknown()
        elif roll < 0.97:
            talk.echo()
        else:
            talk.facts("ask")
    if rng.random() < 0.25 or len(talk.messages) < 2:
        talk.row(small_talk.GOODBYES)


FAMILIES = {  # how a talk is made, and how many of a hundred are made so
    "facts": (_facts_talk, 62),
    "plain": (_plain_talk, 38),
}


def make_talk(rng, held_out):
    """A talk as a JSON object; expect is what its last answer must contain."""
    family = rng.choices(list(FAMILIES), [share for _, share in FAMILIES.values()])[0]
    while True:
        talk = Talk(rng, held_out)
        if rng.random() < 0.4:
            talk.system()
        n = rng.randint(0, 4) if rng.random() < 0.8 else rng.randint(5, 18)
        FAMILIES[family][0](talk, n)
        if sum(len(m["content"]) + 8 for m in talk.messages) <= MAX_CHARS:
            return {"family": family, "expect": talk.expect, "messages": talk.messages}


def write_talks(path, n, seed, held_out):
    """n talks, one JSON object in a line; returns their texts."""
    rng, texts = random.Random(seed), []
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for _ in range(n):
            talk = make_talk(rng, held_out)
            texts.extend(m["content"] for m in talk["messages"])
            out.write(json.dumps(talk) + "\n")
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--talks", type=int, default=100000, help="to learn (default 100000)")
    parser.add_argument("--vocabulary", type=int, default=2816, help="tokens (default 2816)")
    args = parser.parse_args()

    args.folder.mkdir(parents=True, exist_ok=True)
    texts = write_talks(args.folder / "train.jsonl", args.talks, f"{args.seed} learn", False)
    write_talks(args.folder / "held_out.jsonl", max(1, args.talks // 50), f"{args.seed} keep", True)
    merges = bpe.learn(texts[:120000], args.vocabulary)
    with open(args.folder / "tokenizer.json", "w", encoding="utf-8", newline="\n") as out:
        out.write(bpe.tokenizer_json(merges) + "\n")


if __name__ == "__main__":
    main()
