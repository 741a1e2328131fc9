"""One training step once more, from its definition: what src/train must compute.

Every number is a Number that remembers which numbers it was made of and how it changes with each of
them; the gradient follows from that by the chain rule alone, so nothing here is the backward pass
of anything. Doubles, one value at a time, straight from the papers: RMSNorm 1910.07467, rotary
embedding 2104.09864, LongRoPE 2402.13753, grouped queries 2305.13245, SwiGLU 2002.05202, AdamW
1711.05101, Muon as in 2502.16982. Python's standard library alone; a model of a few thousand weights takes seconds.
"""

import math


class Number:
    """A value, its parents, and its slope by each of them."""

    __slots__ = ("value", "parents", "slopes", "gradient")
    made = []  # every Number in the order of making

    def __init__(self, value, parents=(), slopes=()):
        self.value, self.parents, self.slopes, self.gradient = value, parents, slopes, 0.0
        Number.made.append(self)


def dot(a, b):
    value = sum(x.value * y.value for x, y in zip(a, b))
    return Number(value, (*a, *b), (*(y.value for y in b), *(x.value for x in a)))


def add(*terms):
    return Number(sum(t.value for t in terms), terms, (1.0,) * len(terms))


def times(a, constant):
    return Number(a.value * constant, (a,), (constant,))


def multiply(a, b):
    return Number(a.value * b.value, (a, b), (b.value, a.value))


def divide(a, b):
    return Number(a.value / b.value, (a, b), (1 / b.value, -a.value / b.value ** 2))


def exp(a):
    value = math.exp(a.value)
    return Number(value, (a,), (value,))


def log(a):
    return Number(math.log(a.value), (a,), (1 / a.value,))


def power(a, exponent):
    return Number(a.value ** exponent, (a,), (exponent * a.value ** (exponent - 1),))


def silu(a):
    sigmoid = 1 / (1 + math.exp(-a.value))
    return Number(a.value * sigmoid, (a,), (sigmoid * (1 + a.value * (1 - sigmoid)),))


def find_gradients(result):
    """Fill in by how much result changes with each number made so far."""
    result.gradient = 1.0
    for number in reversed(Number.made):
        if number.gradient:
            for parent, slope in zip(number.parents, number.slopes):
                parent.gradient += number.gradient * slope


class Model:
    """The weights of the flat list that a checkpoint holds, as matrices of Numbers."""

    def __init__(self, recipe, n_vocab, weights):
        self.recipe = recipe
        self.n_embd, self.n_ff = recipe["n_embd"], recipe["n_ff"]
        self.n_heads, self.n_kv_heads = recipe["n_heads"], recipe["n_kv_heads"]
        self.head_dim = self.n_embd // self.n_heads
        Number.made.clear()
        self.numbers = [Number(w) for w in weights]
        self.decays = []  # of each weight: does it decay?
        self.matrices = []  # inside the layers: where they begin, rows, columns
        n_q, n_kv = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        self.embedding = self.take(n_vocab, self.n_embd)
        self.layers = [{"attn_norm": self.take(1, self.n_embd)[0],
                        "qkv": self.take_matrices((n_q, n_kv, n_kv), self.n_embd),
                        "attn_out": self.take_matrices((self.n_embd,), n_q),
                        "ffn_norm": self.take(1, self.n_embd)[0],
                        "gate_up": self.take_matrices((self.n_ff, self.n_ff), self.n_embd),
                        "down": self.take_matrices((self.n_embd,), self.n_ff)}
                       for _ in range(recipe["n_layers"])]
        self.out_norm = self.take(1, self.n_embd)[0]
        assert len(self.decays) == len(weights), (len(self.decays), len(weights))

    def take_matrices(self, heights, n_cols):
        """The rows of matrices that lie one below the other."""
        rows = []
        for n_rows in heights:
            self.matrices.append((len(self.decays), n_rows, n_cols))
            rows += self.take(n_rows, n_cols, True)
        return rows

    def take(self, n_rows, n_cols, decays=False):
        begin = len(self.decays)
        self.decays += [decays] * (n_rows * n_cols)
        return [self.numbers[begin + r * n_cols:begin + (r + 1) * n_cols] for r in range(n_rows)]

    def norm(self, x, weight):
        mean = times(dot(x, x), 1 / len(x))
        factor = power(add(mean, Number(self.recipe["norm_eps"])), -0.5)
        return [multiply(multiply(v, factor), w) for v, w in zip(x, weight)]

    def rotate(self, head, position, is_long):
        n_pairs = int(self.head_dim * self.recipe["partial_rotary"]) // 2
        stretch = self.recipe["n_ctx"] / self.recipe["n_ctx_original"]
        scale = math.sqrt(1 + math.log(stretch) / math.log(self.recipe["n_ctx_original"]))
        out = list(head)
        for i in range(n_pairs):
            turn = position / self.recipe["rope_theta"] ** (i / n_pairs)
            if is_long:
                turn /= stretch ** (i / (n_pairs - 1))
            cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
            a, b = head[i], head[i + n_pairs]
            out[i] = add(times(a, cos), times(b, -sin))
            out[i + n_pairs] = add(times(a, sin), times(b, cos))
        return out

    def attend(self, queries, keys, values):
        """What one token gathers from itself and those before it."""
        out = []
        for h, query in enumerate(queries):
            kv = h // (self.n_heads // self.n_kv_heads)
            weights = [exp(times(dot(query, key[kv]), self.head_dim ** -0.5)) for key in keys]
            total = add(*weights)
            shares = [divide(w, total) for w in weights]
            out += [dot(shares, [value[kv][i] for value in values])
                    for i in range(self.head_dim)]
        return out

    def layer(self, layer, stream, is_long):
        keys, values, out = [], [], []
        for position, x in enumerate(stream):
            normed = self.norm(x, layer["attn_norm"])
            qkv = [dot(row, normed) for row in layer["qkv"]]
            heads = [qkv[i:i + self.head_dim] for i in range(0, len(qkv), self.head_dim)]
            n_turned = self.n_heads + self.n_kv_heads
            turned = [self.rotate(head, position, is_long) for head in heads[:n_turned]]
            keys.append(turned[self.n_heads:])
            values.append(heads[n_turned:])
            gathered = self.attend(turned[:self.n_heads], keys, values)
            x = [add(v, dot(row, gathered)) for v, row in zip(x, layer["attn_out"])]
            normed = self.norm(x, layer["ffn_norm"])
            gate_up = [dot(row, normed) for row in layer["gate_up"]]
            inner = [multiply(silu(g), u)
                     for g, u in zip(gate_up[:self.n_ff], gate_up[self.n_ff:])]
            out.append([add(v, dot(row, inner)) for v, row in zip(x, layer["down"])])
        return out

    def losses(self, ids, is_target, is_long):
        """-log p of each target of one talk."""
        stream = [self.embedding[i] for i in ids]
        for layer in self.layers:
            stream = self.layer(layer, stream, is_long)
        out = []
        for x, target, counts in zip(stream, ids[1:], is_target[1:]):
            if counts:
                normed = self.norm(x, self.out_norm)
                logits = [dot(row, normed) for row in self.embedding]
                total = add(*(exp(logit) for logit in logits))
                out.append(add(log(total), times(logits[target], -1)))
        return out


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def orthogonalized(x):
    """All singular values near 1, by five rounds of a X + (b A + c A A) X with A = X X^T."""
    if len(x) > len(x[0]):
        return [list(row) for row in zip(*orthogonalized(list(zip(*x))))]
    length = math.sqrt(sum(v * v for row in x for v in row))
    x = [[v / length for v in row] for row in x]
    for _ in range(5):
        a = product(x, list(zip(*x)))
        b = [[-4.775 * p + 2.0315 * q for p, q in zip(*rows)] for rows in zip(a, product(a, a))]
        x = [[3.4445 * p + q for p, q in zip(*rows)] for rows in zip(x, product(b, x))]
    return x


def muon(weights, momentum, gradient, matrix, rate, decay):
    """Change one matrix and its momentum in the flat lists."""
    begin, n_rows, n_cols = matrix
    ahead = []
    for i in range(begin, begin + n_rows * n_cols):
        momentum[i] = 0.95 * momentum[i] + gradient[i]
        ahead.append(gradient[i] + 0.95 * momentum[i])
    rows = orthogonalized([ahead[r * n_cols:(r + 1) * n_cols] for r in range(n_rows)])
    size = rate * 0.2 * math.sqrt(max(n_rows, n_cols))
    for i, direction in enumerate((v for row in rows for v in row), begin):
        weights[i] -= rate * decay * weights[i] + size * direction


def step(recipe, n_vocab, talks, number, state):
    """Step number (from 1) over talks [(ids, is_target)]. state: (weights, moment1, moment2), three
    lists; the new ones and the mean loss are returned."""
    weights, moment1, moment2 = state
    model = Model(recipe, n_vocab, weights)
    is_long = recipe["long_every"] == 1
    losses = [loss for ids, is_target in talks for loss in model.losses(ids, is_target, is_long)]
    loss = times(add(*losses), 1 / len(losses))
    find_gradients(loss)
    length = math.sqrt(sum(n.gradient ** 2 for n in model.numbers))
    assert length > recipe["clip"], "clipping is to be tested too"
    gradient = [n.gradient * recipe["clip"] / length for n in model.numbers]

    rate = recipe["learning_rate"] * number / recipe["warmup_steps"]
    new = ([], [], [])
    for w, m, v, g, decays in zip(weights, moment1, moment2, gradient, model.decays):
        m = recipe["beta1"] * m + (1 - recipe["beta1"]) * g
        v = recipe["beta2"] * v + (1 - recipe["beta2"]) * g * g
        m_mean, v_mean = m / (1 - recipe["beta1"] ** number), v / (1 - recipe["beta2"] ** number)
        w -= rate * (recipe["weight_decay"] if decays else 0) * w
        w -= rate * m_mean / (math.sqrt(v_mean) + recipe["epsilon"])
        for out, value in zip(new, (w, m, v)):
            out.append(value)
    if recipe.get("optimizer") == "muon":  # then that was of the others
        for begin, n_rows, n_cols in model.matrices:
            part = slice(begin, begin + n_rows * n_cols)
            for values, old in zip(new, state):
                values[part] = old[part]
            muon(new[0], new[1], gradient, (begin, n_rows, n_cols), rate, recipe["weight_decay"])
    return new, loss.value
