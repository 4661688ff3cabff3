"""test_archive.py - the archive that carries a model over an air gap: skopeo
and tar read what `mreg export` writes, and `mreg import` what they write."""
import gzip
import hashlib
import json
import os
import subprocess
import tarfile

import pytest

import harness
from harness import MIB, assert_pulled, tree

EMPTY = b"{}"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def skopeo(*args):
    done = subprocess.run(["skopeo", "--insecure-policy", *map(str, args)],
                          capture_output=True)
    assert done.returncode == 0, f"{args}: {done.stderr.decode()}"
    return done.stdout


def copy(source, target):
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false",
           "--preserve-digests", source, target)


@pytest.fixture
def churn(mreg, models):
    """A model with two versions in the local store; the second is the tree
    `sharded`."""
    mreg.run("push", models("single"), "churn")
    return mreg.json("push", models("sharded"), "churn")


def test_skopeo_reads_what_export_wrote(mreg, churn, plain, models, box):
    mreg.run("export", "churn", box / "churn.tar")
    for tag in "v2", "latest":
        raw = skopeo("inspect", "--raw", f"oci-archive:{box}/churn.tar:{tag}")
        assert digest(raw) == churn["digest"]
    copy(f"oci-archive:{box}/churn.tar:v2",
         f"docker://{plain.host}/archive/churn:v2")
    pulled = mreg.json("pull", f"{plain.host}/archive/churn:v2", "-o",
                       box / "out")
    assert pulled["digest"] == churn["digest"]
    assert_pulled(box / "out", tree(models("sharded")))


def test_import_reads_what_skopeo_wrote(mreg, churn, models, box):
    copy(f"oci:{mreg.store}/churn:v2", f"oci-archive:{box}/theirs.tar:mine")
    mreg.run("import", box / "theirs.tar", "theirs")
    pulled = mreg.json("pull", "theirs:mine", "-o", box / "out")
    assert pulled["digest"] == churn["digest"]
    assert_pulled(box / "out", tree(models("sharded")))


def test_unpacked_it_is_a_layout(mreg, churn, models, box):
    mreg.run("export", "churn", box / "churn.tar")
    (box / "store" / "churn").mkdir(parents=True)
    subprocess.run(["tar", "-xf", box / "churn.tar", "-C",
                    box / "store" / "churn"], check=True)
    pulled = mreg.json("pull", f"oci:{box}/store//churn:v2", "-o",
                       box / "out")
    assert pulled["digest"] == churn["digest"]
    assert_pulled(box / "out", tree(models("sharded")))


def test_what_tar_packed_is_imported(mreg, churn, models, box):
    """Names begin with './', and there are folders."""
    subprocess.run(["tar", "-cf", box / "packed.tar", "-C",
                    f"{mreg.store}/churn", "."], check=True)
    mreg.run("import", box / "packed.tar", "again")
    pulled = mreg.json("pull", "again:v2", "-o", box / "out")
    assert pulled["digest"] == churn["digest"]
    assert_pulled(box / "out", tree(models("sharded")))


def test_headers_say_nothing_of_who_wrote_it(mreg, churn, box):
    mreg.run("export", "churn", box / "churn.tar")
    with tarfile.open(box / "churn.tar") as archive:
        members = archive.getmembers()
        names = [m.name for m in members]
        index = json.load(archive.extractfile("index.json"))
    assert names[0] == "oci-layout" and names[-1] == "index.json"
    assert len(names) == len(set(names))
    for m in members:
        assert (m.mtime, m.uid, m.gid, m.uname, m.gname) == (0, 0, 0, "", "")
        assert m.mode == (0o755 if m.isdir() else 0o644)
    tags = {e["annotations"]["org.opencontainers.image.ref.name"]
            for e in index["manifests"]}
    assert {"v1", "v2", "latest"} <= tags


def test_an_attached_document_comes_along(mreg, churn, box):
    """Put into the store by its digest, as `oras attach` does."""
    document = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "artifactType": "application/vnd.test.card",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json",
                   "digest": digest(EMPTY), "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.empty.v1+json",
                    "digest": digest(EMPTY), "size": 2}],
        "subject": {"mediaType": MANIFEST, "digest": churn["digest"],
                    "size": 1}}).encode()
    store = mreg.store / "churn"
    blobs = store / "blobs" / "sha256"
    for data in EMPTY, document:
        (blobs / digest(data)[7:]).write_bytes(data)
    index = json.loads((store / "index.json").read_text())
    index["manifests"].append({"mediaType": MANIFEST, "size": len(document),
                               "digest": digest(document)})
    (store / "index.json").write_text(json.dumps(index))

    mreg.run("export", "churn", box / "churn.tar")
    mreg.run("import", box / "churn.tar", "other")
    other = mreg.store / "other"
    assert (other / "blobs" / "sha256" / digest(document)[7:]).read_bytes() \
        == document
    index = json.loads((other / "index.json").read_text())
    assert digest(document) in [e["digest"] for e in index["manifests"]]


def test_a_file_that_is_there_is_left_alone(mreg, churn, box):
    (box / "churn.tar").write_text("mine")
    got = mreg.fails(4, "export", "churn", box / "churn.tar")
    assert "exists" in got["message"]
    assert (box / "churn.tar").read_text() == "mine"


def test_a_part_of_an_archive_is_refused(mreg, churn, box):
    mreg.run("export", "churn", box / "churn.tar")
    whole = (box / "churn.tar").read_bytes()
    for keep in 0, 511, 512, 5000, -10240, -1024:
        (box / "part.tar").write_bytes(whole[:keep])
        mreg.fails(1, "import", box / "part.tar", "other")
    assert "other" not in mreg.run("ls").stdout


def test_a_compressed_archive_is_refused_with_a_hint(mreg, churn, box):
    mreg.run("export", "churn", box / "churn.tar")
    (box / "churn.tar.gz").write_bytes(
        gzip.compress((box / "churn.tar").read_bytes()))
    got = mreg.fails(1, "import", box / "churn.tar.gz", "other")
    assert "compressed with gzip" in got["message"]
    assert "gzip -d" in got["hint"]


def test_a_flipped_bit_is_found(mreg, churn, box):
    mreg.run("export", "churn", box / "churn.tar")
    with tarfile.open(box / "churn.tar") as archive:
        largest = max(archive.getmembers(), key=lambda m: m.size)
    with open(box / "churn.tar", "r+b") as f:
        f.seek(largest.offset_data + largest.size // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 4]))
    got = mreg.fails(6, "import", box / "churn.tar", "other")
    assert largest.name.rsplit("/", 1)[1] in str(got)
    index = json.loads((mreg.store / "other" / "index.json").read_text())
    assert index["manifests"] == []


def test_a_killed_export_leaves_nothing(mreg, box):
    """Killed when it has read half of what it copies."""
    folder = box / "model"
    harness.write(folder / "weights.bin", os.urandom(64 * MIB))
    mreg.run("push", folder, "large")
    (box / "to").mkdir()
    process = mreg.start("export", "large", box / "to" / "large.tar")
    io = f"/proc/{process.pid}/io"
    while process.poll() is None:
        try:
            read = int(open(io).read().split("rchar: ")[1].split()[0])
        except (OSError, IndexError):
            break
        if read > 32 * MIB:
            break
    harness.kill(process)
    there = os.listdir(box / "to")
    if process.returncode == 0:  # it was faster
        assert there == ["large.tar"]
    else:
        assert there == []
        mreg.run("export", "large", box / "to" / "large.tar")
    mreg.run("import", box / "to" / "large.tar", "again")
