"""talk.py - one talk being written: messages, and how its last answer is checked."""

import check as checks


class Talk:
    """Messages in the form of the trainer's JSON lines. The check always belongs to the last
    answer."""

    def __init__(self, rng, held_out):
        self.rng, self.held_out = rng, held_out
        self.messages, self.check = [], None

    def system(self, text, tools=None):
        """The system message. tools: functions the model may call, in Phi-4-mini's form."""
        message = {"role": "system", "content": text}
        if tools:
            message["tools"] = tools
        self.messages.insert(0, message)

    def user(self, text):
        self.messages.append({"role": "user", "content": text.strip()})

    def result(self, text):
        """What a tool gave back."""
        self.messages.append({"role": "tool", "content": text})

    def answer(self, text, check=None):
        """The assistant's answer, and how a right one is recognised."""
        self.messages.append({"role": "assistant", "content": text})
        self.check = check or checks.same(text)

    def call(self, calls):
        """The assistant calls tools: [{"name": .., "arguments": {..}}, ..]."""
        self.messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        self.check = {"tool_calls": calls}

    def n_chars(self):
        """Of all messages, with a little for the marks between them."""
        return sum(len(text) + 8 for text in self.texts())

    def texts(self):
        """Every text in it, as the tokenizer will meet it."""
        for m in self.messages:
            if m["content"]:
                yield m["content"]
            for name in ("tools", "tool_calls"):
                if name in m:
                    yield checks.dump(m[name])
