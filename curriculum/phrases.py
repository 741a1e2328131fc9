"""phrases.py - a small notation for saying the same thing in many ways.

    expand(rng, "(Hello|Hi|Good morning)( there|)! I am {name}.", {"name": "Anna"})

(a|b) takes one side, nested as deep as needed; {slot} is filled in afterwards, so that values are
never read as notation.

What a user says goes through say(): one wording in eight, by a hash of the wording before its slots
are filled, is held out, and so is every phrase that begins with ~. Training talks use only the
others, test talks only those that are held out, wherever a list has both. Wordings of less than
five words are what nearly everybody types; they are all learned.
"""

import re
import zlib

_INNERMOST = re.compile(r"\(([^()]*)\)")
_TRIES = 40


def is_kept(text, part=8):
    """Is this text among the one in part that is held out? The same on every machine."""
    return zlib.crc32(text.encode()) % part == 0


def wording(rng, phrase):
    """One way of saying the phrase, its slots still open."""
    text = phrase.lstrip("~")
    while True:
        found = _INNERMOST.search(text)
        if not found:
            return text
        text = text[:found.start()] + rng.choice(found.group(1).split("|")) + text[found.end():]


def fill(text, slots=None):
    """The text with its slots filled."""
    for name, value in (slots or {}).items():
        text = text.replace("{" + name + "}", value)
    return text


def expand(rng, phrase, slots=None):
    """One way of saying the phrase."""
    return fill(wording(rng, phrase), slots)


def is_reserved(phrase, text):
    """Is this wording of the phrase held out?"""
    return phrase.startswith("~") or text.count(" ") >= 4 and is_kept(text)


def _choose_wording(rng, phrases, held_out):
    for _ in range(_TRIES):
        phrase = rng.choice(phrases)
        text = wording(rng, phrase)
        if held_out == is_reserved(phrase, text):
            return text
    return wording(rng, rng.choice([p for p in phrases if not p.startswith("~")]))


def say(rng, phrases, slots=None, held_out=False):
    """One wording of one of the phrases, with its first letter made large."""
    text = fill(_choose_wording(rng, phrases, held_out), slots)
    return text[:1].upper() + text[1:]


_SHORT = [("What is", "What's"), ("I am", "I'm"), ("do not", "don't"), ("You are", "You're"),
          ("you are", "you're"), ("what is", "what's"), ("Where is", "Where's"),
          ("can not", "can't"), ("did not", "didn't"), ("Who is", "Who's"), ("My name is",
                                                                             "My name's")]


def casual(rng, text):
    """What a person types: contractions, missing capitals and full stops, now and then a slip."""
    for long_form, short in _SHORT:
        if long_form in text and rng.random() < 0.4:
            text = text.replace(long_form, short)
    if rng.random() < 0.25:
        text = text.rstrip(".!") or text
    if rng.random() < 0.1 and text.endswith("?"):
        text = text[:-1]
    if rng.random() < 0.25 and text[:2] not in ("I ", "I'"):
        text = text[:1].lower() + text[1:]
    if rng.random() < 0.1:
        text = text.replace("I ", "i ").replace("I'm", "i'm")
    if rng.random() < 0.1:
        text = text.replace(",", "").replace("'", "")
    return text


def an(word):
    """The word with its article."""
    return ("an " if word[:1].lower() in "aeiou" else "a ") + word
