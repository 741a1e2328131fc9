"""drills.py - the smallest skills alone, many in one talk: family "drills".

Whether two things are the same, whether something is in a list, which passage holds a word, what
comes after what, what a sum is, and copying: answers about facts, notes and solutions are made of
these. Asked alone, with answers of a few words, a small model learns them in a fraction of the time.
"""

import check
import sums
from phrases import casual, say
from words import made_up, pick

KINDS = {"drill same": 14, "drill among": 14, "drill passage": 32, "drill next": 12, "drill copy": 14,
         "drill sum": 14}

_SAME = ["(Is|Are) {a} and {b} the same?", "{a}, {b}: the same?", "Is {a} (equal to|the same as|just) {b}?",
         "(Compare|Look at) {a} and {b}(.|:) (Are they|Is it|The) the same?", "Same or not: {a} and {b}?",
         "Does {a} (equal|match) {b}?", "(Tell me|Say) (if|whether) {a} (is|equals) {b}."]
_AMONG = ["Is {x} in this list: {list}?", "{list}. Is {x} among them?", "{list}: is there {x}?",
          "(Look|Search) for {x} in: {list}. (Is it there|Do you find it)?",
          "Does this list hold {x}: {list}?",
          "I have {list}. Do I have {x}?", "(Tell me|Say) (if|whether) {x} is (among|one of) {list}."]
_WHICH = ["(Which|What) (passage|number|note) (has|holds|tells of|names) {x}?", "Where is {x}?",
          "(Find|Look for) {x}(.| in the notes.)", "{x}, which (passage|number|note)?",
          "(Who|Which one) has {x}(, please|)?", "(Give|Tell) me the (number|place) of {x}."]
_NEXT = ["What (comes|stands|is) (right |)(after|behind) {x}?",
"(After|Behind) {x}, what (comes|stands|is next)?",
         "(Which|What) word follows {x}?", "{x}, and then?", "(Tell me|Say|Name) what follows {x}."]

_COPY = ["(Copy|Write|Type|Echo|Print): {x}",
"(Copy|Write|Type) (this line|this text|these words)( once|): {x}",
         "(Text|Line|Words): {x}. (Copy|Write|Type) (that|it)( once| again|).",
         "(The same|This line|Once) again( please|): {x}"]
_SUMS = ["(Work out|Do|Solve|Calculate)( each| these| all|): {x}", "(Sums|A list of sums|Some sums): {x}",
         "{x}. (Work out|Do|Solve) (each|them|all)( please|).",
         "(Here are|I have) (some sums|a few sums): {x}"]


def _thing(rng, held_out):
    """A name, a word or a number; all of them of the kinds that other families ask for."""
    roll = rng.random()
    if roll < 0.35:
        return str(rng.randint(1, rng.choice((20, 100, 1000, 10000))))
    if roll < 0.6:
        return made_up(rng) if rng.random() < 0.5 else made_up(rng).lower()
    if roll < 0.7:
        return f"{made_up(rng)} {made_up(rng)}"
    return pick(rng, rng.choice(("first_name", "city", "food", "colour", "animal", "place", "day",
                                 "time", "date", "job", "title")), held_out)


def _like(rng, thing, held_out):
    """Something else that is easily mistaken for it: one digit or one word of it differs."""
    for _ in range(20):
        if thing.isdigit() and rng.random() < 0.7:
            i = rng.randrange(len(thing))
            other = thing[:i] + str(rng.randint(1, 9)) + thing[i + 1:]
        elif " " in thing and rng.random() < 0.7:
            other = thing.split()[0] + " " + _thing(rng, held_out).split()[-1]
        else:
            other = _thing(rng, held_out)
        if other.lower() != thing.lower():
            return other
    return thing + " 2"


def _things(rng, n, held_out):
    things = []
    while len(things) < n:
        thing = _thing(rng, held_out) if not things or rng.random() < 0.7 else \
            _like(rng, rng.choice(things), held_out)
        if not any(t.lower() in thing.lower() or thing.lower() in t.lower() for t in things):
            things.append(thing)
    return things


def _ask(talk, phrases, slots, answer):
    talk.user(say(talk.rng, phrases, slots, talk.held_out))
    talk.answer(answer, check.same(answer))


def _same(talk, n):
    rng = talk.rng
    for _ in range(n):
        a = _thing(rng, talk.held_out)
        is_same = rng.random() < 0.5
        b = a if is_same else _like(rng, a, talk.held_out)
        _ask(talk, _SAME, {"a": a, "b": b}, "Yes." if is_same else "No.")


def _among(talk, n):
    rng = talk.rng
    for _ in range(n):
        things = _things(rng, rng.randint(2, 7), talk.held_out)
        x = rng.choice(things)
        is_there = rng.random() < 0.5
        if not is_there:
            things.remove(x)
        _ask(talk, _AMONG, {"x": x, "list": ", ".join(things)}, "Yes." if is_there else "No.")


def _passage(talk, n):
    """Numbered lines of a few things; questions for what stands there, and for what does not."""
    rng = talk.rng
    n_lines, most = rng.randint(2, 6), rng.randint(1, 4)
    things = _things(rng, most * n_lines + 3, talk.held_out)
    first, step = rng.choice(((1, 1), (1, 1), (rng.randint(2, 9), rng.randint(1, 4))))
    numbers = [first + step * i for i in range(n_lines)]
    lines = [things[most * i:most * i + rng.randint(1, most)] for i in range(n_lines)]
    notes = "\n".join(f"[{number}] {', '.join(line)}" for number, line in zip(numbers, lines))
    for i in range(n):
        if rng.random() < 0.25:
            x, answer = rng.choice(things[-3:]), "Nowhere."
        else:
            k = rng.randrange(n_lines)
            x, answer = rng.choice(lines[k]), f"[{numbers[k]}]"
        text = casual(rng, say(rng, _WHICH, {"x": x}, talk.held_out))
        talk.user(notes + "\n" + text if i == 0 else text)
        talk.answer(answer, check.same(answer))


def _next(talk, n):
    rng = talk.rng
    things = _things(rng, rng.randint(3, 8), talk.held_out)
    for i in range(n):
        k = rng.randrange(len(things) - 1)
        text = casual(rng, say(rng, _NEXT, {"x": things[k]}, talk.held_out))
        talk.user(", ".join(things) + ".\n" + text if i == 0 else text)
        talk.answer(things[k + 1], check.same(things[k + 1]))


def _copy(talk, n):
    rng = talk.rng
    for _ in range(n):
        text = " ".join(_thing(rng, talk.held_out) for _ in range(rng.randint(1, 6)))
        _ask(talk, _COPY, {"x": text}, text)


def _sum(talk, n):
    """Steps of sums.py without a story, several in one answer."""
    rng = talk.rng
    for _ in range(n // 3):
        steps = [sums.step(rng, rng.choice("+-*/"), talk.held_out) for _ in range(rng.randint(1, 6))]
        asked = ", ".join(f"{s.left} {s.op} {s.right}" for s in steps)
        _ask(talk, _SUMS, {"x": asked}, " ".join(sums.step_text(s) for s in steps))


_DRILLS = {"drill same": (_same, 3, 8), "drill among": (_among, 3, 8), "drill passage": (_passage, 5, 14),
           "drill next": (_next, 3, 10), "drill copy": (_copy, 2, 6), "drill sum": (_sum, 6, 15)}


def write(talk, kind):
    drill, least, most = _DRILLS[kind]
    drill(talk, talk.rng.randint(least, most))
