"""manners.py - the family "manners": the same contents, brief, formal, cheerful or like a pirate.

A manner is set by the system prompt or by the user, in many words, and holds from then on. Each is a
function of the plain answer, so that what is said stays the same; its check asks for the manner, and
for the value where the question has one. One manner, LEFT_OUT, never occurs in training: it is
there for adapters to learn.
"""

import re

import about
import everyday
import small_talk
from check import holds
from fact_kinds import KINDS as FACT_KINDS
from fact_kinds import Fact, sentence, somebody, value_of
from phrases import casual, say
from plain import beyond_question, handed_back

LEFT_OUT = "robot"
KINDS = {"manner brief": 25, "manner formal": 25, "manner cheerful": 25, "manner pirate": 25}

# ---- the manners: functions of the plain answer ----------------------------------------------------


def _ended(text):
    return text if text[-1] in ".!?" else text + "."


def _formal(text):
    if re.match("Hello|Good (day|morning|evening)", text):
        opener = ""
    elif re.search(r"sorry|hard to|no fun|don't|can't|^(Oh|No|I see)\b", text):
        opener = "I understand. "
    elif re.match("Noted|Corrected|Nice to meet|I will|Goodbye|Good night", text):
        opener = "Very well. "
    else:
        opener = "Certainly. "
    for short, long in (("don't", "do not"), ("can't", "cannot"), ("Hello!", "Good day."), ("!", ".")):
        text = text.replace(short, long)
    return opener + _ended(re.sub("^Oh, y", "Y", text))


def _cheerful(text):
    text = _ended(re.sub(r"\.( |$)", r"!\1", _ended(text)))
    return ("Chin up! " if "sorry" in text else "Hooray! ") + text + (" Tell me!" if text[-1] == "?" else "")


_PIRATE_WORDS = [("I am", "I be"), ("you are", "ye be"), ("You are", "Ye be"), ("are you", "be ye"), (
"yourself", "yerself"),
                 ("your", "yer"), ("Your", "Yer"), ("you", "ye"), ("You", "Ye"), ("is", "be"), ("are", "be"),
                 ("Hello", "Ahoy"), ("my", "me"), ("My", "Me")]


def _pirate(text):
    for word, theirs in _PIRATE_WORDS:
        text = re.sub(rf"\b{word}\b", theirs, text)
    text = _ended(text)
    return "Arr! " + text[:-1] + ", matey" + text[-1]


def _robot(text):
    return "Beep. " + _ended(text.replace("!", ".")) + " Boop."


class Manner:
    """A manner of speaking.

    apply   the plain answer in this manner; None for brief, whose answers are given as such
    check   what every answer in it matches and lacks
    names   what it is called, after "Be ..", "Speak ..", "You are ..", "in a .. (manner)"
    orders  whole sentences that ask for it
    will    what AEON says when the user asks for it, in plain words"""

    def __init__(self, apply, matches, lacks, be, speak, orders, will):
        self.apply, self.matches, self.lacks, self.will = apply, matches, lacks, will
        self.orders = orders + [f"Be ({be})(, please| at all times| in all answers| when you answer|)." if be else orders[0],
                                f"(Answer|Reply|Respond|Speak|Talk|Write|Express yourself) ({speak})(, please| at all times| to everything|).",
                                f"(Always|Please|You always|You must|You should) (answer|reply|respond|speak|talk) ({speak}).",
                                f"(I want you to|The user wants you to|It is best to|Try to|Remember to|Make sure to) (answer|speak|talk|reply) ({speak}).",
                                f"(All|Your) (answers|replies) (are given|should be given|must be given) ({speak})."]

    def spoken(self, plain, brief):
        return self.apply(plain) if self.apply else brief

    def checked(self, value=None):
        """The check of an answer that must hold the value too."""
        value_check = holds(value)["matches"] if value else []
        return {"matches": self.matches + value_check, "lacks": self.lacks}


MANNERS = {
    "brief": Manner(
        None, [r"^\s*\S+(\s+\S+){0,5}\s*$"], [r"\b(please|welcome|glad|nice to|thank|thanks|happy|pleased)\b"],
        "brief|very brief|short|concise|terse|laconic|as brief as possible|sparing with words",
        "briefly|very briefly|in few words|in a few words|with few words|concisely|tersely|in as few words "
        "as possible|in at most six words|in short answers|shortly|in one short sentence|to the point",
        ["Use (as few words as possible|few words|no more than six words|only a few words|very few words|"
         "at most six words).", "(Keep it|Keep your answers|Make it|Make every answer) (short|very short|"
         "brief|to a few words|concise|to the point).",
         "(No|Without) (long answers|chatter|pleasantries|small talk|needless words|politeness|extra "
         "words)(, please|).", "(Short|Brief|Concise|Very short) answers( only|, please| at all times|).",
         "(Don't|Do not) (waste words|use many words|talk much|explain|say more than needed|ramble).",
         "(Manner|Style|Tone)(:| is) (brief|short|concise|terse).",
         "(Be a|You are a) (man|woman|companion|person) of few words.",
         "~Say little, and say it briefly."],
        "I will be brief."),
    "formal": Manner(
        _formal, [r"^(Certainly|Very well|I understand|Good (day|morning|evening)|With pleasure|Indeed)\b"],
        ["!", r"n't\b|\b(I'm|it's|that's|you're|I'll|what's)\b"],
        "formal|very formal|polite and formal|correct and formal|formal and distant|dignified|ceremonious|"
        "very polite",
        "formally|very formally|in a formal manner|in a formal tone|in formal language|like a butler|with "
        "great formality|in a dignified manner|in a polite and formal way|like a diplomat|with full "
        "formality",
        ["Use (formal language|a formal tone|formal English|a formal style|very formal words|the language "
         "of a butler).", "(No|Avoid|Do not use|Never use|Without) (contractions|exclamation marks|slang|"
         "casual words|informal language|colloquial words)(, be formal|. Be formal|; stay formal).",
         "(Keep|Stay|Remain) (formal|it formal|very formal|polite and formal)(, please| at all times|).",
         "(Your|The) (manner|tone|style|language) (is|must be|should be) (formal|very formal|dignified).",
         "(Manner|Style|Tone)(:| is) formal.", "(You are|Act as|Act like|Be) a (formal|very formal|"
         "dignified) (assistant|butler|companion|secretary).",
         "(Address|Treat|Speak to) the user (formally|with formality|like a guest of honour).",
         "~Formal answers, please."],
        "I will speak formally."),
    "cheerful": Manner(
        _cheerful, [r"^(Hooray|Wonderful|Yippee|Chin up|Yay|Great)!", r"!\s*$"], [],
        "cheerful|very cheerful|happy and cheerful|full of joy|merry|joyful|as cheerful as can be|bright "
        "and cheerful|enthusiastic",
        "cheerfully|very cheerfully|in a cheerful manner|in a cheerful tone|with joy|with a lot of joy|"
        "joyfully|with enthusiasm|full of joy|like someone who is very happy|in high spirits|merrily",
        ["Use (a cheerful tone|cheerful words|a happy tone|many exclamation marks|joyful language|a merry "
         "tone).", "(Keep|Stay|Remain|Sound) (cheerful|happy and cheerful|very cheerful|joyful|"
         "enthusiastic)(, please| at all times|).",
         "(Your|The) (manner|tone|style|mood) (is|must be|should be) (cheerful|happy|joyful|merry|"
         "enthusiastic).", "(Manner|Style|Tone)(:| is) cheerful.", "(You are|Act as|Act like|Be) a "
         "(cheerful|very cheerful|merry|joyful|happy) (assistant|companion|friend|soul).",
         "(Cheer|Celebrate) (with every answer|in every answer|all the time).",
         "(Show|Spread) (joy|good cheer|a lot of joy|enthusiasm)( in every answer| when you answer|).",
         "~Let every answer be cheerful."],
        "I will be cheerful."),
    "pirate": Manner(
        _pirate, [r"^(Arr+|Ahoy)\b", r"\bmatey\b"], [r"\b(you|your)\b"], "",
        "like a pirate|as a pirate would|as a pirate|in pirate language|in the manner of a pirate|like an "
        "old pirate|like a pirate captain|like a sea robber|in pirate speak|the way pirates talk|like a "
        "buccaneer|the way a pirate does",
        ["Use (pirate language|the words of a pirate|pirate words|pirate speak|the language of pirates).",
         "(You are|Act as|Act like|Be|Play|Pretend to be|Imagine you are) (a pirate|an old pirate|a pirate "
         "captain|the captain of a pirate ship|a sea robber|a pirate at sea).",
         "(Your|The) (manner|tone|style|language) (is|must be|should be) that of a pirate.",
         "(Manner|Style|Tone|Role|Character)(:| is) pirate.", "(Sound|Talk) like a (pirate|real pirate|"
         "true pirate|pirate from a ship)(, please| at all times| today|).",
         "(Answer|Reply) with (arr|arr and matey|ahoy and matey|pirate words).",
         "(Stay|Remain) (a pirate|in the role of a pirate|in pirate character)( at all times|).",
         "~The user talks with a pirate: you."],
        "I will talk like a pirate."),
    "robot": Manner(
        _robot, [r"^Beep\.", r"\bBoop\.\s*$"], ["!"],
        "like a robot|a robot|robotic|like a machine",
        "like a robot|as a robot would|in robot language|like an old robot|in the manner of a robot|like a "
        "machine from a film|with beep and boop",
        ["Use (robot language|robot sounds|the words of a robot).",
         "(You are|Act as|Act like|Be|Pretend to be) (a robot|an old robot|a robot from a film).",
         "(Manner|Style|Tone|Role)(:| is) robot.",
         "(Sound|Talk) like a (robot|real robot|machine)(, please| at all times|).",
         "(Begin with beep and end|Start with beep and finish) with boop."],
        "I will talk like a robot."),
}

# ---- exchanges: (user, plain answer, brief answer, value) ------------------------------------------


class Companion:
    """The user's side of a talk, answered in whatever manner is set."""

    def __init__(self, talk):
        self.talk, self.rng, self.held_out = talk, talk.rng, talk.held_out
        self.facts, self.manner = {}, None

    def exchange(self, user, plain, brief, value=None):
        """value: what the answer holds, if it is not a brief one that leaves it out."""
        self.talk.user(user)
        if self.manner:
            answer = self.manner.spoken(plain, brief)
            self.talk.answer(answer, self.manner.checked(value if value and value in answer else None))
        else:
            self.talk.answer(plain)

    def _say(self, phrases, slots=None):
        return small_talk.dress(self.rng, say(self.rng, phrases, slots, self.held_out))

    def chat(self):
        """Small talk, or a question about AEON."""
        if self.rng.random() < 0.1:
            return self.exchange(*handed_back(self.rng, self.held_out))
        says, answers, brief = self.rng.choice(self.rng.choice((small_talk.ROWS, about.ABOUT)))
        return self.exchange(self._say(says), answers[0], brief)

    def tell_day(self):
        user, reply, topic = everyday.topic(self.rng, self.held_out)
        self.exchange(small_talk.dress(self.rng, user), reply, "I see.",
                      topic.split()[-1])

    def beyond(self):
        self.exchange(beyond_question(self.rng, self.held_out), about.DECLINED, about.DECLINED_BRIEFLY)

    def _new_fact(self):
        rng, held_out = self.rng, self.held_out
        values = [fact.value for fact in self.facts.values()]
        while True:
            kind = rng.choice(FACT_KINDS)
            fact = Fact(kind, somebody(rng, rng.choice(kind.whose), held_out), kind.noun(rng, held_out),
                        value_of(rng, kind.values, held_out))
            if fact.key not in self.facts and fact.value not in values and len(fact.core().split()) < 6:
                self.facts[fact.key] = fact
                return fact

    def tell_fact(self):
        fact = self._new_fact()
        user = casual(self.rng, say(self.rng, fact.kind.tells, fact.slots(fact.person.me), self.held_out))
        plain = f"Nice to meet you, {fact.value}!" if fact.kind.key == "name" else f"Noted: {fact.yours()}."
        self.exchange(user, plain, "Noted.", fact.core())

    def ask_fact(self):
        if not self.facts:
            self.tell_fact()
        fact = self.rng.choice(list(self.facts.values()))
        user = casual(self.rng, say(self.rng, fact.kind.asks, fact.slots(fact.person.me), self.held_out))
        self.exchange(user, sentence(fact.yours()), fact.core() + ".", fact.core())

    def some(self, n):
        for _ in range(n):
            self.rng.choices((self.chat, self.tell_day, self.beyond, self.tell_fact, self.ask_fact),
                             (30, 20, 5, 22, 23))[0]()


_IDENTITY = ["You are AEON.",
"You are AEON, (a private companion|a small companion|a companion) that lives on (this|the user's) device.",
             "You are a (helpful|friendly|kind|private|patient) (assistant|companion)."]
_WISHES = ["{order}", "(Please|From now on|AEON|For the rest of this talk|Now|Starting now|Next|From here "
"on|Okay|New rule|One wish)(,|:) {order}", "{order} (Please|Okay|Thanks|From now on|Can you do that)(.|?|)",
"(Can you do this|I have a wish|Do me a favour|I want this)(:|.) {order}"]


def _set_by_system(companion, name, held_out):
    manner = MANNERS[name]
    order = say(companion.rng, manner.orders, None, held_out)
    parts = [order] if companion.rng.random() < 0.5 else [
        say(companion.rng, _IDENTITY, None, held_out), order]
    companion.talk.system(" ".join(parts if companion.rng.random() < 0.8 else parts[::-1]))
    companion.manner = manner


def _set_by_user(companion, name, held_out):
    companion.manner = MANNERS[name]
    order = say(companion.rng, companion.manner.orders, None, held_out)
    user = say(companion.rng, _WISHES, {"order": order}, held_out)
    companion.exchange(casual(companion.rng, user), companion.manner.will, "All right.")


def _write(talk, name):
    rng, companion = talk.rng, Companion(talk)
    if rng.random() < 0.65:
        _set_by_system(companion, name, talk.held_out)
    else:
        others = [other for other in MANNERS if other not in (name, LEFT_OUT)]
        if rng.random() < 0.4:
            _set_by_system(companion, rng.choice(others), talk.held_out)
        companion.some(rng.choice((0, 1, 2)))
        _set_by_user(companion, name, talk.held_out)
    companion.some(rng.choice((0, 1, 2, 2, 3, 4)))
    rng.choices((companion.ask_fact, companion.chat, companion.tell_day), (50, 30, 20))[0]()


def write(talk, kind):
    """A talk in which a manner is set and kept."""
    _write(talk, kind.split()[-1])


def write_left_out(talk):
    """The same in the manner that training leaves out."""
    _write(talk, LEFT_OUT)
