"""A small reader and writer of GGUF files for the tests, independent of the C code.

    g = gguf.read(path)
    g.metadata["phi3.block_count"]          a Python value
    g.tensors["token_embd.weight"].values() an array('f'), for F32, F16 and BF16
    gguf.write(path, g.metadata, g.types, tensors)
"""

import array
import dataclasses
import pathlib
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?",
           U64: "Q", I64: "q", F64: "d"}
TYPE_F32, TYPE_F16, TYPE_BF16 = 0, 1, 30
VALUE_BYTES = {TYPE_F32: 4, TYPE_F16: 2, TYPE_BF16: 2}


@dataclasses.dataclass
class Tensor:
    dims: tuple  # dims[0] is the length of a row
    type: int
    data: bytes

    def values(self):
        """The numbers as an array('f')."""
        if self.type == TYPE_F32:
            return array.array("f", self.data)
        count = len(self.data) // 2
        if self.type == TYPE_F16:
            return array.array("f", struct.unpack(f"<{count}e", self.data))
        if self.type == TYPE_BF16:
            wide = bytearray(count * 4)  # a bf16 is the upper half of a float
            wide[2::4], wide[3::4] = self.data[0::2], self.data[1::2]
            return array.array("f", bytes(wide))
        raise ValueError(f"type {self.type} is quantized")


@dataclasses.dataclass
class File:
    metadata: dict  # key -> value
    types: dict     # key -> GGUF type, or (ARRAY, element type)
    tensors: dict   # name -> Tensor


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def scalar(self, kind):
        format_ = "<" + FORMATS[kind]
        return struct.unpack(format_, self.take(struct.calcsize(format_)))[0]

    def string(self):
        return self.take(self.scalar(U64)).decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == STRING:
            return self.string(), kind
        if kind != ARRAY:
            return self.scalar(kind), kind
        element, count = self.scalar(U32), self.scalar(U64)
        if element == STRING:
            return [self.string() for _ in range(count)], (ARRAY, element)
        format_ = f"<{count}{FORMATS[element]}"
        return list(struct.unpack(format_, self.take(struct.calcsize(format_)))), (ARRAY, element)


def read(path):
    reader = Reader(pathlib.Path(path).read_bytes())
    if reader.take(4) != b"GGUF" or reader.scalar(U32) != 3:
        raise ValueError(f"{path}: not a GGUF v3 file")
    n_tensors, n_pairs = reader.scalar(U64), reader.scalar(U64)
    metadata, types, entries = {}, {}, []
    for _ in range(n_pairs):
        key = reader.string()
        metadata[key], types[key] = reader.value(reader.scalar(U32))
    for _ in range(n_tensors):
        name = reader.string()
        dims = tuple(reader.scalar(U64) for _ in range(reader.scalar(U32)))
        entries.append((name, dims, reader.scalar(U32), reader.scalar(U64)))
    alignment = metadata.get("general.alignment", 32)
    base = -(-reader.at // alignment) * alignment
    ends = sorted([offset for *_, offset in entries] + [len(reader.data) - base])
    tensors = {}
    for name, dims, type_, offset in entries:
        size = ends[ends.index(offset) + 1] - offset  # of a quantized tensor: with its padding
        if type_ in VALUE_BYTES:
            size = VALUE_BYTES[type_]
            for dim in dims:
                size *= dim
        tensors[name] = Tensor(dims, type_, reader.data[base + offset:base + offset + size])
    return File(metadata, types, tensors)


def pack_string(text):
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw


def pack_value(value, kind):
    if kind == STRING:
        return pack_string(value)
    if isinstance(kind, tuple):
        head = struct.pack("<IQ", kind[1], len(value))
        if kind[1] == STRING:
            return head + b"".join(map(pack_string, value))
        return head + struct.pack(f"<{len(value)}{FORMATS[kind[1]]}", *value)
    return struct.pack("<" + FORMATS[kind], value)


def write(path, file):
    """Write a File; tensors in their order, aligned to 32 bytes."""
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(file.tensors), len(file.metadata)))
    for key, value in file.metadata.items():
        kind = file.types[key]
        out += pack_string(key) + struct.pack("<I", kind[0] if isinstance(kind, tuple) else kind)
        out += pack_value(value, kind)
    offset = 0
    for name, tensor in file.tensors.items():
        out += pack_string(name) + struct.pack("<I", len(tensor.dims))
        out += struct.pack(f"<{len(tensor.dims)}Q", *tensor.dims)
        out += struct.pack("<IQ", tensor.type, offset)
        offset += -(-len(tensor.data) // 32) * 32
    for tensor in file.tensors.values():
        out += bytes(-len(out) % 32) + tensor.data
    pathlib.Path(path).write_bytes(out + bytes(-len(out) % 32))
