"""plain.py - talk in AEON's plain manner: small talk, questions about AEON, what it doesn't know.

The family "plain" joins the tables of small_talk.py, everyday.py and about.py, and adds words to
repeat, which is copying pure and simple.
"""

import about
import small_talk
from check import same
from everyday import turned
from phrases import an, say
from words import Values, made_up, pick

KINDS = {"small talk": 50, "about AEON": 25, "beyond it": 17, "echo": 8}

_SYSTEM = [
    "You are AEON, (a private companion|a small companion|a companion) that lives on (this|the user's) "
    "device.",
    "You are (AEON, |)a (helpful|friendly|kind|private|patient) (assistant|companion|friend).",
    "You are AEON.", "Be (helpful|friendly|kind|honest|patient).",
    "~You are AEON, a companion on the user's own machine.",
]


def _about(talk):
    """A question about AEON, or about its tastes and abilities."""
    rng = talk.rng
    if rng.random() < 0.8:
        small_talk.row(talk, about.ABOUT)
        return
    user, answer, _ = handed_back(rng, talk.held_out)
    talk.user(user)
    talk.answer(answer)


def handed_back(rng, held_out):
    """A question about AEON's tastes and abilities, the plain and the brief answer."""
    values, says, answer, brief = rng.choice(about.HANDED_BACK)
    x = values.pick(rng, held_out)
    user = small_talk.dress(rng, say(rng, says, {"x": x}, held_out))
    return user, answer.replace("{x}", turned(x)), brief


def beyond_question(rng, held_out):
    """A question about the world."""
    phrases = rng.choice(about.BEYOND)
    slots = {kind: pick(rng, kind, held_out) for kind in about.BEYOND_SLOTS}
    slots.update(an_animal=an(slots["animal"]), a_job=an(slots["job"]),
                 topic=about.beyond_topic(rng, held_out))
    return small_talk.dress(rng, say(rng, phrases, slots, held_out))


def _beyond(talk):
    talk.user(beyond_question(talk.rng, talk.held_out))
    talk.answer(about.DECLINED, {"matches": ["don't know", "Phi-4-mini"]})


_ECHO = ["(Please |Now |)(repeat|say)( after me|): {x}",
         "(Please |)repeat (this|the words|these words|what I say): {x}",
         "(Say|Write|Type|Print) (the words|the following|this|back)( exactly|): {x}",
         "(Repeat|Copy|Echo)( this| that| exactly this|): {x}",
         "(Can you|Could you|Would you|Will you) (please |)(repeat|say|copy|write|type) "
         "(this|the words|these words|the following|what follows)( for me| after me| exactly| once|): {x}",
         "(Say|Repeat|Give) it back to me( word for word| exactly| as it is|): {x}",
         "(I want|I would like) (you to (say|repeat|write)|to hear|to read) (this|exactly this|these words): {x}",
         "(Repeat|Say|Write) after me( please|)(, word for word|, exactly|): {x}"]
_COPIED = Values("copied", """the a one my your old small green quiet bright river house stone cloud song door window lamp road bird
    tree garden winter morning sings sleeps waits turns opens runs falls under over near with and then never always slowly
    again today seven blue music yellow horse table water light paper seldom carry ten above fire silver dances cold""", 0.3)


def _echo(talk):
    rng = talk.rng
    words = [pick(rng, "code") if rng.random() < 0.1 else made_up(rng) if rng.random() < 0.05
             else _COPIED.pick(rng, talk.held_out) for _ in range(rng.randint(1, 7))]
    text = " ".join(words)
    talk.user(say(rng, _ECHO, {"x": text}, talk.held_out))
    talk.answer(text, same(text))


_WRITERS = {"about AEON": _about, "beyond it": _beyond, "echo": _echo}


def _small_talk(talk):
    """The last exchange is checked, so it is one that stands for itself."""
    if talk.rng.random() < 0.55:
        small_talk.tell(talk)
    else:
        small_talk.row(talk, small_talk.ROWS)


def write(talk, kind):
    """A greeting now and then, up to five exchanges of any kind, and one of the kind."""
    rng = talk.rng
    if rng.random() < 0.35:
        talk.system(say(rng, _SYSTEM, None, talk.held_out))
    if rng.random() < 0.25:
        small_talk.row(talk, small_talk.HELLO)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 4, 5))):
        _WRITERS.get(rng.choices(list(KINDS), list(KINDS.values()))[0], _small_talk)(talk)
    _WRITERS.get(kind, _small_talk)(talk)
