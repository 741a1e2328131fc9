"""tools.py - calls of tools that the system message gives as JSON, and what comes of them.

Which tool fits and which values to copy follows from the request; how tool and parameters are
called is decided by the schema alone, which names them anew in every talk. What a tool gave back is
told in one sentence. A request that no tool fits is declined.
"""

import check
import small_talk
from phrases import casual, fill, is_kept, say
from tools_table import TOOLS
from words import made_up

KINDS = {"tool call": 45, "tool answer": 15, "no tool": 40}

_SYSTEM = [
    "You are AEON(, a helpful companion|). "
    "(You have|You can use|Use) (these |the following |some |)tools.",
    "(You are a|Be a) (helpful|friendly) (assistant|companion) with (these |some |)tools.",
    "You are AEON.",
    "(Use|Call) (the |these |your |)tools (when they fit|where they help|if one fits).",
    "~You may call tools.",
]
_JOINTS = ["{a}, and {b}", "{a}, then {b}", "{a} and {b}", "{a}. Also {b}", "{a}. And {b}",
           "{a}, and also {b}", "{a}, (next|afterwards|later|plus) {b}", "~{a}, after that {b}"]
_NEW_NAMES = 0.3  # so many names are words that nobody knows: they can only be copied
_NONE = "None of my tools can do that."
_ERRORS = ("no network|not found|access denied|time out|device is off|battery is low|"
           "service is busy|not allowed").split("|")


class Offer:
    """A tool as one talk names it."""

    def __init__(self, rng, held_out, tool):
        self.tool, self.rng, self.held_out = tool, rng, held_out
        self.name = self._one_name(tool.names.split())
        self.keys = {}
        for slot in rng.sample(list(tool.parameters), len(tool.parameters)):
            names = tool.parameters[slot].names.split()
            self.keys[slot] = self._one_name([n for n in names if n not in self.keys.values()])

    def _one_name(self, names):
        """One of the names, in one of two styles; one in eight is kept for held-out talks. In
        training some names are made up, so that all have to be read."""
        if not self.held_out and self.rng.random() < _NEW_NAMES:
            names = ["_".join(made_up(self.rng).lower() for _ in range(self.rng.randint(1, 2)))]
        found = [style for name in names for style in (name, _camel(name))]
        fitting = [name for name in found if is_kept(name) == self.held_out]
        return self.rng.choice(fitting or found)

    def schema(self):
        parameters = {}
        for slot, key in self.keys.items():
            parameter = self.tool.parameters[slot]
            parameters[key] = {"type": parameter.type, "description": parameter.about}
        return {"name": self.name, "description": self.tool.about, "parameters": parameters}

    def request(self):
        """A request in words, and its values by slot."""
        words = say(self.rng, self.tool.asks, None, self.held_out)
        values = {}
        for slot, parameter in self.tool.parameters.items():
            if "{" + slot + "}" in words:
                values[slot] = _draw(parameter, self.rng, self.held_out, values.values())
        return _casual(self.rng, words, values), values

    def call(self, values):
        """The call, its arguments in the order of the schema."""
        return {"name": self.name, "arguments": {
            key: values[slot] for slot, key in self.keys.items() if slot in values}}

    def outcome(self, values):
        """What the tool gives back, how it is told, and what the telling must hold."""
        if self.rng.random() < 0.1:
            error = self.rng.choice(_ERRORS)
            return {"error": error}, f"That did not work: {error}.", [error]
        result = self.tool.result
        if callable(result):
            result = result(values)
        else:
            result = {slot: p.value(self.rng, self.held_out) for slot, p in result.items()}
        told = fill(self.tool.says, {k: str(v) for k, v in {**values, **result}.items()})
        held = [str(v) for v in (result or values).values() if str(v) in told]
        return result or {"status": "ok"}, told[:1].upper() + told[1:], held


def _camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _draw(parameter, rng, held_out, taken):
    while True:
        value = parameter.value(rng, held_out)
        if value not in taken:
            return value


def _casual(rng, words, values):
    """The request with its values, roughened as long as no value suffers."""
    slots = {slot: str(value) for slot, value in values.items()}
    text = fill(words, slots)
    rough = casual(rng, text)
    return rough if all(value in rough for value in slots.values()) else text


class Desk:
    """The tools of one talk and what is asked of them."""

    def __init__(self, talk):
        self.talk, self.rng = talk, talk.rng
        tools = self.rng.sample(TOOLS, self.rng.choice((2, 2, 2, 3, 3, 3, 4)))
        self.offers = [Offer(self.rng, talk.held_out, tool) for tool in tools]
        talk.system(say(self.rng, _SYSTEM, None, talk.held_out), [o.schema() for o in self.offers])
        self.made = []

    def call(self):
        """A request for one tool, or now and then for two."""
        n = 2 if self.rng.random() < 0.15 else 1
        offers = self.rng.sample(self.offers, min(n, len(self.offers)))
        requests = [offer.request() for offer in offers]
        self.talk.user(self._join(requests))
        self.made = [(offer, values) for offer, (_, values) in zip(offers, requests)]
        self.talk.call([offer.call(values) for offer, values in self.made])

    def _join(self, requests):
        """One request, or two in one message; no value loses its capital."""
        (a, _), *rest = requests
        if not rest:
            return a
        b, values = rest[0]
        small = b if b[:2] == "I " else b[:1].lower() + b[1:]
        if all(str(value) in small for value in values.values()):
            b = small
        return fill(say(self.rng, _JOINTS, None, self.talk.held_out), {"a": a.rstrip(".?"), "b": b})

    def answer(self):
        """The results of the call, told."""
        outcomes = [offer.outcome(values) for offer, values in self.made]
        results = [result for result, _, _ in outcomes]
        self.talk.result(check.dump(results[0] if len(results) == 1 else results))
        held = [text for _, _, texts in outcomes for text in texts]
        self.talk.answer(" ".join(told for _, told, _ in outcomes), check.holds(*held))

    def decline(self):
        """A request for a tool that is not here, nor anything like it."""
        groups = {offer.tool.group for offer in self.offers}
        tool = self.rng.choice([t for t in TOOLS if t.group not in groups])
        self.talk.user(Offer(self.rng, self.talk.held_out, tool).request()[0])
        self.talk.answer(_NONE, {"matches": ["none of my tools"]})


def write(talk, kind):
    desk = Desk(talk)
    for _ in range(talk.rng.choice((0, 1, 2, 2, 3, 4))):
        roll = talk.rng.random()
        if roll < 0.06:
            small_talk.exchange(talk)
        elif roll < 0.5:
            desk.decline()
        else:
            desk.call()
            desk.answer()
    if kind == "no tool":
        desk.decline()
    else:
        desk.call()
        if kind == "tool answer":
            desk.answer()
