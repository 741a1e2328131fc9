"""A talk of 100,000 tokens in a context of 1,024: what stays flat, what is known, what is lost.

    test_long_talk.py [--tokens N] [--policy NAME] PROGRAM

Somebody tells the built-in model of his people, and asks some turns later; facts in the system
message are asked for again and again. Once with each policy that drops turns. One thread, and time
in seconds of the processor, so that neighbours on the machine do not count.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

N_CTX = 1024
DISTANCES = 1, 2, 4, 8, 16, 32, 64
RECENT = 8  # turns that no window has dropped yet
PINNED_EVERY = 16
POLICIES = "window", "compact"

LEAST_RECENT, LEAST_PINNED = 0.75, 0.8  # parts answered rightly
MOST_LOST = 0.08                        # of recent, by keys that have moved, against computed anew
MOST_GROWTH_BYTES = 512 << 10           # of resident memory, in the last four fifths of the talk
LEAST_PACE = 0.8                        # of the last tenth, over the second

PEOPLE = """sister brother mother father wife husband daughter son aunt uncle cousin grandmother
    grandfather niece nephew neighbour boss teacher doctor landlord dentist""".split()
CITIES = """Oslo Lisbon Vienna Dublin Prague Athens Warsaw Madrid Rome Berlin Paris London Munich Ghent
    Zurich Geneva Lyon Porto Seville Turin Naples Krakow Riga Tallinn Helsinki Bergen""".split()
NAMES = """Tom Anna Paul Maria Peter Julia Max Laura Felix Emma Oscar Nina Hugo Clara Ben Ida Leo Ruth
    Carl Vera Adam Lucy Simon Alice Victor Helen""".split()
KINDS = [
    ("My {who} lives in {v}.", "Where does my {who} live?", lambda rng: rng.choice(CITIES)),
    ("My {who} is {v} years old.", "How old is my {who}?", lambda rng: str(rng.randint(18, 97))),
    ("My {who} is called {v}.", "What is my {who} called?", lambda rng: rng.choice(NAMES)),
    ("My {who}'s favourite number is {v}.", "What is my {who}'s favourite number?",
     lambda rng: str(rng.randint(2, 99))),
    ("My {who}'s phone number is {v}.", "What is my {who}'s phone number?",
     lambda rng: f"{rng.randint(200, 999)} {rng.randint(1000, 9999)}"),
]
SYSTEM = ("The user told you earlier: The user's dog is called Bramble. The user lives in Antwerp. "
          "The user's PIN is 4417.")
PINNED = [("What is my dog called?", "Bramble"), ("Where do I live?", "Antwerp"),
          ("What is my PIN?", "4417")]

STATS = re.compile(r"read (\d+) tokens.* wrote (\d+) tokens")
DROPPED = re.compile(r"the oldest (\d+) turns? ")


class Chat:
    """The program at the other end of pipes."""

    def __init__(self, program, policy, folder):
        environment = dict(os.environ, XDG_STATE_HOME=folder)
        self.process = subprocess.Popen(
            [program, "chat", "builtin", "--window", policy, "--ctx", str(N_CTX), "--rope", "long",
             "--system", SYSTEM, "--temp", "0", "--seed", "1", "-t", "1", "-n", "48", "--no-history", "--stats"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.n_tokens = self.n_full = self.n_dropped = 0

    def say(self, text):
        """The answer, which is whole once the line on its speed has come."""
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        for line in self.process.stderr:
            line = line.decode(errors="replace")
            dropped, stats = DROPPED.search(line), STATS.search(line)
            if dropped:
                self.n_full += 1
                self.n_dropped += int(dropped[1])
            if stats:
                self.n_tokens += int(stats[1]) + int(stats[2])
                return (self.process.stdout.read() or b"").decode(errors="replace")
        raise AssertionError(f"the program ended with {self.process.wait()} at {text!r}")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.stdin = None
        self.process.communicate()
        assert self.process.returncode == 0, f"exit status {self.process.returncode}"


class Score:
    def __init__(self):
        self.n = self.n_right = 0

    def count(self, answer, value):
        self.n += 1
        self.n_right += bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", answer))

    def part(self):
        return self.n_right / self.n if self.n else 0


class Talker:
    """Tells facts and asks for them. Nobody has two of one kind within 100 turns."""

    def __init__(self, chat):
        self.chat, self.rng = chat, random.Random(4)
        self.keys = [(who, kind) for who in PEOPLE for kind in KINDS]
        self.rng.shuffle(self.keys)
        self.told = {}  # turn -> (question, value), until it is asked for
        self.by_distance = {k: Score() for k in DISTANCES}
        self.pinned = Score()
        self.n_turns = self.n_told = 0

    def turn(self):
        if self.n_turns % PINNED_EVERY == PINNED_EVERY - 1:
            question, value = PINNED[self.n_turns // PINNED_EVERY % len(PINNED)]
            self.pinned.count(self.chat.say(question), value)
        else:
            known = [k for k in DISTANCES if self.n_turns - k in self.told]
            if known and self.rng.random() < 0.5:
                self.ask(min(known, key=lambda k: self.by_distance[k].n))
            else:
                self.tell()
        self.told.pop(self.n_turns - DISTANCES[-1], None)
        self.n_turns += 1

    def recent(self):
        scores = [score for k, score in self.by_distance.items() if k <= RECENT]
        return sum(s.n_right for s in scores) / max(1, sum(s.n for s in scores))

    def tell(self):
        who, (statement, question, draw) = self.keys[self.n_told % len(self.keys)]
        value = draw(self.rng)
        self.chat.say(statement.format(who=who, v=value))
        self.told[self.n_turns] = question.format(who=who), value
        self.n_told += 1

    def ask(self, k):
        question, value = self.told.pop(self.n_turns - k)
        self.by_distance[k].count(self.chat.say(question), value)


def slope(points):
    """Of the line nearest to the points: growth of y for each x."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / \
        sum((x - mean_x) ** 2 for x, _ in points)


def pace(points, first, last):
    """Tokens for each second of the processor between two parts of the talk."""
    n = points[-1][0]
    inside = [point for point in points if first * n <= point[0] <= last * n]
    return (inside[-1][0] - inside[0][0]) / (inside[-1][1] - inside[0][1])


def talk(program, policy, n_tokens):
    memory, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        chat = Chat(program, policy, folder)
        talker = Talker(chat)
        while chat.n_tokens < n_tokens:
            talker.turn()
            memory.append((chat.n_tokens, chat.resident_bytes()))
            times.append((chat.n_tokens, chat.cpu_seconds()))
        chat.close()
    late = [point for point in memory if point[0] > n_tokens / 5]
    growth = slope(late) * n_tokens * 4 / 5
    early_pace, late_pace = pace(times, 0.1, 0.2), pace(times, 0.9, 1)
    print(f"{policy}: {chat.n_tokens} tokens in {talker.n_turns} turns; {chat.n_full} times the context "
          f"was full, {chat.n_dropped} turns were dropped")
    print(f"  resident {late[0][1] / 1e6:.2f} MB after a fifth, {memory[-1][1] / 1e6:.2f} MB at the "
          f"end, growth {growth / 1024:.1f} KiB")
    print(f"  {early_pace:.0f} tokens for a second of the processor in the second tenth, "
          f"{late_pace:.0f} in the last")
    return talker, growth, late_pace / early_pace


def show(talkers):
    print("\nanswered rightly, by how many turns ago it was told:")
    print("turns ago " + "".join(f"{k:>8}" for k in DISTANCES) + "  pinned")
    for policy, talker in talkers.items():
        scores = [*talker.by_distance.values(), talker.pinned]
        print(f"{policy:<10}" + "".join(f"{100 * s.part():>6.0f} %" for s in scores))
        print("   of     " + "".join(f"{s.n:>8}" for s in scores), flush=True)


def check(policy, talker, growth, pace_ratio):
    assert talker.chat.n_full > 0, f"{policy}: the context was never full"
    assert growth < MOST_GROWTH_BYTES, f"{policy}: resident memory grows by {growth / 1024:.0f} KiB"
    assert pace_ratio > LEAST_PACE, f"{policy}: the last tenth runs at {pace_ratio:.2f} of the second"
    assert talker.recent() >= LEAST_RECENT, f"{policy}: {talker.recent():.2f} of what is recent is known"
    assert talker.pinned.part() >= LEAST_PINNED, \
        f"{policy}: {talker.pinned.part():.2f} of what is pinned is known"


def check_moved(window, compact):
    lost = compact.recent() - window.recent()
    assert lost < MOST_LOST, f"keys that have moved lose {lost:.2f} of what is recent"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--policy", choices=POLICIES)
    parser.add_argument("program")
    args = parser.parse_args()
    results = {}
    for policy in [args.policy] if args.policy else POLICIES:
        results[policy] = talk(args.program, policy, args.tokens)
    show({policy: result[0] for policy, result in results.items()})
    for policy, result in results.items():
        check(policy, *result)
    if len(results) == len(POLICIES):
        check_moved(*(results[policy][0] for policy in POLICIES))


if __name__ == "__main__":
    sys.exit(main())
