"""bpe.py - learn a byte-level BPE vocabulary, and write it as a Hugging Face tokenizer.json.

Pair counts are kept up to date after each merge instead of counted anew, so a few thousand merges
over the distinct words of the curriculum take seconds.
"""

import collections
import heapq
import json
import re

# The o200k split pattern (the `gpt-4o` pre-tokenizer), as tokenizer.json carries it.
_TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?" + _UPPER + "*" + _LOWER + "+" + _TAIL,
    r"[^\r\n\p{L}\p{N}]?" + _UPPER + "+" + _LOWER + "*" + _TAIL,
    r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"\s*[\r\n]+",
    r"\s+(?!\S)",
    r"\s+",
])

# The same for ASCII text in Python's re, which knows no \p{}. The curriculum is ASCII, so the
# pieces are exactly those of the real pattern.
_ASCII = re.compile(
    O200K.replace(_UPPER, "[A-Z]").replace(_LOWER, "[a-z]")
    .replace(r"\p{N}{1,3}", "[0-9]{1,3}").replace(r"\p{L}\p{N}", "A-Za-z0-9"))

# Phi-4-mini's control tokens in its order; they follow the learned tokens.
CONTROL = ["<|endoftext|>", "<|endofprompt|>", "<|assistant|>", "<|end|>", "<|user|>",
           "<|system|>", "<|tool|>", "<|/tool|>", "<|tool_call|>", "<|/tool_call|>",
           "<|tool_response|>", "<|tag|>"]


def byte_spelling():
    """The printable character that stands for each byte (GPT-2's table, built by its rule)."""
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    others = [b for b in range(256) if b not in plain]
    spelling = {b: chr(b) for b in plain}
    spelling.update({b: chr(256 + i) for i, b in enumerate(others)})
    return spelling


def count_words(texts):
    """How often each piece of the split pattern occurs. Numbers are left out: their digits stay
    single tokens, in which a small model can reckon."""
    counts = collections.Counter()
    for text in texts:
        counts.update(piece for piece in _ASCII.findall(text) if not piece.isdigit())
    return counts


class _Words:
    """Distinct words as lists of parts, and the count and the places of every pair of parts."""

    def __init__(self, counts, spelling):
        self.parts, self.weight = [], []
        self.count = collections.Counter()
        self.places = collections.defaultdict(set)
        for word, n in sorted(counts.items()):
            self.parts.append([spelling[b] for b in word.encode()])
            self.weight.append(n)
            self._tally(len(self.parts) - 1, n)

    def _tally(self, i, n):
        parts = self.parts[i]
        for pair in zip(parts, parts[1:]):
            self.count[pair] += n
            if n > 0:
                self.places[pair].add(i)

    def merge(self, pair):
        """Join the pair everywhere; returns the pairs whose counts changed."""
        touched = set()
        for i in sorted(self.places.pop(pair)):
            before = self.parts[i]
            touched.update(zip(before, before[1:]))
            self._tally(i, -self.weight[i])
            after, j = [], 0
            while j < len(before):
                joined = tuple(before[j:j + 2]) == pair
                after.append("".join(pair) if joined else before[j])
                j += 2 if joined else 1
            self.parts[i] = after
            self._tally(i, self.weight[i])
            touched.update(zip(after, after[1:]))
        return touched


def learn(texts, n_vocab):
    """Learn merges until bytes, merges and control tokens are n_vocab; ties go by spelling."""
    words = _Words(count_words(texts), byte_spelling())
    heap = [(-n, pair) for pair, n in words.count.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < n_vocab - 256 - len(CONTROL):
        if not heap:
            raise SystemExit(f"only {len(merges)} merges to learn: choose a smaller vocabulary")
        n, pair = heapq.heappop(heap)
        if words.count[pair] != -n or n == 0:
            continue  # an old count; the new one is in the heap too
        merges.append(pair)
        for other in sorted(words.merge(pair)):
            if words.count[other] > 0:
                heapq.heappush(heap, (-words.count[other], other))
    return merges


def tokenizer_json(merges):
    """The vocabulary in the form of Hugging Face's tokenizer.json."""
    tokens = list(byte_spelling().values()) + ["".join(m) for m in merges]
    vocab = {token: i for i, token in enumerate(tokens)}
    control = [{"id": len(vocab) + i, "content": text, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True}
               for i, text in enumerate(CONTROL)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": O200K}, "behavior": "Removed", "invert": True}
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": control,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False, "vocab": vocab,
                  "merges": [" ".join(m) for m in merges]},
    }, ensure_ascii=False, indent=1)
