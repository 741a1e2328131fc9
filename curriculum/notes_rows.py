"""notes_rows.py - what the tables of notes_topics.py are made of: attributes, values and subjects.

An attribute is a row: its value, the predicate that states it, the same as an indirect question, a
question for yes or no, and ways to ask. {s} is the subject, {v} the value, {av} the value with its
article.
"""

import collections

import words

Attribute = collections.namedtuple("Attribute", "value says wh yes_no asks")
Topic = collections.namedtuple("Topic", "subjects it attributes")


# Values: functions of (rng, held_out).

def _of(kind):
    return lambda rng, held_out: words.pick(rng, kind, held_out)


def number(low, high):
    return lambda rng, held_out: str(words.number(rng, low, high, held_out))


def person(rng, held_out):
    first = words.pick(rng, "first_name", held_out)
    return f"{first} {words.made_up(rng)}" if rng.random() < 0.4 else first


def name(rng, held_out):
    return words.made_up(rng)


def password(rng, held_out):
    return words.made_up(rng).lower() + str(rng.randint(10, 99))


LANGUAGE = words.Values("notes language", """Danish Dutch Finnish French German Greek Hindi Irish
    Italian Latin Norwegian Polish Portuguese Russian Spanish Swedish Turkish Welsh Arabic
    Czech""", 0.1).pick
TEAM = words.Values("notes team", """sales|design|research|support|legal|finance|travel|kitchen|
    night|press|training|quality|safety|export|garden|planning|print|web""", 0.15).pick
MATTER = words.Values("notes matter", """the rent|the heating|the new roof|a missing parcel|
    the school trip|the water bill|a lost key|the summer party|the car insurance|
    a broken window|the family tree|the piano|the garden fence|a late train|
    the library card|the wedding|the choir|a job|the house|the bees|a rare stamp|
    the telephone line|the holiday|the dog|a debt""").pick
SPOT = words.Values("notes spot", """shed well gate pond fence garage greenhouse terrace barn stable
    swing wall bench chapel bridge henhouse fountain road""", 0.15).pick


# Subjects: functions of (rng, held_out, n) that give n different ones, often alike.

def distinct(rng, n, draw):
    """n different values of draw()."""
    found = []
    while len(found) < n:
        value = draw()
        if value not in found:
            found.append(value)
    return found


def things(name, nouns, modifiers):
    """Things: two keys told apart by a word, or a key and a ladder."""
    nouns, modifiers = words.Values("notes " + name, nouns, 0.1), modifiers.split()

    def subjects(rng, held_out, n):
        def noun():
            return nouns.pick(rng, held_out)
        style = rng.choice(("alike", "plain", "mixed"))
        if style == "alike":
            one = noun()
            return [f"the {m} {one}" for m in rng.sample(modifiers, n)]
        found = distinct(rng, n, noun)
        if style == "plain":
            return [f"the {one}" for one in found]
        return [f"the {rng.choice(modifiers)} {one}" for one in found]
    return subjects


def people(rng, held_out, n):
    """People with two names, of which one may be common to all; or with one."""
    def first():
        return words.pick(rng, "first_name", held_out)
    style = rng.choice(("first", "same first", "same last", "full"))
    if style == "first":
        return distinct(rng, n, first)
    one_first, one_last = first(), words.made_up(rng)
    return distinct(rng, n, lambda: " ".join((
        one_first if style == "same first" else first(),
        one_last if style == "same last" else words.made_up(rng))))


def named(*forms):
    """Subjects that are told apart by a name: {x} is made up, {city} and {person} are drawn."""
    def subjects(rng, held_out, n):
        some = forms if rng.random() < 0.4 else (rng.choice(forms),)

        def draw():
            text = rng.choice(some).replace("{x}", words.made_up(rng))
            text = text.replace("{city}", words.pick(rng, "city", held_out))
            return text.replace("{person}", words.pick(rng, "first_name", held_out))
        return distinct(rng, n, draw)
    return subjects


# Rows of the tables.

def row(value, says, wh, yes_no, *asks):
    return Attribute(_of(value) if isinstance(value, str) else value, says, wh, yes_no, list(asks))


def who(says, wh, *asks):
    """A row whose value is a person, said in the passive: "was repaired by {v}"."""
    verb, rest = says.split(" ", 1)
    return row(person, says + " {v}", wh, f"{verb.capitalize()} {{s}} {rest} {{v}}?", *asks)
