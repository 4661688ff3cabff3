"""test_hostile_models.py - model files that lie about themselves, by their
numbers in security.md: each is pushed with one clear warning, what inspect
says of it is an error or a warning, and neither takes long or much memory."""
import gzip
import io
import json
import pickle
import struct
import sys
import zipfile

import pytest

import harness
from harness import MIB, ROOT, Mreg, write
from hub import warnings
from weight_files import number, text

CPU_MAX_S = 20  # it takes milliseconds; under a sanitizer a few seconds
PEAK_MAX = 256 * MIB


def u32(*values):
    return b"".join(struct.pack("<I", v) for v in values)


def u64(*values):
    return b"".join(struct.pack("<Q", v) for v in values)


# -- GGUF: ggml, docs/gguf.md -----------------------------------------------------


def gguf(tensors, pairs, body=b""):
    return b"GGUF" + u32(3) + u64(tensors, pairs) + body


def name(data):
    return u64(len(data)) + data


def pair(kind, value, key=b"k"):
    return name(key) + u32(kind) + value


def tensor(dims, kind=0, offset=0, count=None):
    head = name(b"w") + u32(len(dims) if count is None else count) + \
        u64(*dims) + u32(kind) + u64(offset)
    return gguf(1, 0, head + b"\0" * (-(24 + len(head)) % 32) + b"\0" * 32)


GGUF = {
    "H60-magic-only": (b"GGUF", "ends early"),
    "H60-four-bytes": (b"\0\1\2\3", "ends early"),
    "H60-other-magic": (b"\0" * 64, "does not begin with 'GGUF'"),
    "H60-tensors": (gguf(2**64 - 1, 0), "more than any model"),
    "H60-pairs": (gguf(0, 2**64 - 1), "more than any model"),
    "H60-key": (gguf(0, 1, u64(2**63)), "the name of a key has 9223"),
    "H60-string": (gguf(0, 1, pair(8, u64(2**63))), "ends early"),
    "H60-5-dims": (tensor([8, 1, 1, 1, 1]), "has 5 dimensions"),
    "H60-2^32-dims": (tensor([8], count=2**32 - 1), "4294967295 dimensions"),
    "H60-product": (tensor([2**32, 2**32]), "than can be counted"),
    "H60-sum": (tensor([2**62]), "than can be counted"),
    "H60-alignment-0": (gguf(0, 1, pair(4, u32(0), b"general.alignment")),
                        "alignment"),
    "H60-alignment-3": (gguf(0, 1, pair(4, u32(3), b"general.alignment")),
                        "alignment"),
    "H60-alignment-2^31": (gguf(0, 1, pair(4, u32(2**31),
                                           b"general.alignment")),
                           "alignment"),
    "H60-type": (tensor([8], kind=999), "unknown type, 999"),
    "H60-nested-arrays": (gguf(0, 1, pair(9, (u32(9) + u64(1)) * 10**6)),
                          "unknown type, 9"),
    "H61-offset": (tensor([8], offset=2**40), "hole before it"),
    "H61-size": (tensor([2**20]), "ends early"),
}


# -- safetensors ------------------------------------------------------------------


def tensors(header, data=0, size=None):
    header = header if isinstance(header, bytes) else \
        json.dumps(header).encode()
    return u64(len(header) if size is None else size) + header + b"\0" * data


def one(dtype="U8", shape=(4,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape),
            "data_offsets": list(offsets)}


TWICE = b'{"a":%s,"a":%s}' % (json.dumps(one()).encode(),
                              json.dumps(one(offsets=(4, 8))).encode())
SAFETENSORS = {
    "H62-0": (tensors({}, size=0), "0 bytes"),
    "H62-2^64-1": (tensors({}, size=2**64 - 1), "header"),
    "H62-100000001": (tensors({}, size=100_000_001), "header"),
    "H62-longer-than-the-file": (tensors({"a": one()}, 4, 5000), "header"),
    "H62-no-brace": (tensors(b'["a"]   '), "does not begin with"),
    "H62-twice": (tensors(TWICE, 8), "duplicate"),
    "H62-hole": (tensors({"a": one(offsets=(4, 8))}, 8), "hole before it"),
    "H62-overlap": (tensors({"a": one(), "b": one(offsets=(2, 6))}, 6),
                    "overlaps"),
    "H62-shape": (tensors({"a": one(shape=(2**32, 2**32), offsets=(0, 0))}),
                  "than can be counted"),
    "H62-dtype": (tensors({"a": one("F7")}, 4), "unknown dtype"),
    "H62-metadata": (tensors({"__metadata__": {"k": 1}}), "is no string"),
    "H61-behind-the-end": (tensors({"a": one(shape=(2**40,),
                                             offsets=(0, 2**40))}, 4),
                           "ends early"),
}


# -- pickle, zip ------------------------------------------------------------------


def archive(change=lambda data: data, member="net/data.pkl"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr(member, pickle.dumps({"a": 1}, 2))
        z.writestr("net/version", "3\n")
    return change(out.getvalue())


def flip(data):
    """A byte of the first member, whose checksum is then another."""
    at = data.index(b"\x80\x02") + 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def encrypted(data):
    """The flag, in both of a member's headers."""
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        i = data.index(mark) + at
        data = data[:i] + bytes([data[i] | 1]) + data[i + 1:]
    return data


def renamed(data):
    """In the local header only: what is listed is not what is there."""
    return data.replace(b"net/data.pkl", b"net/data.txt", 1)


REFUSED = {
    "H66-crc.pt": (archive(flip), "checksum"),
    "H66-encrypted.pt": (archive(encrypted), "encrypted"),
    "H66-names.pt": (archive(renamed), "header"),
    "H66-7z.pt": (b"7z\xbc\xaf\x27\x1c\0\4" + b"." * 40, "a 7z archive"),
    "H66-7z.bin": (b"7z\xbc\xaf\x27\x1c\0\4" + b"." * 40, "a 7z archive"),
    "H66-gzip.pkl": (gzip.compress(pickle.dumps({}), mtime=0), "gzip"),
    "H67-marks.pkl": (b"\x80\x02" + b"(" * 10**7 + b".", "cannot be inspect"),
    "H67-long.pkl": (b"\x80\x02\x8a" + b"\xff" * 40 + b".", "ends early"),
}

CASES = {f"{key}.gguf": value for key, value in GGUF.items()} | \
    {f"{key}.safetensors": value for key, value in SAFETENSORS.items()} | \
    REFUSED


@pytest.fixture
def measured(mreg, tmp_path):
    """Run with little time, and say how much memory it took at most."""
    report = tmp_path / "used.json"
    who = Mreg(mreg.binary, mreg.home, mreg.env, prefix=[
        "prlimit", f"--cpu={CPU_MAX_S}", sys.executable, "-S",
        ROOT / "tests/support/measure.py", report])
    who.env = mreg.env

    def run(*args, status=0):
        result = who.run(*args, status=None)
        used = json.loads(report.read_text())
        assert used["status"] == status, str(result)
        # A sanitizer keeps what was freed.
        assert used["maxrss_bytes"] < PEAK_MAX or "/asan/" in str(mreg.binary)
        return result

    return run


@pytest.mark.parametrize("path", CASES)
def test_a_file_that_lies_is_an_error_that_names_it(measured, mreg, tmp_path,
                                                    path):
    data, why = CASES[path]
    write(tmp_path / "model" / path, data)
    told = warnings(measured("push", tmp_path / "model", "m"))
    assert [line for line in told if f"'{path}'" in line and why in line], \
        told
    result = measured("inspect", "m", "--tensors", status=1)
    assert result.stdout == ""
    assert f"'{path}' cannot be read: " in result.stderr
    assert why in result.stderr


@pytest.mark.parametrize("path", [
    "H65.safetensors", "H65.bin", "H65.txt", "H65.gguf", "H65.onnx"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_is_told_by_its_content(measured, tmp_path, path, protocol):
    write(tmp_path / "model" / path, pickle.dumps([sys.exit, 1], protocol))
    told, = warnings(measured("push", tmp_path / "model", "m"))
    assert f"'{path}' can run code when it is loaded" in told
    assert "exit" in told


def test_what_is_not_on_the_list_is_unsafe(measured, mreg, tmp_path):
    """H67."""
    write(tmp_path / "model/m.pkl",
          b"\x80\x02cnobody.knows.this\nthing\n)R.")
    told, = warnings(measured("push", tmp_path / "model", "m"))
    assert "it would import nobody.knows.this thing" in told
    f, = mreg.json("inspect", "m", "--tensors")["weights"]["files"]
    assert f["unsafe"] == f["globals"] == ["nobody.knows.this thing"]


@pytest.mark.parametrize("body", [
    b"]" + b"\x94h\0" * 10**6,  # a million names of one list
    b"]q\0" + b"".join(b"](" + b"h%c" % n * 50 + b"eq%c" % (n + 1)
                      for n in range(200)),  # 50^200 elements
    b"r\xff\xff\xff\x7f".join([b"]"] * 1000),  # far behind the memo's end
], ids=["names", "laughs", "far"])
def test_a_memo_of_any_size_costs_little(measured, tmp_path, body):
    """H67."""
    write(tmp_path / "model/m.pkl", b"\x80\x04" + body + b".")
    measured("push", tmp_path / "model", "m")


def test_a_template_is_text_that_is_cut(measured, mreg, tmp_path):
    """H63."""
    script = b"{{ ''.__class__.__mro__ }}<script>alert(1)</script>\x1b[2J"
    write(tmp_path / "model/m.gguf", gguf(0, 2, pair(
        8, name(script + b"x" * (10 * MIB)), b"tokenizer.chat_template") +
        pair(8, name(script), b"general.name")))
    assert warnings(measured("push", tmp_path / "model", "m")) == []
    shown = measured("inspect", "m", "--tensors").stdout
    assert "\x1b" not in shown and len(shown) < 128 << 10
    f, = mreg.json("inspect", "m", "--tensors")["weights"]["files"]
    assert f["trouble"] is None and f["name"] == script.decode()
    kept = f["metadata"]["tokenizer.chat_template"]
    assert kept.startswith(script.decode()) and len(kept) <= 64 << 10


@pytest.mark.parametrize("where", ["../../etc/passwd", "/etc/passwd",
                                   "a/../../b", "C:\\x", "..\\x"])
def test_data_outside_of_the_folder_is_told(measured, tmp_path, where):
    """H68."""
    weights = number(1, 4) + number(2, 1) + text(8, "w") + \
        text(13, text(1, "location") + text(2, where)) + number(14, 1)
    write(tmp_path / "model/m.onnx",
          number(1, 8) + text(7, text(2, "graph") + text(5, weights)) +
          text(8, text(1, "") + number(2, 17)))
    told, = warnings(measured("push", tmp_path / "model", "m"))
    assert "external data outside the model's folder: " in told
    assert where.replace("\\", "\\\\") in told or where in told


def test_code_beside_a_model_is_told(measured, tmp_path):
    """H68."""
    write(tmp_path / "model/config.json", json.dumps(
        {"model_type": "x", "auto_map": {"AutoModel": "modeling.X"}}))
    told, = warnings(measured("push", tmp_path / "model", "m"))
    assert "'config.json' names code of the model's own" in told


LAUGHS = "a0: &a0 lol\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))


@pytest.mark.parametrize("front, why", [
    (LAUGHS, "an anchor ('&')"),
    ("a: !!python/object/apply:os.system [id]\n", "a tag ('!')"),
    ("a: " + "[" * 10**5 + "\n", "README.md"),
    ("a: " + "x" * (10 * MIB) + "\n", "larger than 1 MiB"),
], ids=["laughs", "python", "depth", "10 MiB"])
def test_a_card_that_is_a_trap_is_not_read(measured, mreg, tmp_path, front,
                                           why):
    """H69."""
    write(tmp_path / "model/README.md",
          f"---\nlicense: mit\n{front}---\n# Card\n")
    told, = warnings(measured("push", tmp_path / "model", "m"))
    assert "'README.md'" in told and why in told
    assert "license" not in mreg.json("inspect", "m")["metadata"]
