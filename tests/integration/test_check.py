"""test_check.py - mreg check against a version in a registry: only its
manifest is asked for."""
import pytest

from fake import Fake, kind
from harness import Mreg, small_model, write


@pytest.fixture
def registry():
    with_referrers = Fake(referrers=True)
    yield with_referrers
    with_referrers.stop()


def test_only_the_manifest_is_fetched(registry, binary, box):
    who = Mreg(binary, box / "home")
    folder = small_model(box / "model", 1)
    name = f"{registry.host}/churn"
    who.run("push", folder, name)
    registry.clear()
    other = who.clone(box / "other")
    assert other.json("check", folder, name)["same"]
    seen = {kind(r) for r in registry.seen()}
    assert "GET manifest" in seen
    assert seen <= {"GET manifest", "HEAD manifest", "GET ping"}


def test_what_was_pulled_needs_no_registry(registry, binary, box):
    who = Mreg(binary, box / "home")
    folder = small_model(box / "model", 1)
    name = f"{registry.host}/churn"
    digest = who.json("push", folder, name)["digest"]
    who.run("pull", f"{name}:v1", "-o", box / "out")
    registry.clear()
    r = who.json("check", box / "out")
    assert r["same"] and r["remembered"]
    assert (r["digest"], r["version"], r["name"]) == (digest, "v1", name)
    assert r["tag"] is None
    write(box / "out/model.bin", b"other")
    assert who.run("check", box / "out", status=6).stdout
    assert not registry.seen()
