"""test_wrong_bytes.py - a registry whose disk lost a bit: what ends up under a
file's final name, by whom it was pulled."""
import pytest

from harness import small_model, tree


@pytest.fixture
def damaged(serving, mreg, box):
    """A version whose weights are four bytes off in distribution's storage."""
    registry = serving("distribution")
    folder = small_model(box / "m", str(box), size=200_000)
    name = f"{registry.host}/wrong/bytes"
    mreg.run("push", folder, f"{name}:damaged")
    sha = tree(folder)["model.bin"][0]
    blob = registry.folder / "data/docker/registry/v2/blobs/sha256" / \
        sha[:2] / sha / "data"
    with open(blob, "r+b") as f:
        f.seek(1000)
        kept = f.read(4)
        f.seek(1000)
        f.write(bytes(255 - b for b in kept))
    return f"{name}:damaged", sha


def test_mreg_leaves_nothing_wrong_under_a_final_name(damaged, mreg, box):
    ref, sha = damaged
    e = mreg.fails(6, "pull", ref, "-o", box / "out")
    assert e["code"] == "integrity" and sha in e["message"] + e["cause"]
    left = {path for path in tree(box / "out")
            if not path.startswith(".mreg-part-")}
    assert left == set()


def test_oras_fails_and_leaves_the_wrong_file(damaged, oras, box):
    ref, sha = damaged
    oras.run("pull", "--plain-http", "--no-tty", ref, "-o", box / "out",
             status=1)
    assert tree(box / "out")["model.bin"][0] != sha


def test_modctl_does_not_notice(damaged, modctl, box):
    ref, sha = damaged
    modctl.run("--no-progress", "pull", "--plain-http",
               "--extract-from-remote", "--extract-dir", box / "out", ref)
    assert tree(box / "out")["model.bin"][0] != sha
