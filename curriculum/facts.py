"""facts.py - the family "facts": what the user tells is repeated, corrected, kept apart, and asked.

This is the family that a companion stands or falls with. A talk tells some facts, of several people,
asks for them in many words, and never lets an answer depend on anything but the talk. The answers
have one form for each kind of fact, so that only the right value is left to find.
"""

import re

import about
import small_talk
from check import holds
from fact_kinds import KINDS as FACT_KINDS
from fact_kinds import ME, Fact, core, sentence, somebody, value_of
from phrases import casual, expand, say
from words import made_up

KINDS = {
    "fact told": 32,
    "fact corrected": 12,
    "fact yes or no": 22,
    "fact never told": 24,
    "two facts": 10,
}

# ---- what the user says ----------------------------------------------------------------------------

_ASK_WH = [
    "Do you (still |)(remember|recall|know) {wh}?", "Can you (still |)(remember|recall|say|tell me) {wh}?",
    "Do you (happen to |perhaps |by chance |really |)know {wh}?",
    "(Can|Could|Would|Will) you (please |)(tell me|say|remind me) {wh}( again|, please|)?",
    "(Please |Now |Just |)(tell me|say|remind me) {wh}( again|, please| now|).",
    "Did I (tell you|say|mention|ever say) {wh}?",
    "Have I (told you|mentioned|said) {wh}?", "What did I (tell you|say) about {wh}?", "What do you know about {wh}?",
    "I (forgot|have forgotten|can't remember|don't remember|can't recall|no longer know|am not sure) {wh}.",
    "I (want|need|would like|wish|would love) to (know|hear|be told) {wh}( now| again|).",
    "You (know|remember|should know|must know|surely remember) {wh}, (right|don't you|yes|no)?",
    "(Let me know|I wonder|I ask myself|I am asking) {wh}.", "(Any idea|Do you have any idea|Got any idea) {wh}?",
    "If (I|somebody|one) asked you {wh}, what would you (say|answer)?",
    "What (would|will|do) you (say|answer) when (I ask|somebody asks|they ask) {wh}?",
    "(Let us see|Let me see|I wonder|Show me) (if|whether) you (know|remember) {wh}.",
    "(Say|Tell me) once more {wh}.",
    "(What was it|How was it) (again|that I said): {wh}?", "Would you (kindly |)let me know {wh}?",
    "I hope you (know|remember) {wh}.",
]
_ASK_NAME = [
    "{np}?", "{np}, please.", "{np} please", "{np}(!|.|)", "And {np}?", "And (now|also|next) {np}(, please|).",
    "(And what|What) (is|was) {np}( again|)?",
    "(Tell|Give|Show|Send) me {np}( again|, please| now|).", "Do you (still |)(remember|recall|know) {np}?",
    "Can you (still |)(remember|recall|tell me) {np}?",
    "I (forgot|need|have forgotten|can't remember|lost) {np}( again|).",
    "(Say|Name|Repeat|State) {np}( for me|, please| again|).",
    "(What|How) about {np}?", "(Can|Could|Would) you (tell|give) me {np}( again|, please|)?",
    "(Can|Could|May) I (have|hear|get) {np}( again|, please|)?",
    "What do you have (noted |down |stored |)(as|for) {np}?",
    "What (did I say|have I told you|did I tell you|do you know) about {np}?",
    "I am asking (you |)(about|for) {np}.", "(Next|Next question|And next|Now): {np}.",
    "I (want|need|would like) to (know|hear) {np}.",
    "You (know|remember|noted) {np}, (right|don't you|didn't you)?", "{np}, what (is|was) it( again|)?",
    "Have you (noted|kept|got) {np}?",
    "(I wonder|Let me know) (what is|about) {np}.", "Once more {np}(, please|).", "What do you know as {np}?",
]
_ASK_DRESSED = [
    "(So|And|Now|Well|Okay|Hey|AEON|Hey AEON|By the way|Hm|Listen|Good|Right|Thanks|Fine|Sorry|Please|Um|Wait), {q}",
    "(Quick question|One more thing|One question|Remind me|Tell me|Next|Another question|Last question|A question|Question|Test|Say): {q}",
    "(I forgot|Help me|My memory is bad|I am not sure any more|Let me test you|Let us see|I need help|Now a question|My turn to ask)(:|.) {q}",
    "{q} (I forgot|I can't remember|Please tell me|You should know|Just checking|I need it|Thanks|Quickly, please|I am testing you|It is important|Someone asks|I must know|I told you|No idea any more).",
    "(Can you help me|Do you remember|Are you ready|You there|Got it|Tell me, AEON)? {q}",
    "(Thanks|Thank you|Okay|Great|Good|Nice|Very good|Perfect|I see)(!|.) {q}",
    "(Now then|All right then|Say, AEON): {q}",
]
_ASK_ELLIPTIC = ["And {who}?", "(And what|What|How|And how) about {who}?", "(Okay|Good|Thanks|Right), and {who}?",
                 "(The same|Same question) for {who}(, please|).", "Now {who}?"]
_CLAIMS = [
    "Is it (true|right|correct|so|a fact) that {it}?", "Did I (say|tell you|mention|write) that {it}?",
    "Have I (said|told you|mentioned) that {it}?",
    "{it}, (right|correct|true|yes or no|isn't that so|or not|or am I wrong|is that right)?",
    "(Yes or no|Is this right|Is this true|Is it so|Check this|Please check)(:| -) {it}?",
    "(Am I right|Would you say|Do you agree|Can you confirm|Do you think|Would it be right to say|Do you remember) that {it}?",
    "(I think|I believe|I said|You know) that {it}, (right|correct|am I right)?", "(So|And) {it}?",
    "Would it be (true|correct) that {it}?",
]
_ASK_TWO = [
    "Do you (still |)(know|remember|recall) {a} and {b}?", "Can you (still |)(say|tell me|remember) {a} and {b}?",
    "(Tell me|Please tell me|Remind me|Say|Let me know) {a} and {b}( again|, please|).",
    "(Can|Could|Would) you (please |)tell me {a} and {b}?",
    "I (forgot|can't remember|don't remember|want to know|need to know|would like to know) {a} and {b}.",
    "(Tell me|I want to know|Say|Remind me of) two things: {a} and {b}.", "I have two questions: {a}, and {b}?",
    "(First|Tell me first) {a}, (and |)then {b}.", "{a}, and also {b}?", "Could you say both {a} and {b}?",
]
_AND_ASK = ["(And|Also,|And also|Next:|And tell me:|And then:|One more:|And besides,) {q}"]
_ASK_ALL = [
    "What do you know about {who}( so far| by now| now|)?",
    "What (have I told|did I tell) you about {who}( so far| by now|)?",
    "(Tell me|Say|List|Name) (everything|all) (that |)you know about {who}.",
    "(Sum up|Repeat|Recap|Summarize) what you know about {who}.", "Which (facts|things) do you know about {who}?",
    "What do you remember about {who}( now| so far|)?", "(Repeat|Say again) what I (told you|said) about {who}.",
    "(Tell|Remind) me what (you know|I said) about {who}( again| please|).", "What have you noted about {who}?",
]
_CORRECT = [
    "(No|Sorry|Wait|Oh|No, sorry|No, wait|Oops|Ah, no|Not quite|Wrong), {new}.",
    "(Actually|In fact|Correction:|I made a mistake:|I was wrong:|My mistake:|To be exact,|I have to correct that:) {new}.",
    "(Sorry|Wait|Oops), {new}, not {old}.", "{new}, not {old}.",
    "{new} now(, not {old}|, no longer {old}| instead of {old}|).",
    "(I was wrong|I got that wrong|That was a mistake|That has changed|That was not right|Something changed)( before|)(.|:) {new}.",
    "(Sorry, |No, |Wait, |)I (meant|mean|meant to say) {value}, not {old}.",
    "(Not {old}|No, not {old}|Not {old}, sorry)(:|, but|,) {value}.",
    "(Please change|Change|Correct) {old} to {value}.", "I said {old}, but (it is|I meant|right is) {value}.",
    "(By now|Since today|From now on|Lately|These days) {new}.",
    "(Forget|Don't use|Delete) {old}( please|)(, | - |: ){new}.",
    "(Let me correct myself|Please correct this): {new}.", "It is no longer {old}: {new}.",
]
_TOLD_BEFORE = [
    "(The user told you earlier|Known about the user|From earlier talks|Facts about the user|What you know about the user|Memory|Notes on the user):", "(You know this|Remember this|This is known|Keep this in mind) (about|of) the user:",
    "(Earlier|Before|Last time|In earlier talks|Yesterday|Some time ago) the user (told you|said|mentioned|wrote) this:", "(Known|Stored|Saved|Noted|Remembered) (facts|notes|things|so far|from before)( about the user| on the user|):", "Remembered (facts|from before):",
]
_SYSTEM = [
    "You are AEON(, a private companion|, a companion on the user's device|, a helpful companion|).",
    "You are (AEON, |)a (helpful|friendly|kind|small|private|patient) (assistant|companion).",
    "You are AEON( and you keep facts in mind|. Remember what the user tells you|. Answer from the talk).",
    "(Remember|Keep in mind|Note) what the user (tells you|says).", "Answer from the talk."]

_OPENING = ["(By the way|You should know|Listen|Remember|Please remember|Note|For your notes|Just so you know|One thing|Keep in mind|A fact|Another thing|Also|Oh, and|Please note|FYI): {it}",
            "(By the way|Well|So|Hey|AEON|Also|And|You know|Oh|Okay|Anyway), {it}",
            "(One thing to know|Another fact): {it}"]
_CLOSING = ["{it} (Please remember that|Remember that|Keep that in mind|Don't forget it|Note that|Please keep it|I thought you should know|That is all|Just so you know|Okay)(.|!|)", "{it} (Can|Could|Will) you remember that?", "{it} (Write that down|Store that), please."]
_CHATTER = [
    "It (was|has been) a (long|quiet|busy|strange|good|slow|bad) (day|week|morning|evening).",
    "The weather is (so |very |really |)(nice|bad|grey|cold|hot|lovely|strange) (today|again|now).",
    "I am (a bit |so |quite |really |)(tired|busy|hungry|bored|happy|glad) (today|now|again|at the moment).",
    "(There is|I have) (so much|a lot|too much) to do (today|this week|these days).",
    "(Everything|All) is (fine|good|calm|as usual|okay) here.",
    "I (just |)(came home|got up|finished work|had a coffee|took a walk) (a while ago|an hour ago|early today|late today).",
    "(Life|Time|The week) (goes by|passes|runs) (quickly|slowly|so fast).",
    "(It is|It's) (raining|snowing|late|early|dark|loud outside|quiet here)( again|).",
    "(I don't know|Who knows) what (to do|comes next|tomorrow brings).",
    "(Nothing|Not much) (new|special|happened) (today|this week|here).",
    "(The bus was late|The kitchen is a mess|The neighbours are loud|The coffee is cold|The sun is out)( again| today|).", "I (like|enjoy|love) (talking|chatting|writing) (to|with) you.", "(Let us|Let's) (talk|chat) a (bit|little|while).", "What a (day|week|morning) it was.",
]
_JOINED = ["{a}, (and|and also|but|and then|and by the way) {b}.", "{a} and {b}.", "{a}. {b}.", "{a}; {b}.",
           "{a} - {b}.",
           "{a}. (Also|And|By the way|Oh, and|Besides|Another thing|Further|Then again|One more thing), {b}.",
           "{a}. (Another thing|One more thing|More|Next|Second|And also|And this): {b}."]

# What small talk must not touch, lest it tell a fact or answer a question by accident.
_CLASHING = re.compile(r"\b(read|travel|fl[yi]|flew|go|going|went|gone|drove|driv|learn|stud|play|practis|borrow|lent|lend|"
                       r"bought|buy|cost|paint|breakfast|have|at|on \w+day|met|saw|spoke|talked|born|favourite)", re.I)


def small(text):
    """The text for the middle of a sentence."""
    return text if re.match(r"I\b|AEON", text) else text[:1].lower() + text[1:]


def listed(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


_TRIES = 50  # to find a new value; a list may be too short

# ---- the memory of one talk ------------------------------------------------------------------------


class Memory:
    """The facts of a talk in the order of telling; its methods write exchanges about them."""

    def __init__(self, talk):
        self.talk, self.rng, self.held_out = talk, talk.rng, talk.held_out
        self.facts, self.people, self.asked = {}, [ME], None

    def _say(self, phrases, **slots):
        return say(self.rng, phrases, slots, self.held_out)

    def _exchange(self, user, answer, check=None):
        self.talk.user(casual(self.rng, user))
        self.talk.answer(answer, check)

    # -- making facts --

    def _person(self, kind):
        """Whose fact it becomes: people who were spoken of come back."""
        group = self.rng.choice(kind.whose)
        known = [p for p in self.people if p.group == group]
        if known and self.rng.random() < 0.6:
            return self.rng.choice(known)
        person = somebody(self.rng, group, self.held_out)
        return next((p for p in known if p.key == person.key), person)

    def _value(self, kind):
        """A value that the talk doesn't hold yet."""
        taken = {value for fact in self.facts.values() for value in (fact.value, *fact.past)}
        for _ in range(_TRIES):
            value = value_of(self.rng, kind.values, self.held_out)
            if value not in taken:
                return value
        return made_up(self.rng)

    def _unknown(self):
        """A fact that was not told; often one much like another that was."""
        rng, known = self.rng, list(self.facts.values())
        while True:
            like = rng.choice(known) if known and rng.random() < 0.5 else None
            kind = like.kind if like else rng.choice(FACT_KINDS)
            person = like.person if like and rng.random() < 0.5 else self._person(kind)
            fact = Fact(kind, person, kind.noun(rng, self.held_out), self._value(kind))
            if fact.key not in self.facts:
                return fact

    def learn(self):
        """A new fact, kept."""
        fact = self._unknown()
        self.facts[fact.key] = fact
        if fact.person not in self.people:
            self.people.append(fact.person)
        return fact

    def _rivals(self, *facts):
        """Values that a right answer about these facts doesn't hold."""
        said = " ".join(fact.yours() for fact in facts).lower()
        cores = {f.core() for f in self.facts.values() if f not in facts and f.kind.values in
                 [fact.kind.values for fact in facts]} | {
                     core(old) for fact in facts for old in fact.past}
        return sorted(value for value in cores if value.lower() not in said)

    # -- telling --

    def _told(self, fact):
        if self.rng.random() < 0.25:
            return sentence(fact.mine())
        return self._say(fact.kind.tells, **fact.slots(fact.person.me))

    def _telling(self, facts):
        """The facts in one message, maybe amid chatter."""
        rng, text = self.rng, self._told(facts[0])
        for fact in facts[1:]:
            text = self._say(_JOINED, a=text.rstrip("."), b=small(self._told(fact)).rstrip("."))
        text = re.sub(r"\. ([a-z])", lambda m: ". " + m.group(1).upper(), text)
        if rng.random() < 0.25:
            text = self._say(_OPENING, it=small(text))
        elif rng.random() < 0.15:
            text = self._say(_CLOSING, it=text)
        if rng.random() < 0.15:
            text = self._say(_CHATTER) + " " + text
        if rng.random() < 0.12:
            text += ("" if text[-1] in ".!?" else ".") + " " + self._say(_CHATTER)
        return text

    def tell(self, acknowledged=True, most=3):
        """One fact, or a few in one message, which AEON repeats (or just takes in)."""
        facts = [self.learn() for _ in range(min(most, self.rng.choice((1, 1, 1, 1, 2, 2, 3))))]
        answer = " ".join([f"Nice to meet you, {f.value}!" for f in facts if f.kind.key == "name"])
        rest = [f.yours() for f in facts if f.kind.key != "name"]
        if rest:
            answer = f"{answer} Noted: {listed(rest)}.".strip()
        if not acknowledged:
            answer = expand(self.rng, "(I see|Good to know|All right).")
        self._exchange(self._telling(facts), answer, holds(*[f.core() for f in facts]))

    def tell_before(self, n):
        """Facts of earlier talks in the system message."""
        facts = [self.learn().users() for _ in range(n)]
        mark = self.rng.choice((" ", "\n", "\n- "))
        self.talk.system(expand(self.rng, "(|You are AEON. |You are AEON, a private companion. )") +
                         self._say(_TOLD_BEFORE) + "".join(mark + fact for fact in facts))

    def correct(self, acknowledged=True):
        """The user changes a fact."""
        fact = self.rng.choice(list(self.facts.values()))
        old, value = fact.value, self._value(fact.kind)
        fact.past.append(old)
        fact.value = value
        text = self._say(_CORRECT, new=fact.mine(), old=old, value=value)
        self._exchange(text, f"Corrected: {fact.yours()}." if acknowledged else "I see.",
                       holds(fact.core()))
        return fact

    # -- asking --

    def _question(self, fact):
        """A question about the fact, in one of three forms, dressed up now and then."""
        rng, kind, forms = self.rng, fact.kind, fact.person.me
        if fact.person in self.people and rng.random() < 0.5:
            forms = fact.person.short
        slots = fact.slots(forms)
        roll = rng.random()
        if roll < 0.45:
            text = self._say(kind.asks, **slots)
        elif roll < 0.72:
            text = self._say(_ASK_WH, wh=expand(rng, rng.choice(kind.wh), slots))
        else:
            text = self._say(_ASK_NAME, np=expand(rng, rng.choice(kind.names), slots))
        return self._say(_ASK_DRESSED, q=small(text)) if rng.random() < 0.15 else text

    def _answer_told(self, text, fact):
        self.asked = fact
        self._exchange(text, sentence(fact.yours()),
                       holds(fact.core(), lacks=self._rivals(fact)))

    def _answer_never_told(self, text, fact):
        self._exchange(text, f"You have not told me {fact.wh()}.",
                       {"matches": [r"(not|never|n't)( yet| ever)? (told|said|mentioned)|(don't|do not) know"]})

    def ask(self, fact=None):
        """What is it? Now and then the message also tells another fact, or leaves most words out."""
        rng, facts = self.rng, list(self.facts.values())
        akin = [f for f in facts if self.asked and f.kind is self.asked.kind and
                f.what == self.asked.what and f is not self.asked]
        if akin and not fact and rng.random() < 0.4:
            fact = rng.choice(akin)
            return self._answer_told(self._say(_ASK_ELLIPTIC, who=fact.person.object(rng)), fact)
        fact = fact or rng.choice(facts)
        text = self._question(fact)
        if rng.random() < 0.06:
            text = self._telling([self.learn()]).rstrip(".!?") + ". " + text
        return self._answer_told(text, fact)

    def ask_corrected(self):
        if not any(fact.past for fact in self.facts.values()):
            self.correct()
            for _ in range(self.rng.choice((0, 0, 1, 2))):
                self.rng.choice((self.ask, self.chat, self.tell))()
        self.ask(self.rng.choice([fact for fact in self.facts.values() if fact.past]))

    def _claim(self, fact, value):
        """Is it this value?"""
        slots = fact.slots(fact.person.me, value)
        if self.rng.random() < 0.5:
            return self._say(fact.kind.checks, **slots)
        return self._say(_CLAIMS, it=expand(self.rng, fact.kind.sentence, slots))

    def _false_value(self, fact):
        """A wrong value: an old one, another fact's, or a new one."""
        others = [f.value for f in self.facts.values()
                  if f is not fact and f.kind.values == fact.kind.values]
        if fact.past and self.rng.random() < 0.5:
            return self.rng.choice(fact.past)
        if others and self.rng.random() < 0.5:
            return self.rng.choice(others)
        return self._value(fact.kind)

    def ask_yes_no(self):
        fact, is_true = self.rng.choice(list(self.facts.values())), self.rng.random() < 0.5
        text = self._claim(fact, fact.value if is_true else self._false_value(fact))
        yes = "Yes" if is_true else "No"
        self.asked = None
        self._exchange(text, f"{yes}, {fact.yours()}.", {"matches": [rf"^{yes}\b"]})

    def ask_unknown(self):
        fact, self.asked = self._unknown(), None
        text = self._claim(fact, fact.value) if self.rng.random() < 0.15 else self._question(fact)
        self._answer_never_told(text, fact)

    def ask_two(self):
        while len(self.facts) < 2:
            self.tell()
        rng, self.asked = self.rng, None
        a, b = facts = rng.sample(list(self.facts.values()), 2)
        if rng.random() < 0.25:
            first, then = (self._say(f.kind.asks, **f.slots(f.person.me)) for f in facts)
            text = first + " " + self._say(_AND_ASK, q=small(then))
        else:
            indirect = [expand(rng, rng.choice(rng.choice((f.kind.wh, f.kind.names))),
                               f.slots(f.person.me)) for f in facts]
            text = self._say(_ASK_TWO, a=indirect[0], b=indirect[1])
        self._exchange(text, f"{sentence(a.yours())[:-1]}, and {b.yours()}.",
                       holds(a.core(), b.core(), lacks=self._rivals(a, b)))

    def ask_all(self):
        """All that is known, about the user and his people or about one of them."""
        person = self.rng.choice(self.people)
        facts = [f for f in self.facts.values() if person is ME or f.person is person]
        if len(facts) > 5:
            return self.ask()
        text = self._say(_ASK_ALL, who=person.object(self.rng))
        self._exchange(text, sentence(listed([f.yours() for f in facts])), holds(*[f.core() for f in facts]))

    # -- other things --

    def chat(self):
        """Small talk that tells no fact."""
        messages = self.talk.messages
        begin = len(messages)
        while True:
            if self.rng.random() < 0.4:
                small_talk.row(self.talk, about.ABOUT)
            else:
                small_talk.exchange(self.talk)
            if not any(_CLASHING.search(m["content"]) for m in messages[begin::2]):
                return
            del messages[begin:]


# ---- talks -----------------------------------------------------------------------------------------

_LAST = {"fact told": Memory.ask, "fact corrected": Memory.ask_corrected,
         "fact yes or no": Memory.ask_yes_no, "fact never told": Memory.ask_unknown,
         "two facts": Memory.ask_two}
_MIDDLE = [Memory.tell, Memory.correct, Memory.ask, Memory.ask_yes_no, Memory.ask_unknown, Memory.ask_two,
           Memory.ask_all, Memory.chat]
_DENSE = (22, 8, 26, 16, 8, 6, 3, 4)
_WITH_GAPS = (12, 4, 10, 5, 3, 2, 1, 40)


def write(talk, kind):
    """Facts are told, asked and corrected, with or without long gaps of small talk; then comes the
    question of this kind."""
    rng, memory = talk.rng, Memory(talk)
    if rng.random() < 0.2:
        memory.tell_before(rng.randint(1, 4))
    elif rng.random() < 0.3:
        talk.system(say(rng, _SYSTEM, None, talk.held_out))
    if rng.random() < 0.15:
        memory.chat()
    if not memory.facts or rng.random() < 0.5:
        memory.tell()
    weights, length = (_WITH_GAPS, 1500) if rng.random() < 0.25 else (_DENSE, 1200)
    length = rng.randint(200, length)
    while talk.n_chars() < length:
        rng.choices(_MIDDLE, weights)[0](memory)
    _LAST[kind](memory)
