"""extract.py - the family "extract": a talk rewritten as a short list of facts, in JSON.

    {"facts": ["The user's sister is called Quithia.", "The user lives in Lisbon."]}

Each fact is one sentence in the third person, in the order of telling. A correction replaces the
value where it stands; small talk and questions give no fact, and a talk without facts gives [].
The facts were told in this very talk, or in one that the user or the system message hands over.
"""

import facts
from check import dump
from phrases import say
from talk import Talk

KINDS = {"facts to JSON": 100}
MOST_FACTS = 5

_THIS_TALK = [
    "(List|Write down|Write|Give me|Return|Note|Output|Print|Show|Put) (the|all) facts (I told you|I gave you|from our talk|of this talk|that I told you|you know about me|about me) (as|in) JSON( please|)(.|)",
    "(Turn|Rewrite|Convert|Bring|Summarize|Put) (this talk|our talk|what I told you|what I said|all I told you|the talk so far) (into|as) (JSON|JSON facts|a JSON list of facts|a list of facts in JSON|facts in JSON)( please|)(.|)",
    "(Can|Could|Would|Will) you (list|write down|give me|extract|return|show me) (the|all|my) facts( I told you| from this talk| you know|) (as|in) JSON?",
    "(Extract|Collect|Gather) (the|all|my) facts (from this talk|from our talk|so far|I told you|about me)(,| and write them| and return them|) (as|in) JSON(.|)",
    "(What facts did I tell you|Which facts do you know about me|What have I told you|What do you know about me)? (Answer|Reply|Write it|Say it|Respond) (in|as) JSON(.|)",
    "I (need|want|would like) (the|all|my) facts( of this talk| I told you| so far|) (as|in) JSON(.|)",
    "JSON( please|): (all facts|the facts|my facts|what I told you|facts of this talk)(.|)",
    "(Facts|My facts|All facts) (as|in) JSON(, please| please|)(.|)",
    "(Save|Store) (the|all) facts of this talk (as|in) JSON(.|)",
    "(Please |)make (a JSON list|JSON) of what I told you(.|)",
]
_THAT_TALK = [
    "(Extract|List|Collect|Write down|Write|Find|Return|Give|Note|Output) (the|all) facts (about|on|that are told about) the user (as|in) JSON(.|:)",
    "(Extract|List|Collect|Write down|Find|Return) (the|all) facts (of|from|in) (this|the|the following) (talk|conversation|chat|dialogue) (as|in) JSON(.|:)",
    "(Turn|Rewrite|Convert|Summarize|Bring|Put) (this|the|the following) (talk|conversation|chat|dialogue) (into|as) (JSON|JSON facts|a JSON list of facts|a list of facts in JSON|facts in JSON)(.|:)",
    "(What does the user tell|Which facts does the user tell|What is told about the user|What is to be remembered)( here| in this talk|)? (Answer|Reply|Write|Respond) (in|as) JSON(.|:)",
    "(Read|Take|Here is) (this|the|a) (talk|conversation|chat|dialogue)(,| and| -) (list|write|give|extract|return) (its facts|the facts|the user's facts|all facts) (as|in) JSON(.|:)",
    "(Facts|The facts|All facts|The user's facts) of (this|the following|the) (talk|conversation|chat) (as|in) JSON(, please|)(.|:)",
    "(Which|What) (facts|things) (should|must) (I|you|one|we) (remember|keep|know)( about the user|)? (JSON|JSON, please|As JSON|In JSON)(.|:)",
    "(Save|Store|Keep) the facts of this (talk|conversation) (as|in) JSON(.|:)",
    "(Make|Build) (JSON|a JSON list) (of|from) the facts in this (talk|chat)(.|:)",
]
_SYSTEM = ["(You write|Write|Always write|You are to write|Your task is to write) (the|all) facts (of|from) (a|the|each|every) (talk|conversation|chat) (as|in) JSON.",
           "(You turn|Turn) (talks|a talk|conversations|the talk) (into|to) (facts in JSON|JSON facts|a JSON list of facts).",
           "(You extract|Extract|Collect|You collect) (the|all) facts (about|on) the user (as|in) JSON.",
           '(Answer|Reply) (with|in) JSON (only|alone)( like|:|, as in) {"facts": []}. (List|Write) (the|all) facts (of|from) the talk.',
           "You are a (scribe|writer) of facts in JSON."]
_SPEAKERS = {"user": "User: ", "assistant": "AEON: "}


def _converse(memory, n_facts, acknowledged):
    """At least n_facts facts amid corrections, questions and small talk."""
    rng = memory.rng
    if rng.random() < 0.3 or not n_facts:
        memory.chat()
    while len(memory.facts) < n_facts:
        memory.tell(acknowledged, MOST_FACTS - len(memory.facts))
        roll = rng.random()
        if roll < 0.2:
            memory.correct(acknowledged)
        elif roll < 0.4:
            memory.ask()
        elif roll < 0.5:
            memory.ask_unknown()
        elif roll < 0.75:
            memory.chat()


def _answer(talk, memory):
    value = {"facts": [fact.users() for fact in memory.facts.values()]}
    talk.answer(dump(value), {"json": value})


def _about_this_talk(talk, n_facts):
    """The facts were told before, in the talk that goes on."""
    memory = facts.Memory(talk)
    _converse(memory, n_facts, True)
    talk.user(say(talk.rng, _THIS_TALK, None, talk.held_out))
    _answer(talk, memory)


def _about_that_talk(talk, n_facts):
    """One message holds a whole talk, under an instruction or with the instruction before all."""
    rng = talk.rng
    memory = facts.Memory(Talk(rng, talk.held_out))
    _converse(memory, n_facts, rng.random() < 0.7)
    lines = "\n".join(_SPEAKERS[m["role"]] + m["content"] for m in memory.talk.messages)
    roll = rng.random()
    if roll < 0.4:
        talk.system(say(rng, _SYSTEM, None, talk.held_out))
        talk.user(lines)
    elif roll < 0.85:
        talk.user(say(rng, _THAT_TALK, None, talk.held_out) + rng.choice(("\n", "\n\n")) + lines)
    else:
        talk.user(lines + "\n\n" + say(rng, _THAT_TALK, None, talk.held_out))
    _answer(talk, memory)


def write(talk, kind):
    del kind  # there is only one
    n_facts = talk.rng.choices((0, 1, 2, 3, 4), (8, 20, 30, 25, 17))[0]
    if talk.rng.random() < 0.5:
        _about_this_talk(talk, n_facts)
    else:
        _about_that_talk(talk, n_facts)
