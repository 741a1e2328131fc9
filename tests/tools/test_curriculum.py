"""The curriculum: reproducible, its answers pass their own checks, what is held out stays away."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "curriculum"))
import check  # noqa: E402
import generate  # noqa: E402
import words  # noqa: E402
from phrases import expand, is_reserved, say  # noqa: E402

N_LEARNED = 3000


def learned_talks():
    rng, families = random.Random("test"), list(generate.SHARES)
    for i in range(N_LEARNED):
        yield generate.make_talk(rng, False, families[i % len(families)])


TALKS = list(learned_talks())
QUESTIONS = list(generate.questions(30, 1))


def the_same_seed_gives_the_same_bytes():
    with tempfile.TemporaryDirectory() as folder:
        outs = []
        for salt in ("1", "2"):  # the order of sets must not matter
            out = pathlib.Path(folder, salt)
            subprocess.run([sys.executable, ROOT / "curriculum/generate.py", out, "--talks", "300",
                            "--vocabulary", "600"], check=True,
                           env={**os.environ, "PYTHONHASHSEED": salt})
            outs.append({path.name: path.read_bytes() for path in sorted(out.iterdir())})
        assert outs[0] == outs[1]
        assert list(outs[0]) == ["held_out.jsonl", "tokenizer.json", "train.jsonl"]


def the_shares_are_hundredths():
    assert sum(generate.SHARES.values()) == 100


def talks_have_the_form_of_talks():
    for talk in TALKS:
        roles = [m["role"] for m in talk.messages]
        assert roles[-1] == "assistant" and "system" not in roles[1:], roles
        spoken = [role for role in roles if role != "system"]
        for before, after in zip(spoken, spoken[1:]):
            assert (before == "assistant") == (after != "assistant"), roles
        for text in talk.texts():
            assert text.isascii() and text.strip() == text and "|>" not in text, text
        assert talk.n_chars() <= generate.MAX_CHARS


def written_answers_pass_their_checks():
    for talk in TALKS:
        answer = check.spoken(talk.messages[-1])
        assert check.is_right(talk.check, answer), (talk.check, answer)


def answers_to_other_questions_fail():
    """Verdicts have two values and refusals one, so these are left out."""
    few_values = {"fact yes or no", "fact never told", "beyond it", "notes refusal", "no tool",
                  "solution check", "judge A or B"}
    asked = wrong = 0
    for one, other in zip(QUESTIONS, QUESTIONS[1:]):
        if one["family"] == other["family"] and one["family"] not in few_values:
            asked += 1
            wrong += not check.is_right(other["check"], one["answer"])
        assert not check.is_right(one["check"], ""), one
        assert "manner" in one["family"] or not check.is_right(one["check"], "I see."), one
    assert wrong >= 0.85 * asked, (wrong, asked)


def questions_are_of_every_kind_and_differ():
    kinds = [kind for module in generate.FAMILIES.values() for kind in module.KINDS]
    assert len(kinds) == len(set(kinds)) and set(generate.MAIN_KINDS) <= set(kinds)
    for kind in kinds:
        asked = [json.dumps(q["messages"]) for q in QUESTIONS if q["family"] == kind]
        assert len(asked) == len(set(asked)) == (30 if kind in generate.MAIN_KINDS else 10), kind


def questions_were_not_learned():
    learned = {m["content"] for talk in TALKS for m in talk.messages if m["role"] == "user"}
    long = [q["messages"][-1]["content"] for q in QUESTIONS]
    long = [text for text in long if text.count(" ") >= 4]
    assert len(long) > 300
    assert sum(text in learned for text in long) <= 0.01 * len(long)


def values_held_out_are_not_learned():
    rng = random.Random(3)
    for kind, held_out in words.HELD_OUT.items():
        learned = {words.pick(rng, kind) for _ in range(2000)}
        asked = {words.pick(rng, kind, True) for _ in range(200)}
        is_closed = set(held_out) <= set(words.LEARNED[kind])
        assert is_closed or not learned & set(held_out), kind
        assert asked & set(held_out), kind


def wordings_held_out_are_not_learned():
    rng = random.Random(4)
    phrases = ["(Please|Now|Well,) (tell|give|show) me the (name|price|age) of {x} (now|soon|)",
               "~Whatever is {x}?"]
    learned = {say(rng, phrases, {"x": "X"}) for _ in range(2000)}
    asked = {say(rng, phrases, {"x": "X"}, True) for _ in range(2000)}
    assert not learned & asked and "Whatever is X?" in asked and len(asked) > 3
    assert not is_reserved("Hello", "Hello there")


def slots_are_not_notation():
    assert expand(random.Random(1), "(a|a){x}", {"x": "(b|c)"}) == "a(b|c)"


def the_manner_left_out_is_not_learned():
    for talk in TALKS:
        for m in talk.messages:
            assert m["role"] != "assistant" or not m["content"].startswith("Beep."), m


def main():
    tests = [value for value in globals().values()
             if callable(value) and getattr(value, "__module__", None) == "__main__"]
    for test in tests:
        if test not in (main, learned_talks):
            test()
            print("passed", test.__name__)


main()
