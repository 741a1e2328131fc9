"""sums.py - word problems of one to four steps, solved step by step.

An answer is its steps in the order of the story and the last result again:

    12 + 30 = 42. 42 - 7 = 35. Answer: 35

Held out are one pair of numbers in eight (those of the tables up to 12 x 12 and of sums up to 20
aside: a table can only be learned), names, things and wordings, and some stories wholly.
first_wrong_step() judges the steps of any answer.
"""

import collections
import re
import zlib

from phrases import casual, fill, is_kept, say, wording
from stories import (CHAIN_ENDS, CHAIN_EVENTS, CHAIN_STARTS, IRRELEVANT, PLAIN, SIGNS, SMALL,
                     STORIES, TAKE, TAKE_ENDS, TAKE_STEPS)
from words import Values, pick

KINDS = {"sum, 1 step": 40, "sum, 2 steps": 30, "sum, 3 steps": 20, "sum, 4 steps": 10}

# How hard the numbers are: sums go up to `top`, a product is small x other.
Level = collections.namedtuple("Level", "top small other")
AGES = Level(99, 9, 11)
EASY = Level(99, 12, 12)
HARD = Level(999, 9, 99)

# The shares of problems, by their number of steps: those with the larger numbers, in training and
# in the test; those without a story; chains of events; and those that tell a number that does not
# matter.
HARD_SHARE = {1: 0.15, 2: 0.75, 3: 0.7, 4: 0.5}
HARD_SHARE_HELD_OUT = {1: 0.0, 2: 0.75, 3: 0.7, 4: 0.5}
PLAIN_SHARE = {1: 0.3, 2: 0.12, 3: 0.1, 4: 0.1}
CHAIN_SHARE = {1: 0.0, 2: 0.25, 3: 0.4, 4: 0.5}
IRRELEVANT_SHARE = {1: 0.1, 2: 0.25, 3: 0.2, 4: 0.1}

Step = collections.namedtuple("Step", "left op right result")
Problem = collections.namedtuple("Problem", "question steps")

_RESULTS = "pqrs"
_TRIES = 60

_SHE = Values("she", """Anna Clara Emma Grace Iris Kate Maria Olivia Rosa Tina Wendy Zoe Alice
    Carmen Elena Gina Ines Karin Mila Nina Petra Sofia Vera Bella Dora Hanna Julia Laura""", 0.4)
_HE = Values("he", """Ben David Felix Henry Jack Leo Noah Paul Sam Victor Bruno Diego Frank Hugo
    Jonas Lucas Oscar Ravi Tom Amir Carl Erik George Ivan Kenji Marco Omar Simon""", 0.4)
_THINGS = Values("things", """marbles|stamps|shells|stickers|coins|cards|buttons|beads|pencils|
    pens|books|apples|pears|plums|oranges|lemons|nuts|eggs|cookies|muffins|candles|balloons|stones|
    feathers|postcards|photos|roses|tulips|bulbs|seeds|bottles|cups|plates|spoons|socks|hats|
    toy cars|dolls|puzzles|crayons|brushes|tickets|badges|keys|rings|pins|nails|screws|bricks|
    tiles|planks|ropes|bags of flour|sweets|tomatoes|potatoes|onions|carrots|peppers|cherries""",
                 0.1)
_BOXES = Values("boxes", """box:boxes|bag:bags|basket:baskets|jar:jars|crate:crates|tin:tins|
    drawer:drawers|shelf:shelves|bowl:bowls|sack:sacks|packet:packets|case:cases|tray:trays|
    pot:pots|chest:chests|bucket:buckets|folder:folders""")
_CHILDREN = Values("children", """children|friends|cousins|neighbours|pupils|guests|players|
    classmates|colleagues|nieces|brothers|sisters|visitors|families|clubs""")
_ITEMS = Values("items", """book|lamp|shirt|ball|clock|bag|chair|scarf|belt|game|radio|vase|mug|
    jacket|pillow|blanket|camera|helmet|racket|drum|kite|rug|mirror|toaster|kettle|tent""")
_VEHICLES = Values("vehicles", "bus|train|tram|ferry|plane|coach|cable car|ship|minibus")
_PETS = Values("pets", "cats|dogs|rabbits|hens|fish|parrots|ducks|goats|sheep|mice|ponies")


# --- steps ---

def apply(left, op, right):
    """The result, or None if it is no whole number."""
    if op == "/":
        return left // right if right and left % right == 0 else None
    return {"+": left + right, "-": left - right, "*": left * right}[op]


def _is_tiny(left, op, right):
    """Part of the tables, which can only be learned by heart?"""
    if op in "*/":
        return right <= 12 and (left if op == "*" else left // right) <= 12
    return max(left, left + right if op == "+" else 0) <= 20


def _is_reserved(left, op, right):
    """Is this pair of numbers held out? a + b and b + a, a * b and b * a go together."""
    if _is_tiny(left, op, right):
        return False
    if op in "+*" and left > right:
        left, right = right, left
    return zlib.crc32(f"{left}{op}{right}".encode()) % 8 == 0


def _operands(rng, left, op, right, level):
    """Two numbers for a step: those that are None are drawn, to suit the operation."""
    def number():
        return rng.randint(2, rng.choice((min(99, level.top), level.top)))
    if op == "*":
        factors = [rng.randint(2, level.small), rng.randint(2, level.other)]
        if left is None and right is None:
            rng.shuffle(factors)
            return factors
        known = right if left is None else left
        factor = rng.randint(2, level.other if known <= level.small else level.small)
        return (left or factor), (right or factor)
    if op == "/":
        if left is None:
            right = right or rng.randint(2, level.small)
            return right * rng.randint(2, level.other), right
        divisors = [d for d in range(2, 13) if left % d == 0 and left > d]
        return left, right or (rng.choice(divisors) if divisors else 2)
    drawn = (left or number()), (right or number())
    if op == "-" and left is None and right is None:
        return max(drawn), min(drawn)
    return drawn


def _suits(rng, left, op, right, is_open, held_out):
    """May this step stand in the talk? Tables are for all; they pass as rarely as the rest does, so
    that held-out talks have no more of them than others."""
    if not held_out:
        return not _is_reserved(left, op, right)
    if not is_open:
        return True
    return _is_reserved(left, op, right) or _is_tiny(left, op, right) and rng.random() < 1 / 8


def _draw_step(rng, left, op, right, level, held_out):
    """A step that the level allows, or None. Its numbers are held out where the talk is, as far as
    there is anything to draw."""
    is_open = left is None or right is None
    top = max(level.top, level.small * level.other) if op in "*/" else level.top
    for _ in range(_TRIES if is_open else 1):
        a, b = _operands(rng, left, op, right, level)
        result = apply(a, op, b)
        if result is None or not 1 <= result <= top or max(a, b) > HARD.top:
            continue
        if _suits(rng, a, op, b, is_open, held_out):
            return Step(a, op, b, result)
    return None


def _draw(rng, program, level, held_out):
    """Numbers for the letters of a program, and its steps."""
    while True:
        values, steps = {}, []
        for name, text in zip(_RESULTS, program.split(", ")):
            left, op, right = text.split()
            known = [int(w) if w.isdigit() else values.get(w) for w in (left, right)]
            step = _draw_step(rng, known[0], op, known[1], level, held_out)
            if step is None:
                break
            values.update({left: step.left, right: step.right, name: step.result})
            steps.append(step)
        else:
            return values, steps


def step(rng, op, held_out):
    """One step of any numbers that training and test use."""
    while True:
        found = _draw_step(rng, None, op, None, rng.choice((EASY, HARD)), held_out)
        if found:
            return found


# --- problems ---

def _different(draw, n):
    """n values, no two the same."""
    values = []
    while len(values) < n:
        value = draw(len(values))
        if value not in values:
            values.append(value)
    return values


def _cast(rng, held_out):
    """Who and what a story is about."""
    is_she = rng.random() < 0.5
    names = [_SHE if is_she else _HE] + [rng.choice((_SHE, _HE)) for _ in "BCD"]
    people = _different(lambda i: names[i].pick(rng, held_out).capitalize(), 4)
    box, boxes = _BOXES.pick(rng, held_out).split(":")
    item, item2 = _different(lambda i: _ITEMS.pick(rng, held_out), 2)
    x, y, z = _different(lambda i: pick(rng, "city", held_out), 3)
    return {**dict(zip("ABCD", people)), "she": "she" if is_she else "he",
            "She": "She" if is_she else "He", "her": "her" if is_she else "him",
            "Her": "Her" if is_she else "His",
            "things": _THINGS.pick(rng, held_out), "box": box, "boxes": boxes,
            "children": _CHILDREN.pick(rng, held_out), "item": item, "item2": item2,
            "X": x, "Y": y, "Z": z, "vehicle": _VEHICLES.pick(rng, held_out),
            "pets": _PETS.pick(rng, held_out)}


def _among(rng, rows, held_out, text_of=lambda row: row):
    """One of the rows; those that begin with ~ in held-out talks alone."""
    reserved = [row for row in rows if text_of(row).startswith("~")]
    if held_out and reserved and rng.random() < 0.2:
        return rng.choice(reserved)
    return rng.choice([row for row in rows if not text_of(row).startswith("~")])


def _joined(texts):
    """One text; held out if a part of it is."""
    is_reserved = any(text.startswith("~") for text in texts)
    return ("~" if is_reserved else "") + " ".join(text.lstrip("~") for text in texts)


def _story(rng, n_steps, held_out):
    """A told problem: its text, its program and whether it is about ages."""
    row = _among(rng, STORIES[n_steps], held_out, lambda row: row[0])
    return row[0], row[1], SMALL in row[2:]


def _chain(rng, n_steps, held_out):
    """Events one after the other, put together anew every time."""
    events = rng.choices(CHAIN_EVENTS, (4, 4, 1, 1), k=n_steps)
    end = rng.choice(CHAIN_ENDS)
    if end[0]:
        events.pop()
    texts, program, so_far = [_among(rng, CHAIN_STARTS, held_out)], [], "a"
    for (step, *forms), letter, result in zip(events + [end], "bcdef", _RESULTS + "-"):
        texts.append(rng.choice(forms).replace("{n}", "{" + letter + "}"))
        if step:
            program.append(f"{so_far} {step.replace('n', letter)}")
            so_far = result
    return _joined(texts), ", ".join(program), False


def _plain(rng, n_steps, held_out):
    """A sum without a story. Times and divided by come first: it is read from left to right."""
    ops = [rng.choice("++--**/" if n_steps == 1 else "++--*/")]
    ops += [rng.choice("+-") for _ in range(n_steps - 1)]
    letters = "abcde"
    program = ", ".join(f"{'a' if i == 0 else _RESULTS[i - 1]} {op} {letters[i + 1]}"
                        for i, op in enumerate(ops))
    if n_steps > 1 and rng.random() < 0.3:
        parts = [_among(rng, TAKE, held_out)]
        parts += [TAKE_STEPS[op].replace("{n}", "{" + letter + "}")
                  for op, letter in zip(ops, letters[1:])]
        return _joined(parts + [_among(rng, TAKE_ENDS, held_out)]), program, False
    x = "{a}" + "".join(f" {SIGNS[op]} {{{letter}}}" for op, letter in zip(ops, letters[1:]))
    return _among(rng, PLAIN, held_out).replace("{x}", x), program, False


def _add_irrelevant(rng, text, cast, held_out):
    """The story with a sentence before its question that has nothing to do with it."""
    story, dot, question = text.rpartition(". ")
    if not dot or "{A}" not in story:
        return text
    extra = say(rng, IRRELEVANT, {**cast, "z": str(rng.randint(2, 59))}, held_out)
    return story + dot + extra + " " + question


def _told(rng, n_steps, held_out):
    """A story, chain or plain sum in one wording, held out or not as the talk is."""
    roll = rng.random() - PLAIN_SHARE[n_steps]
    make = _plain if roll < 0 else _chain if roll < CHAIN_SHARE[n_steps] else _story
    while True:
        text, program, is_age = make(rng, n_steps, held_out)
        for _ in range(_TRIES):
            worded = wording(rng, text)
            if held_out == (text.startswith("~") or is_kept(worded)):
                return worded, program, is_age


def problem(rng, n_steps, held_out=False, level=None):
    """A problem of so many steps. level: how hard its numbers are, by HARD_SHARE if None."""
    if level is None:
        share = (HARD_SHARE_HELD_OUT if held_out else HARD_SHARE)[n_steps]
        level = HARD if rng.random() < share else EASY
    text, program, is_age = _told(rng, n_steps, held_out)
    values, steps = _draw(rng, program, AGES if is_age else level, held_out)
    cast = _cast(rng, held_out)
    if not is_age and rng.random() < IRRELEVANT_SHARE[n_steps]:
        text = _add_irrelevant(rng, text, cast, held_out)
    text = fill(text, {**cast, **{k: str(v) for k, v in values.items() if k in "abcde"}})
    return Problem(text[:1].upper() + text[1:], steps)


# --- solutions ---

def step_text(step):
    return f"{step.left} {step.op} {step.right} = {step.result}."


def solution(steps):
    """The steps and the answer, on one line."""
    return " ".join(step_text(s) for s in steps) + f" Answer: {steps[-1].result}"


_STEP = re.compile(r"(\d+) ([-+*/]) (\d+) = (-?\d+)")
_ANSWER = re.compile(r"Answer: (-?\d+)\.?\s*$")


def parse_steps(text):
    """The steps that stand in a text, right or wrong."""
    return [Step(int(a), op, int(b), int(r)) for a, op, b, r in _STEP.findall(text)]


def first_wrong_step(text):
    """The place, from 0, of the first step whose result is wrong; None if all are right."""
    for i, step in enumerate(parse_steps(text)):
        if apply(step.left, step.op, step.right) != step.result:
            return i
    return None


def final_answer(text):
    """The number after "Answer:" at the end, or None."""
    found = _ANSWER.search(text)
    return int(found.group(1)) if found else None


# --- talks ---

_SYSTEM = [
    "You are AEON, a private companion that lives on this device.",
    "You are AEON(, a helpful companion|).", "Solve (the problems|each problem) step by step.",
    "You are (good with numbers|a patient teacher|a maths tutor). (Show your steps|Write down every step).",
    "You help with (sums|homework|word problems).", "~You calculate carefully, one step after the other.",
]


def write(talk, kind):
    """One to four problems, the last of the kind."""
    rng = talk.rng
    if rng.random() < 0.3:
        talk.system(say(rng, _SYSTEM, None, talk.held_out))
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=rng.randint(0, 3))
    for each in kinds + [kind]:
        n_steps = int(re.search(r"\d", each).group())
        asked = problem(rng, n_steps, talk.held_out)
        talk.user(casual(rng, asked.question) if rng.random() < 0.6 else asked.question)
        talk.answer(solution(asked.steps), {"matches": [f"Answer: {asked.steps[-1].result}\\.?$"]})
