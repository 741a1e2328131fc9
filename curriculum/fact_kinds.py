"""fact_kinds.py - what a user may tell about himself and his people, and the words for it.

    kind     what can be known: a home, a birthday, the colour of something, ..
    person   whose it is: the user's, his sister's, his friend Tom's, his dog's
    fact     a kind, a person, a value: "my sister lives in Oslo"

A kind is written once for all persons. {i} {my} {am} {do} {have} {s} turn into "I live", "your
sister lives", "the user's sister lives"; {what} is the thing spoken of, {v} the value, {av} the value
with its article. The first wh is the one that AEON uses itself.
"""

from phrases import an, expand, fill
from words import LEARNED, Values, made_up, number, pick

# ---- persons ---------------------------------------------------------------------------------------

_FIRST = {"i": "I", "me": "me", "my": "my", "her": "my", "am": "am", "do": "do", "have": "have", "s": ""}
_SECOND = {"i": "you", "me": "you", "my": "your", "her": "your", "am": "are", "do": "do", "have": "have", "s": ""}


def _third(i, her="the"):
    return {"i": i, "me": i, "my": i + "'s", "her": her, "am": "is", "do": "does", "have": "has", "s": "s"}


class Person:
    """Somebody in the words of the user (me), of AEON (you), and of a third party (user). group is
    one of m (the user), r (a relative), f (a friend with a name), p (a pet); short is how the user
    may say it once AEON knows whom he means."""

    def __init__(self, group, key, me, you, user, short=None, who=""):
        self.group, self.key, self.you, self.user = group, key, you, user
        self.me = {**me, "a_who": an(who), "the_who": "the " + who}
        self.short = short or self.me

    def object(self, rng):
        """As in "And what about ..?"."""
        return "me" if self.group == "m" else rng.choice((self.me, self.short))["i"]


ME = Person("m", "me", _FIRST, _SECOND, _third("the user"))

_HERS = "sister mother wife daughter aunt grandmother niece girlfriend".split()
_HIS = "brother father husband son uncle grandfather nephew boyfriend".split()
_THEIRS = "cousin neighbour boss teacher doctor landlord dentist".split()
RELATIVES = _HERS + _HIS + _THEIRS
PETS = "dog cat rabbit horse parrot hamster turtle goldfish".split()
_FRIENDS = "friend friend friend colleague classmate flatmate".split()


def _own(group, who):
    her = "her" if who in _HERS else "his" if who in _HIS else "its" if group == "p" else "their"
    return Person(group, who, *(_third(f"{my} {who}", her) for my in ("my", "your", "the user's")),
                  who=who)


def somebody(rng, group, held_out):
    """A person of the group."""
    if group == "m":
        return ME
    if group == "f":
        name, who = pick(rng, "first_name", held_out), rng.choice(_FRIENDS)
        return Person(group, name, *(_third(f"{my} {who} {name}") for my in
                                     ("my", "your", "the user's")), short=_third(name))
    return _own(group, rng.choice(PETS if group == "p" else RELATIVES))


# ---- values ----------------------------------------------------------------------------------------

_LANGUAGES = Values("language", """English German French Spanish Italian Dutch Polish Greek Turkish
    Arabic Hindi Chinese Japanese Korean Swedish Danish Finnish Czech Hungarian Latin Hebrew Welsh
    Irish Portuguese""", 0.1)
_CAUSES = Values("allergy cause", """nuts|cats|dogs|dust|pollen|milk|eggs|strawberries|soap|wool|
    bees|honey|fish|mustard|celery|shrimp|feathers|horses|latex|penicillin|sesame|tomatoes""", 0.2)
_WHAT_DAY = ["{day}", "{day} at {time}", "{date}", "{date} at {time}"]


def _name(rng, held_out):
    first = pick(rng, "first_name", held_out)
    return f"{first} {made_up(rng)}" if rng.random() < 0.15 else first


def _when(rng, held_out):
    """A day, an hour, or both, with the word that goes before it."""
    if rng.random() < 0.35:
        return "at " + pick(rng, "time", held_out)
    return "on " + expand(rng, rng.choice(_WHAT_DAY), {name: pick(rng, name, held_out) for name in
                                                       ("day", "date", "time")})


def _address(rng, held_out):
    word = rng.choice((made_up(rng), pick(rng, "city", held_out), pick(rng, "flower", held_out)))
    return f"{number(rng, 1, 199, held_out)} {word.capitalize()} " + \
        rng.choice(("Street", "Road", "Lane", "Square"))


def _plate(rng, held_out):
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(rng.choice((2, 3))))
    return f"{letters} {number(rng, 100, 9999, held_out)}"


def _phone(rng, held_out):
    return f"{number(rng, 200, 999, held_out)} {number(rng, 1000, 9999, held_out)}"


def _company(rng, held_out):
    return made_up(rng) + expand(rng, "(||| and Sons| Foods| Books)")


def _capital(word):
    return word[:1].upper() + word[1:]


def _proper(kind):
    return lambda rng, held_out: _capital(pick(rng, kind, held_out))


def _words(*kinds):
    return lambda rng, held_out: pick(rng, rng.choice(kinds), held_out)


_VALUES = {
    "name": _name, "when": _when, "address": _address, "plate": _plate, "phone": _phone,
    "company": _company, "allergy": _CAUSES.pick,
    "pin": lambda rng, held_out: str(number(rng, 1000, 9999, held_out)),
    "small": lambda rng, held_out: str(number(rng, 1, 99, held_out)),
    "password": lambda rng, held_out: made_up(rng).lower() + str(number(rng, 10, 99, held_out)),
    "email": lambda rng, held_out: f"{made_up(rng)}@{made_up(rng)}".lower() +
    rng.choice((".com", ".org", ".net")),
    "price": lambda rng, held_out: str(number(rng, 5, 900, held_out)),
    "size": lambda rng, held_out: str(rng.randint(34, 47)),
    "meal": _words("food", "food", "fruit"),
    "country": _proper("country"), "language": lambda rng, held_out: _capital(_LANGUAGES.pick(rng, held_out)),
    "month": lambda rng, held_out: rng.choice(LEARNED["month"]),
}


def value_of(rng, values, held_out):
    """A value of the named sort."""
    return _VALUES[values](rng, held_out) if values in _VALUES else pick(rng, values, held_out)


# ---- kinds -----------------------------------------------------------------------------------------

class Kind:
    """One kind of fact.

    whose     groups of persons that may have it           values   the sort of its value
    sentence  the one canonical way to say it              wh       what is asked, indirectly
    names     the value's name: "{my} age"                 asks     direct questions
    checks    yes-or-no questions                          tells    other ways to say it
    nouns     what {what} may be"""

    def __init__(self, key, whose, values, sentence, wh, names, asks, checks, tells, nouns=("",)):
        self.key, self.whose, self.values, self.sentence = key, whose, values, sentence
        self.wh, self.names, self.asks, self.checks = wh, names, asks, checks
        self.tells, self.nouns = tells, nouns

    def noun(self, rng, held_out):
        if isinstance(self.nouns, Values):  # a noun kept back is tested with others that are known
            return self.nouns.pick(rng, held_out and rng.random() < 0.5)
        return rng.choice(self.nouns)


_NAME = Kind(
    "name", "m", "name", "{my} name is {v}", ["what {my} name is", "what {i} {am} called", "who {i} {am}"],
    ["my (own |first |)name"],
    ["What is my name( again|)?", "Who am I( again|)?", "(How|What) am I called?",
     "Who are you (talking|chatting|speaking) (to|with)?",
     "What (do|should|can|will) (people|you|my friends) call me?", "(Do you|You do) (still |)know my name(, right|)?",
     "(Do you|Can you) (still |)(know|remember|say) who I am?", "What (did I say|have I said) my name (was|is)?",
     "By (what|which) name (do|did) you (know|call) me?", "~What was my name again?"],
    ["Is my name {v}?", "Am I {v}?", "Am I called {v}?",
     "(My name is|I am) {v}, (right|correct|is that so|isn't it)?", "Do you call me {v}?"],
    ["My name is {v}.", "I am {v}.", "(You can|You may|Please) call me {v}.", "I am called {v}.",
     "(People|My friends|They) call me {v}.",
     "(Hello|Hi|Hey), I am {v}.", "(Hello|Hi|Hey), my name is {v}.", "The name is {v}.", "I go by the name of {v}.",
     "(Hello|Hi|Hey)(, this is| from) {v}.", "~My (first |)name, by the way, is {v}."])

_CALLED = [
    "What is {i} called( again|)?", "What is {my} name( again|)?", "How is {i} called?",
    "What do (I|we|you|people) call {i}?",
    "What is the name of {i}( again|)?", "(What|Which) name does {i} have?", "What did I say {my} name (was|is)?",
    "{my} name(, what is it| is| was)?",
    "(By|Under) (what|which) name is {i} known?", "Who is {i}?", "~What was {my} name again?"]
_CALLED_CHECKS = ["Is {i} called {v}?", "Is {my} name {v}?", "Is {v} the name of {i}?", "Is {v} {my} name?",
                  "{i} is called {v}, (right|correct|isn't that so)?", "Does {i} have the name {v}?"]
_CALLED_TELLS = [
    "{i} is called {v}.", "{my} name is {v}.", "The name of {i} is {v}.",
    "I have {a_who} (called|named|by the name of) {v}.",
    "I have {a_who}(, {her} name is| and {her} name is|, and the name is) {v}.", "(People|We|They|All) call {i} {v}."]

_PEOPLE = [
    Kind("called", "r", "name", "{i} is called {v}", ["what {i} is called", "what {my} name is", "who {i} is"],
         ["{my} name", "the name of {i}"], _CALLED, _CALLED_CHECKS,
         _CALLED_TELLS + ["{i} {v} (came to see|visited|called|wrote to|helped|met) me (today|yesterday|last week).",
                          "~I (met|saw|called) {i} {v} (today|yesterday)."]),
    Kind("pet called", "p", "pet_name", "{i} is called {v}", ["what {i} is called", "what {my} name is"],
         ["{my} name", "the name of {i}"],
         _CALLED + ["What is {the_who} called( again|)?", "What is the name of {the_who}?",
                    "What is {the_who}'s name?"], _CALLED_CHECKS,
         _CALLED_TELLS + ["I named {i} {v}.", "We gave {i} the name {v}.", "~We have {a_who} called {v}."]),
    Kind("city", "mmrf", "city", "{i} live{s} in {v}", ["where {i} live{s}", "which (city|town) {i} live{s} in"],
         ["{my} (city|town|home)", "the (city|town|place) {i} live{s} in"],
         ["Where {do} {i} live( now| again|)?", "(Which|What) (city|town|place) {do} {i} live in?",
          "In (which|what) (city|town|place) {do} {i} live?",
          "Where {am} {i} living( now| at the moment| again|)?", "Where is {my} (home|house|flat)?",
          "What is {my} (city|town|home)?",
          "~Where did I say {i} live{s}?"],
         ["{do} {i} live in {v}?", "{am} {i} living in {v}?", "Is {my} (home|house|flat) in {v}?",
          "{i} live{s} in {v}, (right|correct)?"],
         ["{i} live{s} in {v}( now| these days|).", "{my} (home|house|flat) is in {v}.",
          "{i} {have} (just |recently |)moved to {v}.",
          "{i} {am} living in {v}( now| at the moment|).", "{i} {have} lived in {v} for (years|a long time|a year).",
          "The (city|town|place) {i} live{s} in is {v}.", "~{i} live{s} in a (small |big |)(flat|house) in {v}."]),
    Kind("origin", "mmrf", "country", "{i} come{s} from {v}", ["where {i} come{s} from",
                                                               "which country {i} {am} from"],
         ["{my} (country|home country|country of birth)", "the country {i} come{s} from"],
         ["Where {do} {i} (come from|originally come from)?", "(Which|What) country {do} {i} come from?",
          "(Which|What) country {am} {i} from?",
          "Where {am} {i} from( originally| again|)?",
          "What is {my} (home country|country of birth|country|origin)?",
          "~From (which|what) country {do} {i} come?"],
         ["{do} {i} come from {v}?", "{am} {i} from {v}?", "Is {v} {my} home country?",
          "{i} come{s} from {v}, (right|correct)?"],
         ["{i} come{s} from {v}( originally|).", "{i} {am} from {v}( originally|).",
          "{i} grew up in {v} and come{s} from there.",
          "{my} (home country|country of birth|country) is {v}.", "~The country {i} come{s} from is {v}."]),
    Kind("job", "mmrf", "job", "{i} work{s} as {av}", ["what {i} work{s} as", "what {my} job is",
                                                       "what {i} {do} for a living"],
         ["{my} (job|profession|work|occupation)"],
         ["What {do} {i} work as?", "What {do} {i} do for (a living|work|money)?",
          "What is {my} (job|profession|work|occupation|trade)( again|)?",
          "What (kind|sort) of (work|job) {do} {i} (do|have)?", "How {do} {i} (earn|make) (money|a living)?",
          "As what {do} {i} work?", "~Which (job|profession) {do} {i} have?"],
         ["{do} {i} work as {av}?", "{am} {i} {av}?", "Is {my} (job|profession) {v}?",
          "{i} work{s} as {av}, (right|correct)?"],
         ["{i} work{s} as {av}.", "{i} {am} {av} (by profession|by trade|by training).",
          "{my} (job|profession|trade) is {v}.", "{i} earn{s} (a living|money) as {av}.",
          "{i} {have} a job as {av}.", "{i} found work as {av}.", "~{i} {am} working as {av} (now|these days)."]),
    Kind("age", "mmrf", "age", "{i} {am} {v} years old", ["how old {i} {am}", "what {my} age is"],
         ["{my} age"],
         ["How old {am} {i}( now| again|)?", "What is {my} age( again|)?", "How many years old {am} {i}?",
          "What age {am} {i}( now|)?", "How many years of age {am} {i}?",
          "What age did I say {i} {am}?", "~What was {my} age again?"],
         ["{am} {i} {v}( years old|)?", "Is {my} age {v}?", "{i} {am} {v}( years old|), (right|correct)?"],
         ["{i} {am} {v} years old( now|).", "{i} {am} {v}.", "{my} age is {v}.",
          "{i} turned {v} (this year|last month|yesterday|last week).", "{i} {am} now {v} years (old|of age).",
          "~{i} became {v} (this year|last month)."]),
    Kind("birthday", "mmrf", "date", "{my} birthday is on {v}", ["when {my} birthday is",
                                                                 "on what day {my} birthday is",
                                                                 "when {i} {have} {her} birthday"],
         ["{my} birthday", "the (date|day) of {my} birthday"],
         ["When is {my} birthday( again|)?", "(On which|On what|Which|What) (day|date) is {my} birthday?",
          "What is the (date|day) of {my} birthday?",
          "When {do} {i} (celebrate a|have a|celebrate the) birthday?",
          "{my} birthday(, when is it| is when| is on which day)?", "~When was {my} birthday again?"],
         ["Is {my} birthday (on |){v}?", "{my} birthday is (on |){v}, (right|correct)?",
          "{do} {i} have a birthday on {v}?"],
         ["{my} birthday is (on |){v}.", "{i} {have} a birthday on {v}.", "On {v} it is {my} birthday.",
          "{i} celebrate{s} a birthday on {v}.",
          "{my} birthday comes on {v}.", "~On {v} we celebrate {my} birthday."]),
    Kind("hobby", "mmrf", "hobby", "{my} hobby is {v}", ["what {my} hobby is", "what {i} {do} in {her} free time"],
         ["{my} (hobby|pastime)"],
         ["What is {my} (hobby|pastime)( again|)?", "(What|Which) hobby {do} {i} have?",
          "What {do} {i} do (for fun|as a hobby|in the evenings|after work)?",
          "How {do} {i} (spend|pass) (the evenings|free time|the time)?", "~What was {my} hobby again?"],
         ["Is {my} hobby {v}?", "Is {v} {my} (hobby|pastime)?", "{my} hobby is {v}, (right|correct)?"],
         ["{my} hobby is {v}.", "{my} (great|big|new|only) hobby is {v}.", "{i} {have} {v} as a hobby.",
          "{i} spend{s} (the evenings|the weekends|all free time) with {v}.",
          "{i} took up {v} as a hobby.", "~{my} pastime is {v}."]),
    Kind("instrument", "mmrf", "instrument", "{i} play{s} the {v}", ["which instrument {i} play{s}",
                                                                     "what instrument {i} play{s}"],
         ["{my} instrument", "the instrument {i} play{s}"],
         ["(Which|What) instrument {do} {i} play?", "What did I say {i} play{s}?",
          "What is {my} (musical |)instrument?",
          "(Which|What) (musical |)instrument {am} {i} (playing|learning)?",
          "~(Which|What) instrument was it that {i} play{s}?"],
         ["{do} {i} play the {v}?", "Is the {v} {my} instrument?", "{i} play{s} the {v}, (right|correct)?"],
         ["{i} play{s} the {v}( a little| every day| in a band|).", "{my} instrument is the {v}.",
          "{i} {am} learning (to play |)the {v}.", "{i} {have} (played|practised) the {v} for years.",
          "~{i} play{s} the {v} (on Sundays|at school)."]),
    Kind("trip", "mmrf", "city", "{i} {am} travelling to {v}", ["where {i} {am} travelling",
                                                                "where {i} {am} travelling to"],
         ["the (goal|destination) of {my} (trip|journey)", "{my} travel destination"],
         ["Where {am} {i} (travelling|going|flying)( to| on holiday|)?",
          "Where {do} {i} (travel|go|fly)( to| on holiday|)?",
          "What is the (goal|destination) of {my} (trip|journey|holiday)?",
          "(Which|What) (city|town|place) {am} {i} (travelling|going) to?",
          "Where does {my} (trip|journey) (go|lead)( to|)?", "~To (which|what) (city|place) {am} {i} travelling?"],
         ["{am} {i} (travelling|going) to {v}?", "Does {my} (trip|journey) go to {v}?",
          "{i} {am} travelling to {v}, (right|correct)?"],
         ["{i} {am} (travelling|flying|going) to {v}( next week| next month| soon| on holiday|).",
          "{i} {have} booked a (trip|flight|journey) to {v}.",
          "{my} (next |)(trip|journey) goes to {v}.", "{i} will (travel|fly|go) to {v}( soon| next month|).",
          "~{my} holiday trip goes to {v}."]),
    Kind("book", "mmrf", "title", "{i} {am} reading {v}", ["what {i} {am} reading", "which book {i} {am} reading"],
         ["the (title|name) of {my} book", "the book {i} {am} reading"],
         ["(Which|What) book {am} {i} reading( now| at the moment|)?",
          "What {am} {i} reading( now| at the moment|)?", "What is {my} book called?",
          "What is the (title|name) of {my} book?",
          "What book {do} {i} read( now|)?", "~What is the book called that {i} {am} reading?"],
         ["{am} {i} reading {v}?", "Is {my} book called {v}?", "{i} {am} reading {v}, (right|correct)?"],
         ["{i} {am} reading {v}( at the moment| right now|).",
          "{i} {have} (just |)(started|begun) (to read|reading) {v}.", "{my} book is called {v}.",
          "The book {i} {am} reading is {v}.",
          "~{i} read{s} {v} (every night|in bed)."]),
    Kind("company", "mmrf", "company", "{i} work{s} for {v}", ["which company {i} work{s} for",
                                                               "for whom {i} work{s}"],
         ["{my} (company|employer|firm)", "the company {i} work{s} for"],
         ["(Which|What) (company|firm) {do} {i} work (for|at)?", "(Whom|Who) {do} {i} work for?",
          "Who is {my} employer?", "What is {my} (company|firm|employer) called?",
          "For (whom|which company|what company) {do} {i} work?", "~What is the name of {my} (company|employer)?"],
         ["{do} {i} work for {v}?", "Is {v} {my} (employer|company)?", "{i} work{s} for {v}, (right|correct)?"],
         ["{i} work{s} for {v}.", "{i} {have} a (job|contract) at {v}, the company.",
          "{my} (employer|company|firm) is (called |){v}.", "The company {i} work{s} for is {v}.",
          "~{i} {am} employed by {v}."]),
    Kind("language", "mmrf", "language", "{i} {am} learning {v}", ["which language {i} {am} learning",
                                                                   "what language {i} {am} learning"],
         ["the language {i} {am} learning"],
         ["(Which|What) language {am} {i} (learning|studying)( now| at the moment|)?",
          "(Which|What) language {do} {i} (learn|study)?",
          "(Which|What) (language course|language class) {do} {i} (attend|take)?",
          "~What new language {am} {i} learning?"],
         ["{am} {i} (learning|studying) {v}?", "{i} {am} learning {v}, (right|correct)?",
          "Is {v} the language {i} {am} learning?"],
         ["{i} {am} learning {v}( now| at the moment| in the evenings|).",
          "{i} (started|began) (to learn|learning) {v}.",
          "{i} {am} taking (lessons in|a course in|classes in) {v}, the language.",
          "The language {i} {am} learning is {v}.", "~{i} want{s} to speak {v} and {am} learning it."]),
    Kind("allergy", "mmrfp", "allergy", "{i} {am} allergic to {v}", ["what {i} {am} allergic to",
                                                                     "to what {i} {am} allergic"],
         ["{my} allergy"],
         ["What {am} {i} allergic to( again|)?", "To what {am} {i} allergic?", "(What|Which) allergy {do} {i} have?",
          "What is {my} allergy( again|)?", "~What did I say {i} {am} allergic to?"],
         ["{am} {i} allergic to {v}?", "{do} {i} have an allergy to {v}?",
          "{i} {am} allergic to {v}, (right|correct)?"],
         ["{i} {am} (very |badly |)allergic to {v}.", "{i} {have} (an|a bad) allergy to {v}.",
          "{i} {have} been allergic to {v} (for years|all along|since childhood).",
          "~{i} {am} allergic to {v}, (sadly|so be careful)."]),
    Kind("breakfast", "mmrf", "meal", "{i} {have} {v} for breakfast", ["what {i} {have} for breakfast"],
         ["{my} breakfast"],
         ["What {do} {i} (have|eat|like) for breakfast?", "What {do} {i} (eat|have) in the morning?",
          "What is {my} (usual |)breakfast?", "~What breakfast {do} {i} (have|eat)?"],
         ["{do} {i} (have|eat) {v} for breakfast?", "Is {my} breakfast {v}?",
          "{i} {have} {v} for breakfast, (right|correct)?"],
         ["{i} (always |usually |){have} {v} for breakfast.", "{my} (usual |)breakfast is {v}.",
          "For breakfast {i} {have} {v}.", "In the morning {i} {have} {v} for breakfast.",
          "~{i} {have} {v} for breakfast every day."]),
    Kind("address", "mmrf", "address", "{my} address is {v}", ["what {my} address is", "which address {i} {have}"],
         ["{my} (address|postal address)", "the address of {my} (house|flat)"],
         ["What is {my} (address|postal address|full address|street and number)( again|)?",
          "(What|Which) address {do} {i} have?", "At (which|what) address {do} {i} live?",
          "(In which|Which|What) street and (house |)number {do} {i} live( in| at|)?",
          "~What was {my} address again?"],
         ["Is {my} address {v}?", "{my} address is {v}, (right|correct)?", "Is {v} {my} address?"],
         ["{my} address is {v}.", "{my} (new |full |postal )address is {v}.", "{i} {have} the address {v}.",
          "The address of {my} (house|flat) is {v}.", "~Letters for {me} go to the address {v}."]),
    Kind("phone", "mmrf", "phone", "{my} phone number is {v}", ["what {my} phone number is",
                                                                "which phone number {i} {have}"],
         ["{my} (phone number|telephone number)"],
         ["What is {my} (phone number|telephone number|phone)( again|)?", "(Which|What) phone number {do} {i} have?",
          "(Under|On|At) (which|what) (phone |)number can (you|one|people) (call|reach) {me}?",
          "~What was {my} phone number again?"],
         ["Is {my} phone number {v}?", "{my} phone number is {v}, (right|correct)?", "Is {v} {my} phone number?"],
         ["{my} phone number is {v}.", "{my} (new |)(phone number|telephone number) is {v}.",
          "{i} {have} the phone number {v}.", "You can reach {me} on the phone number {v}.",
          "~The number of {my} phone is {v}."]),
    Kind("email", "mrf", "email", "{my} email address is {v}", ["what {my} email address is",
                                                                "which email address {i} {have}"],
         ["{my} (email address|email|mail address)"],
         ["What is {my} (email|email address|mail address)( again|)?", "(Which|What) email address {do} {i} have?",
          "(To|At) (which|what) email address can (you|people|one) write to {me}?",
          "~What was {my} email address again?"],
         ["Is {my} email address {v}?", "{my} email is {v}, (right|correct)?", "Is {v} {my} email address?"],
         ["{my} email address is {v} now.", "{my} (email|mail address|new email address) is {v}, note it.",
          "{i} {have} the email address {v}, please note it.",
          "~Mails for {me} go to {v}, that is {my} email address."]),
    Kind("shoe size", "mrf", "size", "{my} shoe size is {v}", ["what {my} shoe size is",
                                                               "which shoe size {i} {have}"],
         ["{my} (shoe size|size of shoes)"],
         ["What is {my} shoe size( again|)?", "(What|Which) (shoe size|size of shoes) {do} {i} (have|wear|take)?",
          "(What|Which) size are {my} shoes?", "~What was {my} shoe size again?"],
         ["Is {my} shoe size {v}?", "{do} {i} wear (shoe |)size {v}?", "Are {my} shoes size {v}?",
          "{my} shoe size is {v}, (right|correct)?"],
         ["{my} shoe size is {v}.", "{i} wear{s} shoes in size {v}.", "{i} wear{s} shoe size {v}.",
          "{my} shoes are size {v}.", "~{i} need{s} shoes in size {v}."]),
    Kind("plate", "mrf", "plate", "{my} licence plate is {v}", ["what {my} licence plate is",
                                                                "which licence plate {i} {have}"],
         ["{my} (licence plate|number plate)", "the licence plate of {my} car"],
         ["What is {my} (licence|number) plate( again|)?",
          "What is the (licence plate|number plate|plate) of {my} car?",
          "(Which|What) (licence|number) plate {do} {i} have?", "~What was {my} licence plate again?"],
         ["Is {my} (licence|number) plate {v}?", "{my} licence plate is {v}, (right|correct)?",
          "Is {v} {my} licence plate?"],
         ["{my} (licence|number) plate is {v}.", "{my} car has the (licence |number |)plate {v}.",
          "The (licence|number) plate of {my} car is {v}.", "~{i} {have} the licence plate {v}."]),
]

_FAVOURITE_NOUNS = Values("favourite noun", """cheese|singer|game|toy|tree|bird|river|word|cake|sauce|film|song|
    actor|shop|street|band|team|writer|painter|museum|cafe|park|lake|island|brand|dance|soup|salad|tea|poem|
    hero|planet|bakery|restaurant|club|stone|perfume|beach|bridge|comic|play|puzzle|tower|village""", 0.12)


def _favourite(values, nouns, v="{v}"):
    return Kind(
        "favourite", "mmrf", values, "{my} favourite {what} is " + v,
        ["what {my} favourite {what} is", "which {what} {i} like{s} (best|most)",
         "what {what} {i} like{s} (best|most)"],
        ["{my} favourite {what}", "the {what} {i} like{s} (best|most)"],
        ["(What|Which) is {my} favourite {what}( again|)?",
         "(Which|What) {what} {do} {i} (like|love) (best|most|above all)?",
         "(Which|What) {what} is {my} (favourite|favourite one)?",
         "{my} favourite {what}(, what is it| is| is what| was)?",
         "What (did I say|have I said) {my} favourite {what} (is|was)?",
         "~(What|Which) was {my} favourite {what} again?"],
        ["Is {my} favourite {what} " + v + "?", "Is " + v + " {my} favourite {what}?",
         "{my} favourite {what} is " + v + ", (right|correct|isn't it)?",
         "{do} {i} like " + v + " best of every {what}?"],
        ["{my} favourite {what} is " + v + ".", "The {what} {i} like{s} (best|most) is " + v + ".",
         "{i} love{s} " + v + ", it is {her} favourite {what}.",
         "Of every {what} {i} like{s} " + v + " (best|most).",
         "When it comes to the {what}, {my} favourite is " + v + ".",
         "~{my} (absolute|all-time) favourite {what} is " + v + "."],
        nouns)


_FAVOURITES = [_favourite("any", _FAVOURITE_NOUNS)] * 4 + [_favourite(values, nouns.split()) for values, nouns in (
    ("colour", "colour"), ("food", "food dish meal"), ("fruit", "fruit"), ("drink", "drink"), ("sport", "sport"),
    ("season", "season"), ("month", "month"), ("flower", "flower"), ("subject", "subject"), ("city", "city"),
    ("country", "country"), ("small", "number"), ("title", "book novel"), ("day", "day"))] + [
    _favourite("animal", ["animal"], "the {v}"), _favourite("instrument", ["instrument"], "the {v}")]

_EVENTS = Values("event", """dentist appointment|meeting|exam|party|flight|yoga class|piano lesson|job interview|
    concert|football match|driving test|haircut|train|dinner|class|course|interview|checkup|swimming lesson|
    parents' evening|choir practice|doctor's appointment|tennis match|presentation|language test|wedding|
    vaccination|bus|lunch|theatre visit""")
_CODES = Values("code", """PIN|locker code|door code|alarm code|safe code|bike lock code|gym code|garage code|
    customer number|ticket number|order number|member number|card number|booking number|library number""")
_NUMBERS = Values("small number", """room number|lucky number|house number|bus line|table number|parking spot|
    seat number|gate|locker number|platform|shirt number|queue number|track number""")
_SECRETS = Values("secret", "wifi password|computer password|email password|bank password|code word|"
                  "game password|phone password|password for the shop")
_LYING = ["keys|glasses|gloves|headphones|scissors|slippers|car keys|sunglasses|batteries|boots",
          """passport|umbrella|
    wallet|charger|ticket|notebook|torch|hat|camera|phone|watch|diary|map|ring|jacket|hammer|laptop"""]
_COLOURED = Values("coloured", """car|bike|front door|coat|backpack|sofa|house|scarf|suitcase|kitchen|bedroom|
    toothbrush|dress|motorbike|tent|mug|garden gate|fence""")
_BOUGHT = Values("bought", """coat|bike|sofa|lamp|table|radio|jacket|tent|mirror|clock|guitar|desk|carpet|blender|
    chair|suitcase|printer|dress""")
_LENT = Values("lent", """ladder|drill|bike|tent|lawn mower|guitar|camera|umbrella|suitcase|cookbook|saw|trailer|
    sleeping bag|board game|hammer|projector""")


def _given(key, values, nouns):
    """Numbers and secrets that are simply given."""
    return Kind(
        key, "m", values, "{my} {what} is {v}", ["what {my} {what} is", "which {what} {i} {have}"], ["{my} {what}"],
        ["What is {my} {what}( again|)?", "What (is|was) the {what}( again|)?", "(Which|What) {what} {do} {i} have?",
         "(Which|What) {what} did I (give|tell) you?", "{my} {what}(, what is it| is| is what| was)?",
         "What (did I say|have I said) {my} {what} (is|was)?", "I need {my} {what}( now|, please|).",
         "~What was {my} {what} again?"],
        ["Is {my} {what} {v}?", "Is {v} {my} {what}?", "{my} {what} is {v}, (right|correct|isn't it)?",
         "Did I say {v} is {my} {what}?"],
        ["{my} {what} is {v}.", "(Please |)(remember|note|keep|save) {my} {what}: {v}.",
         "The {what} {i} {have} is {v}.", "{my} new {what} is {v}.",
         "For {my} {what} they gave me {v}.", "~As {my} {what} I got {v}."], nouns)


def _lying(nouns, are, they):
    return Kind(
        "place", "m", "place", "{my} {what} " + are + " in the {v}",
        ["where {my} {what} " + are, "where I (put|left) {my} {what}"],
        ["the place (of|for) {my} {what}"],
        [f"Where {are} {{my}} {{what}}( again|)?", f"Where {are} the {{what}}( again|)?",
         "Where did {my} {what} go?", "Where did I (put|leave|lay) {my} {what}( again|)?",
         "Where (can|do|could) I find {my} {what}?", "I am looking for {my} {what}.",
         "I (can't|don't|cannot) find {my} {what}.", "Have you (seen|any idea where I put) {my} {what}?",
         f"In (which|what) place {are} {{my}} {{what}}?",
         f"{{my}} {{what}}, where {are} {they}?", "I need {my} {what}. Where (must|should|do) I look?",
         "~Where have I (put|left) {my} {what}?"],
        [f"{are} {{my}} {{what}} in the {{v}}?", "Did I (put|leave) {my} {what} in the {v}?",
         f"{{my}} {{what}} {are} in the {{v}}, (right|correct)?", "Do I find {my} {what} in the {v}?"],
        ["I (put|left|laid) {my} {what} in the {v}.", "{my} {what} " + are + " in the {v}.",
         f"I took {{my}} {{what}} and put {'them' if are == 'are' else 'it'} in the {{v}}.",
         "I keep {my} {what} in the {v}.", "In the {v} " + are + " {my} {what}.",
         "~I have put {my} {what} in the {v}."], Values("lying " + are, nouns))


_THINGS = [
    Kind("event", "mmmrf", "when", "{my} {what} is {v}", ["when {my} {what} is", "when {i} {have} {her} {what}"],
        ["the (time|date|hour|day) of {my} {what}"],
         ["When is {my} {what}( again|)?", "When {do} {i} have {her} {what}?", "When was {my} {what} again?",
          "(When|For when) did I say {my} {what} is?",
          "{my} {what}(, when is it| is when)?", "When (does|will) {my} {what} (start|begin|take place)?",
          "~When exactly is {my} {what}?"],
         ["Is {my} {what} {v}?", "{my} {what} is {v}, (right|correct)?", "{do} {i} have {her} {what} {v}?"],
         ["{my} {what} is {v}.", "{i} {have} {her} {what} {v}.", "{my} {what} (takes place|will be|starts) {v}.",
          "{i} must not (miss|forget) {her} {what} {v}.", "~As planned, {my} {what} is {v}."], _EVENTS),
    _given("code", "pin", _CODES), _given("code", "pin", _CODES), _given("number",
        "small", _NUMBERS), _given("secret", "password", _SECRETS),
    _lying(_LYING[0], "are", "they"), _lying(_LYING[1], "is", "it"),
    Kind("colour", "mmrf", "colour", "{my} {what} is {v}", ["what colour {my} {what} is",
                                                            "which colour {my} {what} has"],
                                                            ["the colour of {my} {what}"],
         ["(What|Which) colour is {my} {what}( again|)?", "What is the colour of {my} {what}?",
          "(Which|What) colour does {my} {what} have?",
          "(In what|In which|Which|What) colour did I say {my} {what} is?",
          "~(What|Which) colour was {my} {what} again?"],
         ["Is {my} {what} {v}?", "Is the colour of {my} {what} {v}?",
          "{my} {what} is {v}, (right|correct|isn't it)?", "{do} {i} have a {what} in {v}?"],
         ["{my} {what} is {v}.", "{i} {have} a {what} in {v}.", "The colour of {my} {what} is {v}.",
          "{i} chose {her} {what} in {v}.", "{my} new {what} has the colour {v}.",
          "~{my} {what} came in the colour {v}."], _COLOURED),
    Kind("price", "mmr", "price", "{my} {what} cost {v} euros", ["how much {my} {what} cost",
                                                                 "what {my} {what} cost"],
                                                                 ["the price of {my} {what}"],
         ["How much did {my} {what} cost( again|)?", "What did {my} {what} cost?",
          "What was the price of {my} {what}?",
          "How (much|many euros|much money) did {i} (pay for|spend on) {her} {what}?",
          "~What did {i} pay for {her} {what}?"],
         ["Did {my} {what} cost {v} euros?", "Did {i} pay {v} euros for {her} {what}?",
          "{my} {what} cost {v} euros, (right|correct)?"],
         ["{my} {what} cost {v} euros.", "{i} paid {v} euros for {her} {what}.",
          "{i} spent {v} euros on {her} {what}.", "The price of {my} {what} was {v} euros.",
          "~{i} got {her} {what} for {v} euros."], _BOUGHT),
    Kind("lent", "m", "name", "{i} {have} lent {her} {what} to {v}",
         ["to whom {i} {have} lent {her} {what}", "who has {my} {what}"], ["the person (who|that) has my {what}"],
         ["(To whom|Whom|Who) (did I lend|have I lent) my {what}( to|)?",
          "Who (has|borrowed|has got) my {what}( now| at the moment|)?", "Where is the {what} I lent( out|)?",
          "~Who did I give my {what} to?"],
         ["(Have I lent|Did I lend) my {what} to {v}?", "Does {v} have my {what}?", "Is it {v} who has my {what}?",
          "I lent my {what} to {v}, (right|correct)?"],
         ["I (have lent|lent) my {what} to {v}.", "I gave my {what} to {v} for a (week|few days|month).",
          "My {what} was borrowed by {v}.", "My {what} is with {v} now, I lent it out.",
          "~I let {v} have my {what} for a while."], _LENT),
]

# The kinds that every talk may draw from, each as often as it stands here.
KINDS = [_NAME] * 6 + _PEOPLE[:2] * 5 + _PEOPLE[2:8] * 2 + _PEOPLE[8:] + _FAVOURITES + _THINGS * 2

# ---- facts -----------------------------------------------------------------------------------------


class Fact:
    """A kind, whose it is, of what, and the value, which a correction replaces."""

    def __init__(self, kind, person, what, value):
        self.kind, self.person, self.what, self.value = kind, person, what, value
        self.past = []  # values it had before
        self.key = (kind.key, person.key, what)

    def slots(self, forms, value=None):
        value = value or self.value
        return {**forms, "what": self.what, "av": an(value), "v": value}

    def mine(self):
        """As the user says it."""
        return fill(self.kind.sentence, self.slots(self.person.me))

    def yours(self):
        """As AEON says it."""
        return fill(self.kind.sentence, self.slots(self.person.you))

    def users(self):
        """As it is written down: "The user's sister lives in Oslo."."""
        return sentence(fill(self.kind.sentence, self.slots(self.person.user)))

    def wh(self):
        """What AEON does not know: "where your sister lives"."""
        return fill(self.kind.wh[0], self.slots(self.person.you))

    def core(self):
        """The value as any answer must hold it."""
        return core(self.value)


def core(value):
    first, _, rest = value.partition(" ")
    return rest if first in ("on", "at") else value


def sentence(text):
    return text[:1].upper() + text[1:] + "."
