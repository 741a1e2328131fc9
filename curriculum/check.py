"""check.py - how a right answer is recognised.

A check is a JSON object; all of its conditions must hold:

    "equals": [text, ..]     the answer is one of these texts; case, white space around it and a
                             final "." or "!" don't count
    "matches": [regex, ..]   each is found in the answer, whatever the case
    "lacks": [regex, ..]     none is found
    "json": value            the answer is JSON and equals value
    "tool_calls": [call, ..] the answer calls exactly these tools: {"name": .., "arguments": {..}}

The program's `aeon eval` checks the same conditions; its tests compare the two.
"""

import json
import re

CALL_BEGIN, CALL_END = "<|tool_call|>", "<|/tool_call|>"


def dump(value):
    """JSON as it stands in talks."""
    return json.dumps(value)


def same(*texts):
    """A check: the answer is one of these texts."""
    return {"equals": list(texts)}


def holds(*texts, lacks=()):
    """A check: all these texts stand in the answer as whole words, and none of lacks does."""
    check = {"matches": [_word(text) for text in texts]}
    if lacks:
        check["lacks"] = [_word(text) for text in lacks]
    return check


def _word(text):
    escaped = re.sub(r"([^A-Za-z0-9 _])", r"\\\1", text)
    return r"(?<![A-Za-z0-9])" + escaped + r"(?![A-Za-z0-9])"


def _plain(text):
    text = text.strip()
    return (text[:-1] if text[-1:] in (".", "!") else text).lower()


def _parse(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def _calls(answer):
    answer = answer.strip()
    if not (answer.startswith(CALL_BEGIN) and answer.endswith(CALL_END)):
        return None
    return _parse(answer[len(CALL_BEGIN):-len(CALL_END)])


def is_right(check, answer):
    """Do all conditions hold?"""
    conditions = {
        "equals": lambda want: _plain(answer) in [_plain(text) for text in want],
        "matches": lambda want: all(re.search(r, answer, re.I) for r in want),
        "lacks": lambda want: not any(re.search(r, answer, re.I) for r in want),
        "json": lambda want: _parse(answer) == want,
        "tool_calls": lambda want: _calls(answer) == want,
    }
    return all(conditions[name](want) for name, want in check.items())


def spoken(message):
    """An assistant's message as the model writes it."""
    if "tool_calls" in message:
        return CALL_BEGIN + dump(message["tool_calls"]) + CALL_END
    return message["content"]
