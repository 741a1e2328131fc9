"""judge.py - is this solution right, and which of two answers is better?

The judge works the answer out itself, in the form of sums.py or notes.py, sets beside it what was
given, and ends with the verdict:

    12 + 30 = 42. 42 - 7 = 35. Answer: 35. Given: 36. Verdict: no
    The key is in the red box. [2] A: red box [2], B: blue drawer [1]. Better: A

Half of all questions have one fixed wording. Search and debate ask in it:

    Question: {question}                 Question: {question}
    Solution: {answer}                   A: {a}
    Is this right?                       B: {b}
                                         Which is better, A or B?

where answers from notes are judged, "Notes:" and the numbered passages stand before that. In
held-out talks every pair of answers is asked twice in a row, the second time with A and B swapped.
"""

import collections
import weakref

import notes
import sums
from phrases import expand, fill, say

KINDS = {"solution check": 40, "judge A or B": 60}

CHECK_PROMPT = "Question: {question}\nSolution: {answer}\nIs this right?"
CHOICE_PROMPT = "Question: {question}\nA: {a}\nB: {b}\nWhich is better, A or B?"
NOTES_PROMPT = "Notes:\n{notes}\n"

# What is judged.
NOTES_SHARE = 0.4        # answers from notes; the others are solutions of word problems
OPEN_SHARE = 0.3         # of these are about questions that the notes leave open
STEPS = (1, 1, 1, 2, 2, 2, 2, 3)
HARD_SHARE = 0.3         # of the problems in training; those of the test have the smaller numbers
BARE_SHARE = 0.1         # of the solutions are only "Answer: 35"

# An answer under judgement: its text, and its gist, which the judge repeats.
Candidate = collections.namedtuple("Candidate", "text gist")

# What is asked (about the passages of the context), what the judge works out, and a candidate that
# is right and one that is wrong.
Case = collections.namedtuple("Case", "context question worked right wrong")


# --- wrong solutions ---

def _near(rng, n):
    """A number that a slip makes of n."""
    while True:
        wrong = n + rng.choice((-1, 1, -2, 2, -10, 10, -10, 10, -20, 20, -100, 100))
        if n > 11 and rng.random() < 0.2:
            wrong = int(str(n)[:-2] + str(n)[:-3:-1])  # the last two digits swapped
        if wrong > 0 and wrong != n and (abs(wrong - n) < 100 or n > 100):
            return wrong


def _carry_on(steps, new):
    """The steps with other results from some point on: new maps old results to them. None if that
    leaves the whole numbers."""
    done = []
    for step in steps:
        left, right = new.get(step.left, step.left), new.get(step.right, step.right)
        result = sums.apply(left, step.op, right)
        if result is None or result < 1:
            return None
        if result != step.result:
            new = {**new, step.result: result}
        done.append(step._replace(left=left, right=right, result=result))
    return done


def _changed(steps, i, step):
    """The steps with another one at i and what follows from it."""
    rest = _carry_on(steps[i + 1:], {steps[i].result: step.result})
    return None if rest is None else steps[:i] + [step] + rest


def _slip(rng, steps):
    """A wrong result."""
    i = rng.randrange(len(steps))
    return _changed(steps, i, steps[i]._replace(result=_near(rng, steps[i].result)))


def _other_operation(rng, steps):
    i = rng.randrange(len(steps))
    step = steps[i]
    op = rng.choice({"+": "-*", "-": "+", "*": "+", "/": "-*"}[step.op])
    result = sums.apply(step.left, op, step.right)
    return _changed(steps, i, step._replace(op=op, result=result)) if result > 0 else None


def _misread(rng, steps):
    """A number of the question copied wrongly."""
    i = rng.randrange(len(steps))
    results = {step.result for step in steps[:i]}
    name = rng.choice([n for n in ("left", "right") if getattr(steps[i], n) not in results] or [None])
    if name is None:
        return None
    step = steps[i]._replace(**{name: _near(rng, getattr(steps[i], name))})
    result = sums.apply(step.left, step.op, step.right)
    return _changed(steps, i, step._replace(result=result)) if result and result > 0 else None


def _dropped(rng, steps):
    """A step left out; what it was done to goes on in its place."""
    i = rng.randrange(len(steps))
    rest = _carry_on(steps[i + 1:], {steps[i].result: steps[i].left})
    return None if rest is None else steps[:i] + rest


def _wrong_solution(rng, steps):
    """A solution with one mistake that changes the answer."""
    while True:
        spoil = rng.choice((_slip, _slip, _slip, _other_operation, _misread, _dropped, None))
        if spoil:
            wrong = spoil(rng, steps)
            text = sums.solution(wrong) if wrong else ""
        else:  # the steps are right, the answer is not taken from them
            other = rng.choice([_near(rng, steps[-1].result)] + [s.result for s in steps[:-1]])
            text = " ".join(map(sums.step_text, steps)) + f" Answer: {other}"
        if text and sums.final_answer(text) != steps[-1].result:
            return text


# --- cases ---

def _sum_case(rng, held_out):
    level = sums.HARD if not held_out and rng.random() < HARD_SHARE else sums.EASY
    problem = sums.problem(rng, rng.choice(STEPS), held_out, level)
    right = sums.solution(problem.steps)
    candidates = []
    for text in (right, _wrong_solution(rng, problem.steps)):
        answer = str(sums.final_answer(text))
        is_bare = rng.random() < BARE_SHARE
        candidates.append(Candidate(f"Answer: {answer}" if is_bare else text, answer))
    return Case([], problem.question, right + ".", *candidates)


def _claim(fact, predicate, value, number):
    subject = fact.subject[:1].upper() + fact.subject[1:]
    return Candidate(f"{subject} {predicate}. [{number}]", f"{value} [{number}]")


def _refusal(fact):
    return Candidate(fact.fill("The notes do not say {wh}."), "not said")


def _wrong_claims(rng, fact, facts, held_out):
    """What a careless reader of the notes might say: another fact's value, another passage, that
    it is not said, or something of his own."""
    others = [f for f in facts if f.value != fact.value]
    others = [f for f in others if f.attribute == fact.attribute] or others
    if others:
        other = rng.choice(others)
        predicate = fact.predicate.replace(fact.value, other.value)
        yield _claim(fact, predicate, other.value, other.number)
        yield _claim(fact, predicate, other.value, fact.number)
    numbers = sorted({f.number for f in facts} - {fact.number})
    if numbers:
        yield _claim(fact, fact.predicate, fact.value, rng.choice(numbers))
    yield _refusal(fact)
    value = fact.attribute.value(rng, held_out)
    if value != fact.value:
        yield _claim(fact, fact.predicate.replace(fact.value, value), value, fact.number)


def _told_case(rng, some, held_out):
    """A question that the notes answer."""
    fact = some.facts[-1]
    right = _claim(fact, fact.predicate, fact.value, fact.number)
    wrong = rng.choice(list(_wrong_claims(rng, fact, some.facts, held_out)))
    return Case(some.passages, fact.question(rng, held_out), right.text, right, wrong)


def _open_case(rng, some, held_out):
    """A question that they leave open; the wrong answer is made up or taken from somewhere else."""
    _, fact = rng.choice([row for row in some.open if row[0]] or some.open)
    same = [f for f in some.facts if f.attribute == fact.attribute]
    near = rng.choice(same or some.facts)
    value = near.value if same else fact.attribute.value(rng, held_out)
    predicate = fact.fill(expand(rng, fact.attribute.says), value)
    right = _refusal(fact)
    return Case(some.passages, fact.question(rng, held_out), right.text, right,
                _claim(fact, predicate, value, near.number))


def _notes_case(rng, held_out):
    make = _open_case if rng.random() < OPEN_SHARE else _told_case
    while True:
        some = notes.Notes(rng, held_out, rng.choice((1, 2, 2, 3, 3)))
        if some.facts and (some.open or make is _told_case):
            return make(rng, some, held_out)


def _case(rng, held_out):
    return (_notes_case if rng.random() < NOTES_SHARE else _sum_case)(rng, held_out)


# --- talks ---

_CHECKS = [
    "(Question|Problem|Task|Asked): {question}\n(Solution|Answer|My answer|Given answer|Reply|Result): {answer}\n"
    "(Is (this|that|it|the answer) (right|correct|true)?|Right or wrong?|Is (this|that) (right|correct), yes or no?|"
    "(Check|Judge) (it|this|this answer)(.|, please.)|Did I get (it|this) right?|(Correct|Right)?|Can I trust (this|that)?)",
    "(Is this (right|correct)?|(Please check|Check|Verify) (this|this answer|the solution)(.|:)|Look at (this|this answer).)\n"
    "(Question|Problem|Task): {question}\n(Solution|Answer|Reply|Result): {answer}",
    "(I was asked|Someone asked|They asked): {question}\n(I said|I answered|The answer was|Somebody answered): {answer}\n"
    "(Is (this|that) (right|correct)?|Was (this|that) (right|correct)?|Right or wrong?)",
    "~To solve: {question}\nSolved like this: {answer}\nIs it right?",
]
_CHOICES = [
    "(Question|Problem|Task|Asked): {question}\nA: {a}\nB: {b}\n"
    "((Which|Which one|Which answer) is (better|right|correct)(, A or B|)?|A or B?|(Choose|Pick) (A or B|one|the better one)(.|, please.)|"
    "Who is right(, A or B|)?|Is A or B (better|right)?|(Say|Tell me) which is (better|right).|Better: A or B?)",
    "(Compare (two|these|the) answers(.|:)|(Which|Which answer) is better(, A or B|)?|(Judge|Decide) between A and B(.|:))\n"
    "(Question|Problem|Task): {question}\nA: {a}\nB: {b}",
    "(Two people|Two friends|Two pupils|Two models) (answer|answered|were asked): {question}\nA: {a}\nB: {b}\n"
    "(Who|Which one) is (right|better)(, A or B|)?",
    "~To solve: {question}\nA: {a}\nB: {b}\nWhose answer do you take, A or B?",
]
_SYSTEM = [
    "You are AEON, a private companion that lives on this device.", "You are AEON(, a helpful companion|).",
    "You are a (fair|careful|strict) judge( of answers|).", "(Judge|Check) (the |)answers(| carefully).",
    "You (check|compare|judge) (answers|solutions)(, and are fair|).", "~You weigh every answer with care.",
]

_WAITING = weakref.WeakKeyDictionary()  # by the rng of a test: the case to be asked once more


def _prompt(talk, case, fixed, varied, slots):
    """The case in the fixed wording or in another."""
    context = NOTES_PROMPT.replace("{notes}", "\n".join(case.context)) if case.context else ""
    slots = {"question": case.question, **slots}
    if talk.rng.random() < 0.5:
        return context + fill(fixed, slots)
    return context + say(talk.rng, varied, slots, talk.held_out)


def _write_check(talk, case):
    is_right = talk.rng.random() < 0.5
    given = case.right if is_right else case.wrong
    verdict = "yes" if is_right else "no"
    talk.user(_prompt(talk, case, CHECK_PROMPT, _CHECKS, {"answer": given.text}))
    talk.answer(f"{case.worked} Given: {given.gist}. Verdict: {verdict}",
                {"matches": [f"Verdict: {verdict}\\.?$"]})


def _write_choice(talk, case, better):
    a, b = (case.right, case.wrong) if better == "A" else (case.wrong, case.right)
    talk.user(_prompt(talk, case, CHOICE_PROMPT, _CHOICES, {"a": a.text, "b": b.text}))
    talk.answer(f"{case.worked} A: {a.gist}, B: {b.gist}. Better: {better}",
                {"matches": [f"Better: {better}\\.?$"]})


def _paired(talk):
    """A case and the better letter; in a test the same case comes back with the other letter."""
    if talk.held_out and talk.rng in _WAITING:
        return _WAITING.pop(talk.rng)
    case, letters = _case(talk.rng, talk.held_out), talk.rng.sample("AB", 2)
    if talk.held_out:
        _WAITING[talk.rng] = case, letters[1]
    return case, letters[0]


def write(talk, kind):
    """One to three judgements, the last of the kind."""
    rng = talk.rng
    if rng.random() < 0.3:
        talk.system(say(rng, _SYSTEM, None, talk.held_out))
    for each in rng.choices(list(KINDS), list(KINDS.values()), k=rng.choice((0, 1, 1, 2))):
        case = _case(rng, talk.held_out)
        if each == "solution check":
            _write_check(talk, case)
        else:
            _write_choice(talk, case, rng.choice("AB"))
    if kind == "solution check":
        _write_check(talk, _case(rng, talk.held_out))
    else:
        _write_choice(talk, *_paired(talk))
