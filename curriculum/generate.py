#!/usr/bin/env python3
"""generate.py - write the curriculum of AEON's built-in model.

    python3 curriculum/generate.py OUTDIR [--talks N] [--vocabulary N] [--seed N]
    python3 curriculum/generate.py --suite FILE [-n 300]
    python3 curriculum/generate.py --openings FILE [-n 50]
    python3 curriculum/generate.py --left-out FILE [-n 300] [--held-out]
    python3 curriculum/generate.py --show KIND [-n 5] [--held-out]

OUTDIR gets train.jsonl, held_out.jsonl and tokenizer.json. --suite writes the held-out questions
that `aeon eval --suite builtin` asks, n of each main kind; --openings first words of talks, whose
answers a person reads (`aeon eval --suite FILE --transcript`); --left-out talks in the manner that
the model has never met, for an adapter to learn. The same seed gives the same bytes. Only the
standard library is used.
"""

import argparse
import importlib
import json
import pathlib
import random

import bpe
import check
import manners
import small_talk
from talk import Talk

MAX_CHARS = 3000  # of a talk; about 900 tokens

SHARES = {  # of a hundred talks, how many are of each family
    "facts": 14,
    "plain": 11,
    "notes": 17,
    "sums": 10,
    "judge": 8,
    "extract": 7,
    "manners": 8,
    "tools": 11,
    "drills": 14,
}

FAMILIES = {name: importlib.import_module(name) for name in SHARES}


BEFORE = ["sums", "drills", "notes", "judge"]  # what may come before a talk of another family
MIXED_SHARE = 0.2


def any_kind(rng, family):
    kinds = FAMILIES[family].KINDS
    return rng.choices(list(kinds), list(kinds.values()))[0]


def mix(talk, family):
    """People change the subject: begin some training talks with another one. A manner is set for a
    whole talk."""
    others = [name for name in BEFORE if name != family]
    if not talk.held_out and family != "manners" and talk.rng.random() < MIXED_SHARE:
        other = talk.rng.choice(others)
        FAMILIES[other].write(talk, any_kind(talk.rng, other))


def make_talk(rng, held_out, family, kind=None):
    """A talk of the family that ends with a question of the kind, or of any."""
    if kind is None:
        kind = any_kind(rng, family)
    while True:
        talk = Talk(rng, held_out)
        mix(talk, family)
        FAMILIES[family].write(talk, kind)
        n_systems = sum(m["role"] == "system" for m in talk.messages)
        if n_systems <= 1 and talk.n_chars() <= MAX_CHARS:
            return talk


def write_lines(path, objects):
    """JSON lines, the same bytes on every system."""
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for value in objects:
            out.write(json.dumps(value) + "\n")


TALKS_FOR_VOCABULARY = 40000


def talks(n, seed, held_out, texts):
    """n talks of all families; the texts of the first ones are added to texts."""
    rng = random.Random(seed)
    for i in range(n):
        family = rng.choices(list(FAMILIES), [SHARES[name] for name in FAMILIES])[0]
        talk = make_talk(rng, held_out, family)
        if i < TALKS_FOR_VOCABULARY:
            texts.extend(talk.texts())
        yield {"messages": talk.messages}


MAIN_KINDS = ["fact told", "notes with citation", "notes refusal", "sum, 1 step", "sum, 2 steps",
              "sum, 3 steps", "solution check", "judge A or B", "facts to JSON", "tool call"]


def questions(n, seed):
    """Held-out questions, n of each main kind and a third of n of the others, no two with the same
    messages."""
    for family, module in FAMILIES.items():
        for kind in module.KINDS:
            rng, seen = random.Random(f"{seed} ask {kind}"), set()
            while len(seen) < (n if kind in MAIN_KINDS else n // 3):
                talk = make_talk(rng, True, family, kind)
                messages, answer = talk.messages[:-1], check.spoken(talk.messages[-1])
                if json.dumps(messages) in seen:
                    continue
                seen.add(json.dumps(messages))
                yield {"family": kind, "messages": messages, "check": talk.check, "answer": answer}


def openings(n, seed):
    """First words of talks, no two alike but for case, marks and a greeting before. Any answer
    passes: whether it fits is for a person to say."""
    rng, seen = random.Random(f"{seed} openings"), []
    while len(seen) < n:
        text = small_talk.opening(rng)
        core = "".join(c for c in text.lower() if c.isalnum())
        if not any(core.endswith(other) or other.endswith(core) for other in seen):
            seen.append(core)
            yield {"family": "opening", "check": {"matches": ["."]},
                   "messages": [{"role": "user", "content": text}]}


def left_out(n, seed, held_out):
    """Talks in the manner that training leaves out."""
    rng = random.Random(f"{seed} left out {held_out}")
    for _ in range(n):
        talk = Talk(rng, held_out)
        manners.write_left_out(talk)
        yield {"messages": talk.messages, "check": talk.check}


def write_all(folder, n_talks, n_vocabulary, seed):
    folder.mkdir(parents=True, exist_ok=True)
    texts, n_held_out = [], max(1, n_talks // 100)
    write_lines(folder / "train.jsonl", talks(n_talks, f"{seed} learn", False, texts))
    write_lines(folder / "held_out.jsonl", talks(n_held_out, f"{seed} keep", True, []))
    merges = bpe.learn(texts, n_vocabulary)
    with open(folder / "tokenizer.json", "w", encoding="utf-8", newline="\n") as out:
        out.write(bpe.tokenizer_json(merges) + "\n")


def show(kind, n, seed, held_out):
    """Print n talks that end with a question of the kind."""
    family = next((name for name, module in FAMILIES.items() if kind in module.KINDS), None)
    if not family:
        kinds = [kind for module in FAMILIES.values() for kind in module.KINDS]
        raise SystemExit(f"no kind {kind}; there are: " + ", ".join(kinds))
    rng = random.Random(f"{seed} show")
    for _ in range(n):
        talk = make_talk(rng, held_out, family, kind)
        for m in talk.messages:
            text = check.spoken(m) + (" TOOLS " + check.dump(m["tools"]) if "tools" in m else "")
            print(f"{m['role']:10} " + text.replace("\n", "\n" + 11 * " "))
        print("check      " + check.dump(talk.check) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", metavar="OUTDIR")
    parser.add_argument("--suite", type=pathlib.Path, metavar="FILE", help="write the questions")
    parser.add_argument("--openings", type=pathlib.Path, metavar="FILE", help="write first words")
    parser.add_argument("--left-out", type=pathlib.Path, metavar="FILE",
                        help="write talks in the manner left out")
    parser.add_argument("--show", metavar="KIND", help="print talks of this kind")
    parser.add_argument("--held-out", action="store_true", help="talks with what is held out")
    parser.add_argument("-n", type=int,
                        help="questions of each main kind (300), talks to print (5)")
    parser.add_argument("--talks", type=int, default=500000, help="to learn (default 500000)")
    parser.add_argument("--vocabulary", type=int, default=3072, help="tokens (default 3072)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.show:
        show(args.show, args.n or 5, args.seed, args.held_out)
    elif args.suite:
        write_lines(args.suite, questions(args.n or 300, args.seed))
    elif args.openings:
        write_lines(args.openings, openings(args.n or 50, args.seed))
    elif args.left_out:
        write_lines(args.left_out, left_out(args.n or 300, args.seed, args.held_out))
    elif args.folder:
        write_all(args.folder, args.talks, args.vocabulary, args.seed)
    else:
        parser.error("give OUTDIR, --suite, --openings, --left-out or --show")


if __name__ == "__main__":
    main()
