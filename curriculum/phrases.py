"""phrases.py - a small notation for saying the same thing in many ways.

    expand(rng, "(Hello|Hi|Good morning)( there|)! I am {name}.", {"name": "Anna"})

(a|b) takes one side, nested as deep as needed; {slot} is filled in afterwards, so that values are
never read as notation. A phrase that begins with ~ is held out: training talks don't use it.
"""

import re

_INNERMOST = re.compile(r"\(([^()]*)\)")


def expand(rng, phrase, slots=None):
    """One way of saying the phrase."""
    text = phrase.lstrip("~")
    while True:
        found = _INNERMOST.search(text)
        if not found:
            break
        text = text[:found.start()] + rng.choice(found.group(1).split("|")) + text[found.end():]
    for name, value in (slots or {}).items():
        text = text.replace("{" + name + "}", value)
    return text


def choose(rng, phrases, held_out=False):
    """One of the phrases; held-out talks prefer the held-out ones."""
    reserved = [p for p in phrases if p.startswith("~")]
    if held_out and reserved and rng.random() < 0.6:
        return rng.choice(reserved)
    return rng.choice([p for p in phrases if not p.startswith("~")])


def say(rng, phrases, slots=None, held_out=False):
    """Choose a phrase and expand it, with its first letter made large."""
    text = expand(rng, choose(rng, phrases, held_out), slots)
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
