"""notes.py - questions answered from numbered passages, with the passage named, or refused.

The answer states the asked attribute in the words of the passage, with the full subject, and names
the passage: "The spare key is in the blue drawer. [2]". Where no passage answers, "The notes do not
say where the spare key is." Passages are about things that are easily mistaken for each other, and
what is refused is most often asked about subjects and attributes that do occur, only not together.
Now and then only the passage is asked for: "[2]" or "Nowhere."
"""

import itertools

import check
import small_talk
from notes_topics import TOPICS
from phrases import an, casual, expand, fill, say

KINDS = {"notes with citation": 40, "notes refusal": 28, "notes lookup": 32}

_FRAMES = [
    "(Do the notes say|Do my notes say|Do you know|Can you tell me|Could you tell me|Can you see) "
    "{wh}?",
    "(Tell me|Find out|Look up|Check|Please tell me|Please look up|Please check) {wh}.",
    "(I want to know|I would like to know|I need to know|I wonder|I have to find out|Let me know) "
    "{wh}.",
    "(I forgot|I can't find|I can't remember|I don't remember|I don't see|I am not sure) {wh}.",
    "What (do the notes say|do my notes say|is written|did I note) about {wh}?",
    "(Do you see|Can you find|Is it written|Did I write down|Did anybody note) {wh}?",
    "(Please|Could you|Would you) (find|look for|check) in (the|my) notes {wh}(.|?)",
    "~Remind me {wh}.",
]

_HEADERS = ["(Notes|My notes|Passages|Context|Sources|Documents|Found notes|Background):",
            "(Here are|These are) (the|my|some) (notes|passages|papers):",
            "(What I found|What the search found|Found):"]
_RULES = [
    "(Answer from|Use|Use only|Answer only from|Answer with) the (notes|passages)(.| and cite "
    "them.| and name the passage.)",
    "(Answer|Reply) from the (notes|passages) (below|that follow)(.|, and cite them as [n].)",
    "You are AEON. (Answer from|Use) the (notes|passages)( and cite them|).",
    "If the notes do not say it, say so.", "~Base your answers on the notes.",
]
_OPENING = "(And|So|Now|Well|Okay|AEON|One more thing)(, |: )"
_HANDED_OVER = ["(Read|Keep|Take|Look at|Remember) these notes( for me|, please|).",
                "I have some notes( for you|).",
                "I (want|would like) to ask you about (my|these|some) notes.",
                "~Here is what I wrote down."]
_LOOKUPS = ["(Which|What) (passage|note|number|one) (says|tells|tells us|states|has|knows) {wh}?",
            "Where (is it written|does it say|do the notes say|do you see|is it said|do I read) {wh}?",
            "(Find|Give me|Tell me|Name) (the|only the) (passage|number|note) (that says|for) {wh}.",
            "(Number|Passage|Place) only: {wh}?"]
_READ = "I have read the notes. What would you like to know?"

_YES_NO_PART = 0.12
_REFUSED_PART = 0.4


class Fact:
    """An attribute of a subject, with its value and the number of the passage that gives it."""

    def __init__(self, subject, attribute, value=None, number=None):
        self.subject, self.attribute = subject, attribute
        self.value, self.number, self.predicate = value, number, None

    def fill(self, text, value=None):
        value = value or self.value
        slots = {"wh": self.attribute.wh, "s": self.subject}
        if value:
            slots.update(v=value, av=an(value))
        return fill(text, slots)

    def state(self, rng):
        """The predicate, in one of its wordings; the answer repeats it."""
        self.predicate = self.fill(expand(rng, self.attribute.says))
        return self.predicate

    def question(self, rng, held_out):
        phrases = _FRAMES if rng.random() < 0.3 else self.attribute.asks
        text = self.fill(say(rng, phrases, None, held_out))
        if rng.random() < 0.08:
            text = expand(rng, _OPENING) + (text if text[:2] == "I " else _small(text))
        return casual(rng, text)

    def cited(self, *begin):
        """A check: the value and this passage's number, and no other passage's."""
        matches = ["^" + word for word in begin] + check.holds(self.value)["matches"]
        return {"matches": matches + [rf"\[{self.number}\]"],
                "lacks": [rf"\[(?!{self.number}\])"]}


class Part:
    """The subjects of one topic, what the passages say of them and what they leave open."""

    def __init__(self, rng, held_out, topic):
        self.rng, self.held_out, self.topic = rng, held_out, topic
        *self.subjects, self.stranger = topic.subjects(rng, held_out, rng.randint(2, 5))
        self.pool = rng.sample(topic.attributes, rng.randint(2, 5))
        self.said, self.values = {}, set()

    def passage(self, number):
        """The facts of a passage, one to three and most often about one subject, and its text."""
        facts, subject = [], self._next_subject()
        for _ in range(self.rng.choice((1, 1, 2, 2, 3))):
            left = [a for a in self.pool if (subject, a.wh) not in self.said]
            if left:
                facts.append(self._fact(subject, self.rng.choice(left), number))
            if self.rng.random() < 0.12:
                subject = self._next_subject()
        return facts, self._write(facts)

    def _next_subject(self):
        met = {subject for subject, _ in self.said}
        fresh = [s for s in self.subjects if s not in met]
        return self.rng.choice(fresh if fresh and self.rng.random() < 0.8 else self.subjects)

    def _fact(self, subject, attribute, number):
        """A fact whose value no other fact of this part has."""
        value = _draw(self.rng, self.held_out, attribute, self.values)
        self.values.add(value)
        self.said[subject, attribute.wh] = True
        return Fact(subject, attribute, value, number)

    def _write(self, facts):
        """Facts as sentences; "it" and "and" save repeating the subject."""
        text, before, may_join = "", None, False
        for fact in facts:
            predicate = fact.state(self.rng)
            is_same, roll = fact.subject == before, self.rng.random()
            if is_same and may_join and roll < 0.3:
                text, may_join = f"{text[:-1]} and {predicate}.", False
            else:
                subject = "It" if is_same and self.topic.it and roll < 0.6 else fact.subject
                text, may_join = f"{text} {_capital(subject)} {predicate}.", True
            before = fact.subject
        return text.strip()

    def unanswered(self):
        """What could be asked and is nowhere said: (is it hard to tell, fact)."""
        met = {subject for subject, _ in self.said}
        asked = {wh for _, wh in self.said}
        for subject in [*self.subjects, self.stranger]:
            for attribute in self.topic.attributes:
                n_known = (subject in met) + (attribute.wh in asked)
                if n_known and (subject, attribute.wh) not in self.said:
                    yield n_known == 2, Fact(subject, attribute)


class Notes:
    """Passages of one or two topics, and questions about them."""

    def __init__(self, rng, held_out, n_passages):
        self.rng, self.held_out = rng, held_out
        self.facts, self.passages = [], []
        parts = [Part(rng, held_out, topic)
                 for topic in rng.sample(TOPICS, 1 if rng.random() < 0.6 else 2)]
        for number in _numbers(rng, n_passages):
            facts, text = rng.choice(parts).passage(number)
            if facts:
                self.facts += facts
                self.passages.append(f"[{number}] {text}")
        self.open = [question for part in parts for question in part.unanswered()]
        self.foreign = Part(rng, held_out, rng.choice([t for t in TOPICS if t not in [p.topic for p in parts]]))
        rng.shuffle(self.facts)

    def text(self):
        return "\n".join([say(self.rng, _HEADERS, None, self.held_out)] + self.passages)

    def ask(self, refused):
        """A question, its answer and its check. No question comes twice."""
        return self._refuse() if refused else self._cite(self.facts.pop())

    def _refuse(self):
        fact = self._unknown()
        return (fact.question(self.rng, self.held_out), fact.fill("The notes do not say {wh}."),
                {"matches": ["notes do not say"], "lacks": [r"\["]})

    def _unknown(self):
        """Something left open: most often about a subject of the notes, what they say of another; now
        and then of something else altogether."""
        if self.rng.random() < 0.25:
            part = self.foreign
            return Fact(self.rng.choice(part.subjects), self.rng.choice(part.topic.attributes))
        hard = [row for row in self.open if row[0]]
        row = self.rng.choice(hard if hard and self.rng.random() < 0.6 else self.open)
        self.open.remove(row)
        return row[1]

    def look_up(self, refused):
        """A question for the passage alone, its answer and its check."""
        fact = self._unknown() if refused else self.facts.pop()
        question = casual(self.rng, fact.fill(say(self.rng, _LOOKUPS, None, self.held_out)))
        answer = "Nowhere." if refused else f"[{fact.number}]"
        return question, answer, check.same(answer)

    def _cite(self, fact):
        statement = f"{fact.subject} {fact.predicate}. [{fact.number}]"
        if self.rng.random() >= _YES_NO_PART:
            return fact.question(self.rng, self.held_out), _capital(statement), fact.cited()
        value = fact.value if self.rng.random() < 0.5 else self._other_value(fact)
        word = "Yes" if value == fact.value else "No"
        question = casual(self.rng, fact.fill(fact.attribute.yes_no, value))
        return question, f"{word}, {statement}", fact.cited(word)

    def _other_value(self, fact):
        """A value that the fact does not have; another fact may have it."""
        others = [f.value for f in self.facts if f.attribute == fact.attribute]
        if others and self.rng.random() < 0.5:
            return self.rng.choice(others)
        return _draw(self.rng, self.held_out, fact.attribute, [fact.value])


def _draw(rng, held_out, attribute, taken):
    """A value that is not taken. Lists of held-out values are short: the others help out."""
    for attempt in itertools.count():
        value = attribute.value(rng, held_out and attempt < 8)
        if value not in taken:
            return value


def _capital(text):
    return text[:1].upper() + text[1:]


def _small(text):
    return text[:1].lower() + text[1:]


def _numbers(rng, n):
    """Of passages: 1, 2, 3 .. or with gaps, as a search may leave them."""
    if rng.random() < 0.85:
        return list(range(1, n + 1))
    return sorted(rng.sample(range(1, 20), n))


def _in_system(talk, notes):
    """The notes in the system message, the questions bare."""
    rules = say(talk.rng, _RULES, None, talk.held_out) + "\n\n" if talk.rng.random() < 0.7 else ""
    talk.system(rules + notes.text())
    return lambda question: question


def _with_question(talk, notes):
    """The notes before the first question."""
    text, label = notes.text(), talk.rng.choice(("", "Question: ", "Question: "))
    first = [text + "\n" + talk.rng.choice(("", "\n")) + label]
    return lambda question: (first.pop() if first else "") + question


def _after_question(talk, notes):
    """The first question before the notes."""
    first = [talk.rng.choice(("\n", "\n\n")) + notes.text()]
    return lambda question: question + (first.pop() if first else "")


def _handed_over(talk, notes):
    """The notes in a message of their own."""
    opening = ""
    if talk.rng.random() < 0.5:
        opening = say(talk.rng, _HANDED_OVER, None, talk.held_out) + "\n"
    talk.user(opening + notes.text())
    talk.answer(_READ)
    return lambda question: question


_LAYOUTS = {_in_system: 40, _with_question: 30, _after_question: 18, _handed_over: 12}


def _plan(rng, n, last):
    """For each of n questions whether it is to be refused; the last one is set."""
    return [rng.random() < _REFUSED_PART for _ in range(n - 1)] + [last]


def _notes_for(talk, plan, most):
    """Notes of up to so many passages with enough to ask."""
    while True:
        notes = Notes(talk.rng, talk.held_out, talk.rng.randint(2, most))
        if len(notes.passages) > 1 and len(notes.open) >= sum(plan) and \
                len(notes.facts) >= len(plan) - sum(plan):
            return notes


def _discuss(talk, layout, notes, refusals, lookups=False):
    """Questions about one set of notes, small talk between them now and then."""
    place = layout(talk, notes)
    for i, refused in enumerate(refusals):
        if i and talk.rng.random() < 0.06:
            small_talk.exchange(talk)
        question, answer, how = notes.look_up(refused) if lookups else notes.ask(refused)
        talk.user(place(question))
        talk.answer(answer, how)


def write(talk, kind):
    """Questions about notes. Every fifth talk brings new notes with each question, as a program
    does that looks them up."""
    rng, refused = talk.rng, kind == "notes refusal"
    if kind == "notes lookup":
        plan = _plan(rng, rng.randint(2, 7), rng.random() < _REFUSED_PART)
        layout = rng.choices(list(_LAYOUTS), list(_LAYOUTS.values()))[0]
        _discuss(talk, layout, _notes_for(talk, plan, 5), plan, lookups=True)
    elif rng.random() < 0.2:
        layout = rng.choice((_with_question, _after_question))
        for one in _plan(rng, rng.randint(1, 3), refused):
            _discuss(talk, layout, _notes_for(talk, [one], 3), [one])
    else:
        plan = _plan(rng, rng.choice((1, 2, 3, 4, 4, 5, 6)), refused)
        layout = rng.choices(list(_LAYOUTS), list(_LAYOUTS.values()))[0]
        _discuss(talk, layout, _notes_for(talk, plan, 5), plan)
