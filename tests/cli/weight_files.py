"""weight_files.py - weight files by hand: safetensors, GGUF, ONNX and PyTorch
as small as they can be."""
import io
import json
import pickle
import struct
import zipfile

SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I8": 1}


def header(tensors, metadata=None):
    """A safetensors header, with its length, of {name: (dtype, shape)}; and
    how many bytes of values follow."""
    doc, at = {}, 0
    if metadata:
        doc["__metadata__"] = metadata
    for name, (dtype, shape) in tensors.items():
        size = SIZES[dtype]
        for dim in shape:
            size *= dim
        doc[name] = {"dtype": dtype, "shape": list(shape),
                     "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(doc, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, at


def safetensors(tensors, metadata=None, fill=b"\0"):
    begin, size = header(tensors, metadata)
    return begin + fill * size


# -- GGUF, version 3 ----------------------------------------------------------


def gguf(tensors, **pairs):
    """Of {name: shape}, all float32, and what is told as texts and numbers; a
    dot in a key is written as two underscores."""
    def string(data):
        return struct.pack("<Q", len(data)) + data.encode()

    out = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(pairs))
    for key, value in pairs.items():
        out += string(key.replace("__", "."))
        out += struct.pack("<II", 4, value) if isinstance(value, int) else \
            struct.pack("<I", 8) + string(value)
    at = 0
    for name, shape in tensors.items():
        out += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape),
                                          *shape, 0, at)
        size = 4
        for dim in shape:
            size *= dim
        at += size + -size % 32
    return out + bytes(-len(out) % 32 + at)


# -- PyTorch: a zip with a pickle in it ---------------------------------------


def pytorch(value, data=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, content in (("data.pkl", pickle.dumps(value, 2)),
                              ("version", b"3\n"), ("data/0", data)):
            z.writestr(zipfile.ZipInfo(f"archive/{name}"), content)
    return out.getvalue()


# -- ONNX: onnx.proto3 ------------------------------------------------------------


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def text(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


ELEMENTS = {"float32": 1, "int32": 6, "int64": 7, "string": 8, "float16": 10}


def port(field, name, dtype, dims):
    """ValueInfoProto; a dimension is a number or a name, `dims` None: no
    shape."""
    shape = b""
    if dims is not None:
        shape = text(2, b"".join(
            text(1, number(1, d) if isinstance(d, int) else text(2, d))
            for d in dims))
    tensor = number(1, ELEMENTS[dtype]) + shape
    return text(field, text(1, name) + text(2, text(1, tensor)))


def onnx(inputs, outputs, weights=(), producer="by hand", opset=17):
    """ModelProto: inputs and outputs are {name: (dtype, dims)}, weights
    (name, float32 values' count)."""
    node = b"".join(text(1, name) for name in inputs) + \
        b"".join(text(2, name) for name in outputs) + text(4, "Identity")
    graph = text(1, node) + text(2, "graph")
    for name, count in weights:
        graph += text(5, number(1, count) + number(2, ELEMENTS["float32"]) +
                      text(8, name) + text(9, b"\0" * 4 * count))
    for name, (dtype, dims) in inputs.items():
        graph += port(11, name, dtype, dims)
    for name, (dtype, dims) in outputs.items():
        graph += port(12, name, dtype, dims)
    return number(1, 8) + text(2, producer) + text(7, graph) + \
        text(8, text(1, "") + number(2, opset))
