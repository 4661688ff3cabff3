"""test_resume.py - a pull that was interrupted, or lost its connection, and is
run again: what had arrived is not fetched again, and what is wrong is not
used.

The fake registry's gate and faults say when, so nothing depends on time."""
import hashlib
import random
import sqlite3
import time

import pytest

import fake
from harness import MIB, Mreg, assert_pulled, kill, tree, write

SIZE = 40 * MIB
# Progress is recorded that often, and so much is on the way (product.md 5.2).
LOST = 16 * MIB
BUFFERS = MIB


@pytest.fixture(scope="module")
def model(work):
    folder = work / "resume"
    write(folder / "model.bin", random.Random("resume").randbytes(SIZE))
    write(folder / "config.json", "{}")
    return folder


@pytest.fixture
def registry():
    registry = fake.Fake()
    yield registry
    assert registry.stop() == 0


@pytest.fixture
def puller(binary, box, model, registry):
    """Somebody at a registry that has the model; nothing is counted yet."""
    def user(name):
        return Mreg(binary, box / name, env={"MREG_REGISTRY": registry.host})

    user("pusher").run("push", model, "m")
    registry.clear()
    registry.gate(1 << 62)
    return user("home")


def part(out, model):
    digest = hashlib.sha256((model / "model.bin").read_bytes()).hexdigest()
    return out / f".mreg-part-{digest}"


def killed_after(registry, mreg, out, at):
    """A pull that is killed once `at` bytes of blobs have left the registry
    and whoever waits has had them."""
    registry.gate(at)
    process = mreg.start("pull", "m", "-o", out)
    end = time.monotonic() + 300
    while process.poll() is None:
        now = registry.moved()
        if now["out"] >= at and now["waiting"] == now["busy"] > 0:
            break
        assert time.monotonic() < end, "it does not come to the gate"
        time.sleep(0.005)
    assert process.poll() is None
    kill(process)
    registry.gate()
    registry.gate(1 << 62)


def ranges(registry):
    return [r["range"] for r in registry.seen()
            if "/blobs/" in r["path"] and r["method"] == "GET" and r["range"]]


def test_a_killed_pull_goes_on(puller, registry, box, model):
    out = box / "out"
    killed_after(registry, puller, out, 30 * MIB)
    assert part(out, model).exists() and not (out / "model.bin").exists()
    registry.clear()
    puller.run("pull", "m", "-o", out)
    assert_pulled(out, tree(model))
    assert ranges(registry)
    assert registry.moved()["out"] <= SIZE - 30 * MIB + LOST + BUFFERS


def test_it_tells_what_it_fetched_only(puller, registry, box, model):
    out = box / "out"
    killed_after(registry, puller, out, 30 * MIB)
    said = puller.json("pull", "m", "-o", out)
    assert said["bytesTotal"] == SIZE + 2
    assert said["bytesFetched"] <= SIZE - 30 * MIB + LOST + BUFFERS
    assert said["bytesFetched"] + said["bytesReused"] == said["bytesTotal"]


def test_without_its_state_it_begins_anew(puller, registry, box, model):
    out = box / "out"
    killed_after(registry, puller, out, 30 * MIB)
    for path in puller.home.rglob("state*"):
        if path.is_file():
            path.unlink()
    puller.run("pull", "m", "-o", out)
    assert_pulled(out, tree(model))
    assert registry.moved()["out"] >= SIZE


def test_bytes_that_changed_meanwhile_are_not_used(puller, registry, box,
                                                   model):
    out = box / "out"
    killed_after(registry, puller, out, 30 * MIB)
    with open(part(out, model), "r+b") as f:
        f.seek(5 * MIB)
        f.write(b"changed by somebody")
    done = puller.run("pull", "m", "-o", out)
    assert_pulled(out, tree(model))
    assert "is not right" in done.stderr


@pytest.mark.parametrize("record", [
    "", "nonsense", "sha256:00 0-99", "{digest}", "{digest} 0-5 3-9",
    "{digest} 5-99999999999999", "{digest} -1-5", "{digest} 0-41943041",
    "{digest} 0-41943040"])
def test_a_record_is_only_a_hint(puller, registry, box, model, record):
    """Whatever is in the state, the bytes are right in the end."""
    out = box / "out"
    killed_after(registry, puller, out, 20 * MIB)
    digest = part(out, model).name.replace(".mreg-part-", "sha256:")
    found = list(puller.home.rglob("*.db")) + list(
        puller.home.rglob("*.sqlite*"))
    for path in {p for p in found if not p.name.endswith(("-wal", "-shm"))}:
        with sqlite3.connect(path) as db:
            db.execute("update facts set value = ? where scope = 'part'",
                       (record.replace("{digest}", digest),))
    puller.run("pull", "m", "-o", out)
    assert_pulled(out, tree(model))


def test_a_line_that_dies_costs_nothing_of_what_came(puller, registry, box,
                                                     model):
    """Every attempt of the first run breaks off; the second goes on."""
    out = box / "out"
    quick = fake.quick(box)
    mreg = Mreg(puller.binary, puller.home, {**puller.env, **quick})
    blob = "*/blobs/" + part(out, model).name.replace(".mreg-part-", "sha256:")
    registry.fault(path=blob, method="GET", cut=True, cut_at=24 * MIB, times=1)
    # What comes after brings nothing any more.
    registry.fault(path=blob, method="GET", cut=True, cut_at=0)
    mreg.run("pull", "m", "-o", out, status=8)
    assert not (out / "model.bin").exists()
    registry.clear()
    registry.gate(1 << 62)
    puller.run("pull", "m", "-o", out)
    assert_pulled(out, tree(model))
    assert registry.moved()["out"] <= SIZE - 24 * MIB + LOST + BUFFERS
