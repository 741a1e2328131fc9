"""facts.py - facts the user tells, asked later: the family that a companion stands or falls with.

Each kind of fact is one row: a sentence about it, the same as an indirect question, and ways to
tell and to ask. {my}, {i} and {am} are filled for the speaker ("my sister" / "your sister"), {v} is
the value and {av} the value with its article.
"""

from phrases import an, casual, choose, expand, say
from words import pick


class Kind:
    """One kind of fact."""

    def __init__(self, key, values, sentence, wh, asks, check, tells=()):
        self.key, self.values, self.sentence, self.wh = key, values, sentence, wh
        self.asks, self.check, self.tells = asks, check, list(tells)


def _valued(values):
    return "the {v}" if values == "animal" else "{v}"


def _favourite(what, values):
    v = _valued(values)
    return Kind(f"favourite {what}", values, "{my} favourite " + what + " is " + v,
                "what {my} favourite " + what + " is",
                [f"(What|Which) is my favourite {what}?",
                 f"(Which|What) {what} do I (like|love) (best|most)?",
                 f"(Tell|Give) me the {what} I like (best|most).",
                 f"My favourite {what}(, what is it| is|, please)?",
                 f"~(Tell me|Name) my favourite {what}."],
                f"Is {v} my favourite {what}?",
                [f"(My favourite {what} is|The {what} I like (best|most) is) {v}.",
                 f"I love {v}, it is my favourite {what}.",
                 f"~Of all things {v} is my favourite {what}."])


def _relative(who):
    values = "first_name"
    return Kind(who, values, "{my} " + who + " is called {v}", "what {my} " + who + " is called",
                [f"What is my {who} called?", f"What is my {who}'s name?",
                 f"(Tell me|Say|Give me) (the name of my {who}|my {who}'s name).",
                 f"What name does my {who} have?", f"My {who}(, what is (his|her) name| is called)?",
                 f"What is the name of my {who}?", f"~How is my {who} called?"],
                f"Is my {who} called {{v}}?",
                [f"My {who}'s name is {{v}}.", f"My {who} is called {{v}}.",
                 f"I have a {who} called {{v}}.", f"~The name of my {who} is {{v}}."])


def _pet(what):
    kind = _relative(what)
    kind.values = "pet_name"
    kind.tells += [f"I have a {what}(, its name is| named| called) {{v}}.",
                   f"We have got a {what} and (he|she) is called {{v}}."]
    return kind


def _relatives_favourite(who, what, values):
    v = _valued(values)
    return Kind(f"{who} favourite {what}", values,
                "{my} " + who + "'s favourite " + what + " is " + v,
                "what {my} " + who + "'s favourite " + what + " is",
                [f"What is my {who}'s favourite {what}?", f"Which {what} does my {who} like best?",
                 f"~Which is the favourite {what} of my {who}?"],
                f"Is {v} my {who}'s favourite {what}?",
                [f"My {who}'s favourite {what} is {v}.",
                 f"~The {what} my {who} likes best is {v}."])


def _event(what):
    return Kind(f"{what} day", "day", "{my} " + what + " is on {v}", "when {my} " + what + " is",
                [f"When (is|do I have) my {what}?", f"When was my {what}( again|)?",
                 f"(Tell me|Give me) the day of my {what}.", f"My {what} is when?", f"(On which|What) day is my {what}?",
                 f"~Which day was my {what} again?"],
                f"Is my {what} on {{v}}?",
                [f"My {what} is on {{v}}.", f"I have (a|my) {what} on {{v}}.",
                 f"On {{v}} I have (a|my) {what}.", f"~There is a {what} for me on {{v}}."])


def _hour(what):
    return Kind(f"{what} hour", "time", "{my} " + what + " is at {v}",
                "at what time {my} " + what + " is",
                [f"(At what|What) time is my {what}?", f"(Tell|Give) me the time of my {what}.",
                 f"When does my {what} (start|begin)?", f"~At which hour is my {what}?"],
                f"Is my {what} at {{v}}?",
                [f"My {what} is at {{v}}.", f"At {{v}} I have (a|my) {what}.",
                 f"~My {what} starts at {{v}}."])


def _number(what, values):
    return Kind(what, values, "{my} " + what + " is {v}", "what {my} " + what + " is",
                [f"What is my {what}?", f"(Tell|Give) me my {what}.", f"What was my {what}( again|)?",
                 f"Which {what} (did I give you|do I have)?",
                 f"~Can I have my {what} back?"],
                f"Is my {what} {{v}}?",
                [f"My {what} is {{v}}.", f"{{v}} is my {what}.",
                 f"(Please remember|Note) my {what}: {{v}}.", f"~My {what} would be {{v}}."])


def _thing_place(what, verb):
    it = "them" if verb == "are" else "it"
    return Kind(f"{what} place", "place", "{my} " + what + f" {verb} in the {{v}}",
                "where {my} " + what + f" {verb}",
                [f"Where {verb} my {what}?", f"Where did I (put|leave) my {what}?",
                 f"Where can I find my {what}?", f"I am looking for my {what}.",
                 f"I can't find my {what}.", f"Have you seen my {what}?",
                 f"~In which place {verb} my {what}?"],
                f"{'Are' if verb == 'are' else 'Is'} my {what} in the {{v}}?",
                [f"I (put|left) my {what} in the {{v}}.", f"My {what} {verb} in the {{v}}.",
                 f"~I took my {what} and put {it} in the {{v}}."])


def _thing_colour(what):
    return Kind(f"{what} colour", "colour", "{my} " + what + " is {v}",
                "what colour {my} " + what + " is",
                [f"(What|Which) colour is my {what}?", f"What is the colour of my {what}?",
                 f"What colour (does my {what} have|did I say my {what} is)?",
                 f"(Tell|Give) me the colour of my {what}.",
                 f"~My {what} is of which colour?"],
                f"Is my {what} {{v}}?",
                [f"My {what} is {{v}}.", f"I have a {{v}} {what}.",
                 f"~The colour of my {what} is {{v}}."])


_PERSONAL = [
    Kind("name", "first_name", "{my} name is {v}", "what {my} name is",
         ["What is my name?", "Who am I?", "(How|What) am I called?", "What do (people|you) call me?",
          "(Do you|You do) know my name?", "You know who I am, right?", "What did I say my name was?",
          "(Say|Tell me) my name(, please|).", "~By which name do you know me?",
          "~What was my name again?"],
         "Is my name {v}?",
         ["(Hello|Hi|Hey|)(, |) my name is {v}.", "I am {v}.", "(You can|Please) call me {v}.",
          "I am called {v}.", "People call me {v}.", "(Hi|Hello), I am {v}.",
          "~The name is {v}.", "~My friends call me {v}."]),
    Kind("city", "city", "{i} live in {v}", "where {i} live",
         ["Where do I live?", "Where am I living( now|)?", "What is my (city|town)?", "(In which|Which|What) (city|town) do I live( in|)?",
          "~Where is my home?"],
         "Do I live in {v}?",
         ["I live in {v}.", "My home is in {v}.", "I (just|) moved to {v}.",
          "I am living in {v}( now| at the moment|).", "~My house stands in {v}."]),
    Kind("origin", "country", "{i} come from {v}", "where {i} come from",
         ["Where do I come from?", "(Which|What) country am I from?", "Where am I from?",
          "~From which country do I come?"],
         "Do I come from {v}?",
         ["I come from {v}.", "I am from {v}.", "I grew up in {v}, that is where I come from.",
          "~{v} is the country I come from."]),
    Kind("job", "job", "{i} work as {av}", "what {i} work as",
         ["What kind of work do I do?", "What (is my job|do I do for a living|do I work as)?", "What is my (work|profession)?",
          "~How do I earn my money?"],
         "Do I work as {av}?",
         ["I work as {av}.", "I am {av}.", "My job is being {av}.", "I earn my living as {av}.",
          "~By profession I am {av}."]),
    Kind("age", "age", "{i} {am} {v} years old", "how old {i} {am}",
         ["How old am I?", "What is my age?", "Do you know my age?", "~How many years old am I?"],
         "Am I {v} years old?",
         ["I am {v} years old.", "I am {v}(, by the way|).", "My age is {v}.",
          "~I turned {v} this year."]),
    Kind("birthday", "date", "{my} birthday is on {v}", "when {my} birthday is",
         ["When is my birthday?", "When was I born?", "Do you know my birthday?", "(What is the date of|On which day is) my birthday?",
          "~When do I have my birthday?"],
         "Is my birthday on {v}?",
         ["My birthday is on {v}.", "I was born on {v}.", "I have my birthday on {v}.",
          "~On {v} it is my birthday."]),
    Kind("hobby", "hobby", "{my} hobby is {v}", "what {my} hobby is",
         ["What is my hobby?", "What do I do in my free time?", "Do you know my hobby?", "What do I (like to do|enjoy doing)?",
          "~How do I like to spend my free time?"],
         "Is my hobby {v}?",
         ["My hobby is {v}.", "I (really |)(like|enjoy|love) {v}.",
          "In my free time I do {v}.", "~I spend my evenings with {v}."]),
    Kind("instrument", "instrument", "{i} play the {v}", "which instrument {i} play",
         ["(Which|What) instrument do I play?", "~What do I play?"],
         "Do I play the {v}?",
         ["I play the {v}.", "I am learning (to play |)the {v}.", "~My instrument is the {v}."]),
    Kind("trip", "city", "{i} {am} going to {v}", "where {i} {am} going",
         ["Where am I going( on my trip|)?", "Where (will|do) I travel?", "~What is the goal of my trip?"],
         "Am I going to {v}?",
         ["I am going to {v}( next week| next month| soon| on holiday|).",
          "I (will travel|have booked a trip) to {v}.", "~My next trip takes me to {v}."]),
    Kind("book", "title", "{i} {am} reading {v}", "which book {i} {am} reading",
         ["(Which|What) book am I reading?", "What am I reading?",
          "~What is the title of my book?"],
         "Am I reading {v}?",
         ["I am reading {v}( at the moment|).", "I (started|have started) (to read|reading) {v}.",
          "~My book is called {v}."]),
]

_RELATIVES = """sister brother mother father wife husband son daughter aunt uncle cousin friend
    neighbour boss teacher grandmother grandfather""".split()

# Favourites of which the value can be anything: kind and value must be taken from the talk.
_ANYTHING = """cheese singer game toy tree bird river word cake sauce film song actor shop street
    band team writer painter museum cafe park lake island teacher car brand dance soup salad tea
    poem hero planet bakery restaurant club fish stone perfume chair""".split()

KINDS = _PERSONAL * 3 + [
    _favourite(*row) for row in (
        ("colour", "colour"), ("food", "food"), ("fruit", "fruit"), ("drink", "drink"),
        ("animal", "animal"), ("sport", "sport"), ("season", "season"), ("month", "month"),
        ("flower", "flower"), ("instrument", "instrument"), ("subject", "subject"),
        ("city", "city"), ("country", "country"), ("number", "number"), ("book", "title"),
        ("day", "day"), ("dish", "food"))] * 2 + [
    _favourite(noun, "any") for noun in _ANYTHING] + [
    _relative(who) for who in _RELATIVES] + [
    _pet(what) for what in "dog cat rabbit horse parrot hamster turtle goldfish".split()] * 2 + [
    _relatives_favourite(who, *row) for who in _RELATIVES[:6] for row in (
        ("colour", "colour"), ("food", "food"), ("animal", "animal"))] + [
    _event(what) for what in ("dentist appointment", "meeting", "exam", "party", "flight",
                              "yoga class", "piano lesson", "job interview", "concert",
                              "football match", "driving test", "haircut")] + [
    _hour(what) for what in ("meeting", "flight", "train", "lunch", "dinner", "lesson",
                             "appointment", "bus")] + [
    _number(*row) for row in (
        ("locker code", "code"), ("door code", "code"), ("room number", "room"),
        ("lucky number", "number"), ("house number", "number"), ("bus line", "number"),
        ("table number", "number"), ("parking spot", "room"), ("customer number", "code"),
        ("gate", "number"))] + [
    _thing_place(*row) for row in (
        ("keys", "are"), ("glasses", "are"), ("passport", "is"), ("umbrella", "is"),
        ("wallet", "is"), ("charger", "is"), ("gloves", "are"), ("ticket", "is"),
        ("notebook", "is"), ("headphones", "are"))] + [
    _thing_colour(what) for what in ("car", "bike", "front door", "coat", "backpack", "sofa",
                                     "house", "scarf")]

_ME = {"my": "my", "i": "I", "am": "am"}
_YOU = {"my": "your", "i": "you", "am": "are"}


class Fact:
    """A kind with a value."""

    def __init__(self, rng, kind, held_out, not_value=None):
        self.kind, self.held_out = kind, held_out
        self.value = pick(rng, kind.values, held_out)
        while self.value == not_value:
            self.value = pick(rng, kind.values, held_out)

    def _fill(self, text, who, value=None):
        value = value or self.value
        for name, word in {**who, "av": an(value), "v": value}.items():
            text = text.replace("{" + name + "}", word)
        return text

    def mine(self):
        return self._fill(self.kind.sentence, _ME)

    def yours(self):
        return self._fill(self.kind.sentence, _YOU)

    def wh(self, who):
        return self._fill(self.kind.wh, who)

    def tell(self, rng):
        text = expand(rng, choose(rng, self.kind.tells, self.held_out))
        text = " ".join(self._fill(text, _ME).split())
        return text[:1].upper() + text[1:] if text[0] not in "," else text[2:].capitalize()

    def ask(self, rng):
        """A question about the fact, dressed up now and then."""
        text = self._ask(rng)
        if rng.random() < 0.12:
            opening = expand(rng, "(So|And|Now|Well|Okay|Hey|AEON|Hey AEON|Tell me|Quick question|"
                                  "By the way|One more thing)(, |: )")
            lower = text if text.startswith("I ") else text[:1].lower() + text[1:]
            text = opening + lower
        if rng.random() < 0.08 and text[-1] in "?.":
            text = text[:-1] + expand(rng, "(, please| again|, do you know|, AEON)") + text[-1]
        return text

    def _ask(self, rng):
        if rng.random() < 0.35:
            frames = ["(Do you (still |)(remember|know)|Can you (tell me|say)) {wh}?",
                      "(Tell me|Please say|Remind me) {wh}.", "(I forgot|I can't remember) {wh}.",
                      "(Do you recall|Could you tell me|I would like to know) {wh}?",
                      "(Let me know|Say|I want to know|What did I say about) {wh}.",
                      "You (know|remember) {wh}, (right|don't you)?",
                      "~Would you remind me {wh}?", "~Have I told you {wh}?"]
            return say(rng, frames, {"wh": self.wh(_ME)}, self.held_out)
        return expand(rng, choose(rng, self.kind.asks, self.held_out))

    def check(self, value):
        return self._fill(self.kind.check, _ME, value)


def _sentence(text):
    return text[:1].upper() + text[1:] + "."


def _join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _acknowledge(rng, told):
    """What AEON says to facts it was told."""
    names = [f.value for f in told if f.kind.key == "name"]
    rest = [f.yours() for f in told if f.kind.key != "name"]
    if names and not rest:
        return expand(rng, "(Nice to meet you|Hello|Pleased to meet you|Welcome), {v}!"
                           "( How are you today?| What can I do for you?|)", {"v": names[0]})
    if names:
        return expand(rng, "Nice to meet you, {v}! (Noted|I will remember): {rest}.",
                      {"v": names[0], "rest": _join(rest)})
    if rng.random() < 0.25:
        return expand(rng, "(Thank you|All right|Good to know|I see)(, I will remember that|"
                           ", I will keep that in mind|. I will remember that).")
    return expand(rng, "(Got it|Noted|All right|Thank you|I see): {rest}.", {"rest": _join(rest)})


def _answer(rng, fact):
    if rng.random() < 0.2:
        return f"You told me that {fact.yours()}."
    return _sentence(fact.yours())


class Memory:
    """The facts of one talk, and the exchanges (user text, answer, expected value) about them."""

    def __init__(self, rng, held_out):
        self.rng, self.held_out, self.facts = rng, held_out, {}

    def name(self):
        return self.facts["name"].value if "name" in self.facts else None

    def _new_kind(self):
        while True:
            kind = self.rng.choice(KINDS)
            if kind.key not in self.facts:
                return kind

    def _add(self, kind=None):
        fact = Fact(self.rng, kind or self._new_kind(), self.held_out)
        self.facts[fact.kind.key] = fact
        return fact

    def learn_silently(self):
        """Facts from a system message."""
        return self._add().mine()

    def tell(self):
        """One fact in its own words, or up to three joined."""
        rng = self.rng
        if rng.random() < 0.75:
            kind = _PERSONAL[0] if rng.random() < 0.15 and "name" not in self.facts else None
            told = [self._add(kind)]
            text = told[0].tell(rng)
        else:
            told = [self._add() for _ in range(rng.choice((2, 2, 3)))]
            text = _sentence(_join([f.mine() for f in told]))
        opening = expand(rng, "(|||||(By the way|Please remember|You should know|Listen|Remember): )")
        return casual(rng, opening + text), _acknowledge(rng, told), None

    def correct(self):
        """The user changes a fact told before."""
        rng = self.rng
        old = rng.choice(list(self.facts.values()))
        new = Fact(rng, old.kind, self.held_out, not_value=old.value)
        self.facts[old.kind.key] = new
        text = say(rng, ["(No|Sorry|Wait|Oh), {new}(, not {old}|).",
                         "(Actually|In fact|Correction:|I made a mistake:) {new}.",
                         "(Sorry, |)I was wrong( before|). {New}.",
                         "{New} now(, not {old}|, no longer {old}).",
                         "~(I have to correct myself|Let me correct that): {new}.",
                         "~That was not right, {new}."],
                   {"new": new.mine(), "New": _sentence(new.mine())[:-1], "old": old.value},
                   self.held_out)
        reply = expand(rng, "(Thank you for the correction|I have corrected that|"
                            "All right, I have changed it|Corrected): {s}.", {"s": new.yours()})
        return casual(rng, text), reply, None

    def ask(self):
        """A question about a fact: open, yes or no, about two, about all, or about none told."""
        rng, facts = self.rng, list(self.facts.values())
        roll = rng.random()
        if not facts or roll < 0.14:
            return self._ask_unknown()
        fact = rng.choice(facts)
        if roll < 0.26:
            return self._ask_yes_no(fact)
        if roll < 0.33 and len(facts) >= 2:
            a, b = rng.sample(facts, 2)
            text = expand(rng, "(Tell me|Do you know|Can you say) {a} and {b}",
                          {"a": a.wh(_ME), "b": b.wh(_ME)})
            text += "." if text.startswith("Tell") else "?"
            return casual(rng, text), f"{_sentence(a.yours())[:-1]}, and {b.yours()}.", b.value
        if roll < 0.38:
            return self._ask_all(facts)
        return casual(rng, fact.ask(rng)), _answer(rng, fact), fact.value

    def _ask_unknown(self):
        fact = Fact(self.rng, self._new_kind(), self.held_out)
        text = fact.ask(self.rng)
        return casual(self.rng, text), f"You have not told me {fact.wh(_YOU)} yet.", "not told me"

    def _ask_yes_no(self, fact):
        other = Fact(self.rng, fact.kind, self.held_out, not_value=fact.value)
        is_right = self.rng.random() < 0.5
        text = fact.check(fact.value if is_right else other.value)
        return (casual(self.rng, text), f"{'Yes' if is_right else 'No'}, {fact.yours()}.",
                "Yes" if is_right else fact.value)

    def _ask_all(self, facts):
        text = say(self.rng, ["What do you know about me?", "What have I told you( so far|)?",
                              "What did I tell you( about (me|myself)|)?",
                              "(Tell me|Say) (everything|all) you know about me.",
                              "~List what you know about me."], None, self.held_out)
        if len(facts) > 4:
            facts = facts[:4]
        return (casual(self.rng, text),
                f"You told me that {_join([f.yours() for f in facts])}.", facts[-1].value)
