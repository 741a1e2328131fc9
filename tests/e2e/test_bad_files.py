#!/usr/bin/env python3
"""Model files that are missing, broken, lying or unknown: one line, exit status 1, nothing else."""

import json
import os
import resource
import struct

import harness
from harness import Skip, aeon, check, fails, folder, model, test, works

COMMANDS = (("run", "-p", "a", "-n", "1", "-m"), ("tokenize", "-p", "a", "-m"),
            ("score", "-p", "a", "-m"), ("inspect",), ("chat",))


def refused(path, *says):
    """Every command that takes a model refuses this one and names it."""
    for command in COMMANDS:
        fails(*command, path, says=(str(path), *says))


def broken_copy(change, of=None):
    """A copy of a good model after change(bytearray) has damaged it."""
    data = bytearray((of or model()).read_bytes())
    change(data)
    path = folder() / "broken.gguf"
    path.write_bytes(data)
    return path


def after(data, name):
    """Where the bytes that follow a GGUF string end: keys and tensor names carry their length."""
    wanted = struct.pack("<Q", len(name)) + name.encode()
    at = data.index(wanted)
    return at + len(wanted)


def set_number(key, value):
    """Overwrite the u32 value of a metadata key (its u32 type number stands between)."""
    def change(data):
        at = after(data, key)
        check(struct.unpack_from("<I", data, at)[0] == 4, f"{key} is not a u32")
        struct.pack_into("<I", data, at + 4, value)
    return change


# ---- what is no model file at all ---------------------------------------------------------------

@test
def missing_and_empty_files():
    here = folder()
    refused(here / "missing.gguf")
    refused(here / "no" / "such" / "folder")
    (here / "empty.gguf").touch()
    refused(here / "empty.gguf")


@test
def wrong_magic_and_versions():
    here = folder()
    for name, data in (("text.gguf", b"This is not a model, but long enough to be looked at.\n" * 9),
                       ("short.gguf", b"GG"), ("zeros.gguf", bytes(4096)),
                       ("magic.gguf", b"GGUF"), ("ggml.bin", b"lmgg" + bytes(200))):
        (here / name).write_bytes(data)
        refused(here / name)
    for version, says in ((0, "0"), (1, "1"), (4, "4"), (99, "99"), (0x03000000, "endian")):
        refused(broken_copy(lambda d: struct.pack_into("<I", d, 4, version)), says)


@test
def things_that_are_not_plain_files():
    here = folder()
    os.mkfifo(here / "pipe")
    refused(here / "pipe")
    refused("/dev/zero")
    (here / "loop").symlink_to(here / "loop")
    refused(here / "loop")
    if os.getuid() != 0:
        (here / "secret.gguf").write_bytes(b"GGUF")
        (here / "secret.gguf").chmod(0)
        refused(here / "secret.gguf")


@test
def names_that_try_to_confuse():
    result = aeon("run", "-m", "evil\n\033[31mname.gguf", "-p", "a")
    check(result.code == 1 and len(result.err.splitlines()) == 1 and "\033" not in result.err, result)
    fails("run", "-m", "x" * 5000, "-p", "a")
    fails("run", "-m", "", "-p", "a")


# ---- damaged GGUF ---------------------------------------------------------------------------------

@test
def truncated_files():
    whole = model().read_bytes()
    path = folder() / "cut.gguf"
    cuts = [5, 8, 20, 23, 24, 25, 40, 100, 1000, 5000, len(whole) // 3, len(whole) // 2,
            len(whole) - 5000, len(whole) - 1]
    for cut in cuts:
        path.write_bytes(whole[:cut])
        for command in (COMMANDS[0], COMMANDS[3]):
            fails(*command, path, says=str(path))


@test
def absurd_counts():
    for offset in (8, 16):  # the numbers of tensors and of metadata pairs
        for count in (2**63, 2**64 - 1, 2**32, 10**9):
            refused(broken_copy(lambda d: struct.pack_into("<Q", d, offset, count)))
    # a string that claims to be longer than the file
    for length in (2**64 - 1, 2**63, 2**40):
        refused(broken_copy(lambda d: struct.pack_into("<Q", d, 24, length)))


@test
def numbers_that_contradict_each_other():
    cases = [("phi3.block_count", (0, 3, 513, 2**32 - 1)),
             ("phi3.attention.head_count", (0, 3, 5, 2**31)),
             ("phi3.attention.head_count_kv", (0, 3, 2**31)),
             ("phi3.embedding_length", (0, 255, 2**31)),
             ("phi3.feed_forward_length", (0, 511, 2**32 - 1)),
             ("phi3.rope.dimension_count", (1, 3, 2**31)),
             ("phi3.context_length", (0,)),
             ("tokenizer.ggml.eos_token_id", (1000, 2**31, 2**32 - 1))]
    for key, values in cases:
        for value in values:
            path = broken_copy(set_number(key, value))
            result = fails(*COMMANDS[0], path, says=str(path))
            check(len(result.err) < 700, "a line, not a page", key, value, result)


@test
def unknown_architectures_and_types_are_named():
    def other_architecture(data):
        at = after(data, "general.architecture") + 4 + 8
        data[at:at + 4] = b"rwkv"
    path = broken_copy(other_architecture)
    fails(*COMMANDS[0], path, says=("rwkv", str(path)))

    for number in (16, 31, 39, 40, 43, 999, 2**31):  # iq2_xxs, withdrawn, 4-bit floats, on no list
        def other_type(data):
            at = after(data, "output_norm.weight")
            n_dims = struct.unpack_from("<I", data, at)[0]
            struct.pack_into("<I", data, at + 4 + 8 * n_dims, number)
        path = broken_copy(other_type)
        fails(*COMMANDS[0], path, says=("output_norm.weight", str(path)))


@test
def tensors_that_lie():
    def dims(value):
        def change(data):
            struct.pack_into("<Q", data, after(data, "output_norm.weight") + 4, value)
        return change

    def offset(value):
        def change(data):
            struct.pack_into("<Q", data, after(data, "output_norm.weight") + 4 + 8 + 4, value)
        return change
    for value in (0, 1, 255, 2**63, 2**64 - 1, 2**62):
        path = broken_copy(dims(value))
        fails(*COMMANDS[0], path, says=str(path))
    for value in (1, 31, 2**63, 2**64 - 32, 2**40):
        path = broken_copy(offset(value))
        fails(*COMMANDS[0], path, says=str(path))


@test
def inspect_still_shows_a_model_that_cannot_run():
    def other_architecture(data):
        at = after(data, "general.architecture") + 4 + 8
        data[at:at + 4] = b"rwkv"
    path = broken_copy(other_architecture)
    check("cannot run" in works("inspect", path).text)
    got = works("inspect", path, "--json").json
    check(got["model"] is None and "rwkv" in got["problem"], got["problem"])
    check(got["metadata"]["general.architecture"] == "rwkv")


@test
def inspect_gives_valid_json_whatever_the_bytes():
    def hostile_name(data):
        at = after(data, "general.name") + 4 + 8
        data[at:at + 4] = b"\xff\x1b[m"
    path = broken_copy(hostile_name)
    odd = path.with_name(os.fsdecode(b"odd\xff.gguf"))
    path.rename(odd)
    got = works("inspect", odd, "--json").json
    check(got["file"].endswith("odd\ufffd.gguf"), got["file"])
    check(got["model"]["name"].startswith("\ufffd\x1b[m"), got["model"])
    check(b"\x1b" not in works("inspect", odd).out)


@test
def hostile_keys_are_refused():
    def hostile_key(data):
        at = data.index(b"general.quantization_version")
        data[at:at + 3] = b"\xfe\x1b\n"
    path = broken_copy(hostile_key)
    fails("inspect", path, says=(str(path), "key"))


@test
def an_unknown_template_can_be_chosen():
    def other_template(data):
        at = after(data, "tokenizer.chat_template") + 4
        length = struct.unpack_from("<Q", data, at)[0]
        data[at + 8:at + 8 + length] = b"{{ something_else() }}".ljust(length)
    path = broken_copy(other_template)
    for command in (("run", "-p", "a", "-m"), ("chat",)):
        fails(*command, path, says=("--template", "chatml", str(path)))
    works("run", "-m", path, "-p", "a", "-n", "1", "--template", "phi-4-mini")
    works("run", "-m", path, "-p", "a", "-n", "1", "--raw")
    fails("run", "-m", path, "-p", "a", "--template", "llama-3", says="<|")


# ---- folders and safetensors -----------------------------------------------------------------------

@test
def folders_that_are_no_models():
    here = folder()
    refused(here, "config.json")
    for text in ("", "{", "[]", "[" * 5000, '{"model_type": "phi3"}', '{"model_type": 3}',
                 '{"model_type": "mamba", "architectures": ["MambaForCausalLM"]}',
                 '{"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_size": -1}',
                 '{"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_size": 1e99}'):
        (here / "config.json").write_text(text)
        fails(*COMMANDS[0], here, says=str(here))
    (here / "config.json").write_text('{"architectures": ["MambaForCausalLM"], "model_type": "mamba"}')
    (here / "model.safetensors").write_bytes(safetensors({}, b""))
    (here / "tokenizer.json").write_text("{}")
    fails(*COMMANDS[0], here, says=str(here))


def safetensors(header, data, length=None):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@test
def safetensors_that_lie():
    def one(shape, offsets, kind="F32"):
        return {"a": {"dtype": kind, "shape": shape, "data_offsets": offsets}}
    here = folder()
    path = here / "a.safetensors"
    for data in (b"", b"\0" * 7, safetensors({}, b"", 2**64 - 1), safetensors({}, b"", 10**9),
                 safetensors(b"nonsense", b""), safetensors(b"[" * 9000, b""), safetensors(b"[]", b""),
                 safetensors(one([4], [0, 12]), bytes(16)), safetensors(one([4], [0, 20]), bytes(16)),
                 safetensors(one([4], [16, 0]), bytes(16)), safetensors(one([4], [8, 24]), bytes(16)),
                 safetensors(one([2**32, 2**32], [0, 0]), b""), safetensors(one([-4], [0, 16]), bytes(16)),
                 safetensors(one([4], [0, 16], "F33"), bytes(16)), safetensors(one([2, 2, 1, 1, 1], [0, 16]), bytes(16))):
        path.write_bytes(data)
        fails("inspect", path, says=str(path))
    path.write_bytes(safetensors(one([4], [0, 16]), bytes(16)))
    check(works("inspect", path, "--json", "--tensors").json["n_tensors"] == 1)


# ---- no memory ------------------------------------------------------------------------------------

@test
def no_memory_says_how_much_is_needed():
    def limit(megabytes):
        def apply():
            resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        return apply
    args = ("run", "-m", model(), "-p", "a", "-n", "1", "-t", "1")
    more = {"env": {"OPENBLAS_NUM_THREADS": "1"}}  # each of its threads takes address space
    enough = next((mb for mb in range(100, 1000, 50)
                   if aeon(*args, preexec_fn=limit(mb), **more).code == 0), None)
    if not enough:
        raise Skip("the program needs more address space than that to start (a sanitizer build)")
    big = ("--ctx", "131072", "--kv", "f32")  # 256 MiB of keys and values
    result = fails(*args, *big, preexec_fn=limit(enough), **more, says="memory")
    check(any(unit in result.err for unit in ("MiB", "MB", "GB", "GiB")), result)
    works(*args, *big, preexec_fn=limit(enough + 400), **more)


harness.main()
