"""test_image_large.py - a file of more than eleven octal digits can say, in an
image: with MREG_TEST_FULL=1, for it is 8 GiB that are read and written."""
import json
import os
import tarfile

import faults
import image_oracle
import pytest
from harness import MIB, ROOT, Mreg, write

SIZE = 8192 * MIB + 5

pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(not faults.FULL, reason="MREG_TEST_FULL is not set"),
]


@pytest.fixture
def folder(box):
    """One file, most of which is a hole."""
    top = box / "model"
    write(top / "config.json", "{}")
    with open(top / "huge.bin", "wb") as f:
        f.write(b"begin")
        f.truncate(SIZE)
        f.seek(SIZE - 3)
        f.write(b"end")
    return top


def test_a_file_beyond_8_gib_is_in_an_image(binary, box, folder):
    mreg = Mreg(binary, box / "user")
    mreg.run("push", folder, "m")
    mreg.run("image", "m:v1", "--platform", "linux/amd64")
    root = mreg.store / "m"

    def stored(digest):
        return root / "blobs/sha256" / digest.split(":")[1]

    def tagged(tag):
        digest, = [e["digest"] for e in json.loads(
            (root / "index.json").read_bytes())["manifests"]
            if e.get("annotations", {}).get(
                "org.opencontainers.image.ref.name") == tag]
        return digest

    native = tagged("v1")
    image = image_oracle.Image(
        image_oracle.read_folder(folder), native,
        json.loads(stored(native).read_bytes()),
        [("amd64", (ROOT / "src/profile/shell/sh.amd64").read_bytes())])
    assert tagged("v1-image") == image.digest
    layer = image.shared[0]
    with open(stored(layer.digest), "rb") as f:
        head = f.read(layer.offset)
        # Tar's field of the size: base 256, no digits.
        assert head[-512:][124:136] == b"\x80" + SIZE.to_bytes(11, "big")
        f.seek(layer.offset + SIZE - 3)
        assert f.read(3) == b"end"
        f.seek(0)
        names = [(m.name, m.size) for m in tarfile.open(fileobj=f)]
    assert names == [("models", 0), ("models/huge.bin", SIZE)]
    assert os.path.getsize(stored(layer.digest)) == layer.size
