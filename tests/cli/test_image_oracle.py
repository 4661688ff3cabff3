"""test_image_oracle.py - `mreg image` against image_oracle.py, byte for byte, on
folders of all kinds that a seed makes."""
import json
import os
import random

import image_oracle
import pytest
from harness import MIB, ROOT, write

SHELLS = [(name, ROOT / f"src/profile/shell/sh.{name}")
          for name in ("amd64", "arm64")]
SEEDS = range(200) if os.environ.get("MREG_TEST_FULL") else range(12)
# Around what rules turn on: blocks, pages, the size of large files.
SIZES = [0, 1, 2, 511, 512, 513, 1023, 1024, 4095, 4096, 4097, 5 * 4096]
LARGE = [MIB - 1, MIB, MIB + 1, MIB + 511, MIB + 512, MIB + 4095, MIB + 4096,
         MIB + 4097, 2 * MIB]
LETTERS = "abcdefghijklmnopqrstuvwxyzABC019._- +'é模ё\N{BRAIN}"


def a_name(rng, size):
    """Of at most `size` bytes, and nearly so."""
    out = rng.choice("abcxyz")
    while True:
        more = out + rng.choice(LETTERS)
        if len(more.encode()) > size:
            return out.rstrip(" .") or "x"
        out = more


def a_path(rng):
    """Nested or not; paths around the 100 bytes of a header, too."""
    kind = rng.random()
    if kind < 0.4:
        parts = [a_name(rng, rng.randint(1, 30))]
    elif kind < 0.6:
        parts = [a_name(rng, rng.randint(85, 255))]
    elif kind < 0.8:
        parts = [a_name(rng, rng.randint(1, 60))
                 for _ in range(rng.randint(2, 9))]
    else:
        # "models/" counts, too.
        left = rng.randint(90, 96)
        first = rng.randint(1, left - 3)
        parts = ["d" * first, "f" * (left - first - 1)]
    return "/".join(parts)


def make_folder(folder, seed):
    """Up to 300 files."""
    rng = random.Random(seed)
    count = rng.choice([1, 2, 3, 10, 40, 300])
    large = rng.randint(0, min(count, 4))
    taken = set()
    for i in range(count):
        path = a_path(rng)
        # No two that a file system without case, or Unicode's forms, takes
        # for one; and no file where others have a folder.
        folded = path.lower()
        ways = {"/".join(folded.split("/")[:n + 1])
                for n in range(folded.count("/") + 1)}
        if ways & taken or any(t.startswith(folded + "/") for t in taken):
            path = f"f{i}"
        taken.add(path.lower())
        size = rng.choice(LARGE if i < large else SIZES)
        write(folder / path, rng.randbytes(size),
              executable=rng.random() < 0.2)
    return folder


def stored(root, digest):
    return (root / "blobs/sha256" / digest.split(":")[1]).read_bytes()


def tag_of(root, tag):
    index = json.loads((root / "index.json").read_bytes())
    digest, = [e["digest"] for e in index["manifests"]
               if e.get("annotations", {}).get(
                   "org.opencontainers.image.ref.name") == tag]
    return digest


def oracle(folder, root):
    """What the version `v1` in the layout `root` should have as its image."""
    native = tag_of(root, "v1")
    return image_oracle.Image(
        image_oracle.read_folder(folder), native,
        json.loads(stored(root, native)),
        [(name, path.read_bytes()) for name, path in SHELLS])


def assert_same(image, root):
    """Every document and every layer, and that there are no others."""
    for digest, data in image.documents.items():
        assert stored(root, digest) == data
    for layer in image.layers.values():
        assert stored(root, layer.digest) == b"".join(layer.chunks())
    assert tag_of(root, "v1-image") == image.digest


@pytest.mark.parametrize("seed", SEEDS)
def test_the_image_is_the_oracles_byte_for_byte(mreg, store, tmp_path, seed):
    folder = make_folder(tmp_path / "model", seed)
    mreg.run("push", folder, "team/m")
    mreg.run("image", "team/m:v1")
    root = store / "team/m"
    expected = oracle(folder, root)
    # First the documents: a difference there says where it is.
    found = json.loads(stored(root, tag_of(root, "v1-image")))
    wanted = json.loads(expected.index)
    for ours, theirs in zip(wanted["manifests"], found["manifests"]):
        mine = json.loads(expected.documents[ours["digest"]])
        his = json.loads(stored(root, theirs["digest"]))
        assert his["layers"] == mine["layers"]
        assert json.loads(stored(root, his["config"]["digest"])) == \
            json.loads(expected.documents[mine["config"]["digest"]])
        assert his == mine
    assert found == wanted
    assert_same(expected, root)


def test_what_a_version_says_is_in_its_image(mreg, store, tmp_path):
    """Licence, names and times of the version, as annotations and labels."""
    folder = make_folder(tmp_path / "model", "said")
    mreg.run("push", folder, "team/said", "--license", "Apache-2.0",
             "--version-label", "2026.1", "--description", "what it \"is\"",
             env={"SOURCE_DATE_EPOCH": "1700000000"})
    mreg.run("image", "team/said:v1")
    root = store / "team/said"
    assert_same(oracle(folder, root), root)
    assert b"Apache-2.0" in stored(root, tag_of(root, "v1-image"))


def test_more_weights_than_layers_are_put_together(mreg, store, tmp_path):
    rng = random.Random("bins")
    folder = tmp_path / "model"
    for i in range(107):
        write(folder / f"shard-{i:03}.bin",
              rng.randbytes(1000) + bytes(MIB + rng.randrange(5) * 512))
    write(folder / "config.json", "{}")
    mreg.run("push", folder, "team/bins")
    mreg.run("image", "team/bins:v1")
    root = store / "team/bins"
    expected = oracle(folder, root)
    assert len(expected.shared) == 99
    assert_same(expected, root)
