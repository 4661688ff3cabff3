"""test_image_faults.py - `mreg image` is killed, loses its registry, runs out of
disk, reads wrong bytes: nothing is under a tag that is not whole, and the same
command again gives the image that it would have given."""
import hashlib
import json
import os
import random
import shutil
import sys
import time

import pytest

import fake
import faults
import foreign
import harness
import test_disk_full
import test_fault_matrix
from harness import MIB, Mreg, finish, kill, write
from test_disk_full import disk, target  # noqa: F401
from test_fault_matrix import quick, registry  # noqa: F401
from test_kill import pusher  # noqa: F401

sys.path.append(str(harness.ROOT / "tests/cli"))

from images import Base  # noqa: E402

# In each place: by the clock, and of the calls of each kind.
MOMENTS = 60 if faults.FULL else 8
CALLS = {"local": 20, "http": 10} if faults.FULL else {"local": 1, "http": 2}
KINDS = {"local": [*((kind, "kill") for kind in faults.CLASSES),
                   ("write", "torn")],
         "http": [("send", "kill"), ("send", "torn"), ("name", "kill")]}
IMAGE_TAGS = {"v1-image", "latest-image"}


@pytest.fixture(scope="module")
def model(work):
    """Two layers of weights, one of small files."""
    rng = random.Random("image faults")
    for i in 1, 2:
        write(work / f"to-image/part-{i}.bin", rng.randbytes(2 * MIB + i))
    write(work / "to-image/config.json", '{"model_type": "bert"}\n')
    write(work / "to-image/run.sh", "#!/bin/sh\n", executable=True)
    return work / "to-image"


@pytest.fixture(scope="module")
def fault(work):
    return faults.Faults(work)


def tags(who, name):
    """{tag: digest} of the siblings in who's store."""
    registry = getattr(who, "registry", None)
    if registry:
        found = {tag: registry.get(
            f"/v2/{name}/manifests/{tag}", f"{fake.MANIFEST}, {fake.INDEX}")
            for tag in registry.tags(name)}
        found = {tag: "sha256:" + hashlib.sha256(body).hexdigest()
                 for tag, (status, body) in found.items() if status == 200}
    else:
        found = faults.layout_tags(who.store / name)
    return {tag: d for tag, d in found.items() if tag.endswith("-image")}


class Subject:
    """The same model under names of their own, whose image is the same."""

    def __init__(self, who, model, prefix):
        self.who, self.model, self.prefix = who, model, prefix
        first = self.push("first")
        begin = time.monotonic()
        who.run("image", f"{first}:v1")
        self.seconds = time.monotonic() - begin
        found = tags(who, first)
        assert set(found) == IMAGE_TAGS, found
        self.digest, = set(found.values())

    def push(self, what):
        name = f"{self.prefix}-{what}/m"
        self.who.run("push", self.model, name)
        return name

    def wrong(self, name):
        """What is wrong with what is under tags."""
        versions, wrong = faults.look(self.who, name)
        if list(versions) != [1]:
            wrong.append(f"versions are {versions}")
        for tag, digest in tags(self.who, name).items():
            if tag not in IMAGE_TAGS or digest != self.digest:
                wrong.append(f"{tag} is {digest}")
        return wrong

    def wrong_again(self, name):
        """The same, and what is wrong when it runs once more."""
        wrong = self.wrong(name)
        r = self.who.run("image", f"{name}:v1", status=None)
        if r.status != 0:
            return [*wrong, str(r)]
        if set(tags(self.who, name)) != IMAGE_TAGS:
            wrong.append(f"tags are {tags(self.who, name)}")
        return wrong + self.wrong(name)

    def forget(self):
        """What it remembers of layers, so that they are read anew."""
        shutil.rmtree(self.who.env["XDG_CACHE_HOME"], ignore_errors=True)


def test_an_image_killed_at_any_moment_is_whole_or_not_there(pusher, model,  # noqa: F811
                                                             capsys):
    subject = Subject(pusher, model, "killed")
    met, wrong = 0, []
    for i in range(MOMENTS):
        name = subject.push(str(i))
        if i % 2:
            subject.forget()
        process = pusher.start("image", f"{name}:v1")
        time.sleep(subject.seconds * (i + 0.5) / MOMENTS)
        met += process.poll() is None
        kill(process)
        wrong += [f"moment {i}: {w}" for w in subject.wrong_again(name)]
    faults.tell(capsys, f"kill points tried: {met} by the clock, violations: "
                        f"{len(wrong)} (image-{pusher.where})")
    assert not wrong, "\n".join(wrong)
    assert met >= MOMENTS / 3


def test_an_image_killed_at_any_call_is_whole_or_not_there(pusher, model,  # noqa: F811
                                                           fault, capsys):
    subject = Subject(pusher, model, "calls")
    tried, wrong = 0, []
    for kind, do in KINDS[pusher.where]:
        name = subject.push(f"{kind}-{do}-0")
        pusher.run("image", f"{name}:v1", env=fault.env([kind], 0))
        for n in faults.points(fault.count, CALLS[pusher.where]):
            name = subject.push(f"{kind}-{do}-{n}")
            subject.forget()
            r = pusher.run("image", f"{name}:v1", status=None,
                          env=fault.env([kind], n, do))
            assert r.status in (0, -9), str(r)
            tried += r.status == -9
            wrong += [f"{kind} {do} {n}: {w}"
                      for w in subject.wrong_again(name)]
    faults.tell(capsys, f"kill points tried: {tried}, violations: "
                        f"{len(wrong)} (image-{pusher.where})")
    assert not wrong, "\n".join(wrong)
    assert tried >= 4, tried


def test_a_registry_that_goes_in_the_middle(binary, box, quick,  # noqa: F811
                                            model):
    """An error that says what to do; with the registry back, the image."""
    there = harness.Registry(box / "registry")
    try:
        who = Mreg(binary, box / "user", env={
            **quick, "MREG_REGISTRY": there.host})
        who.registry = there
        subject = Subject(who, model, "gone")
        failed = 0
        for i in range(2):
            name = subject.push(str(i))
            subject.forget()
            process = who.start("image", f"{name}:v1")
            time.sleep(subject.seconds * (i + 1) / 3)
            there.kill()
            r = finish(process)
            there.start()
            assert r.status in (0, 8), str(r)
            failed += r.status == 8
            assert r.status == 0 or "hint: " in r.stderr, str(r)
            assert not subject.wrong_again(name)
        assert failed > 0
    finally:
        there.kill()


def test_every_fault_at_every_request_of_an_image(
        binary, box, quick, registry, model, capsys):  # noqa: F811
    digests = set()

    def each(name):
        first.run("push", model, f"{name}-image/m")

    def command(mreg, name):
        return mreg.run("image", f"{name}-image/m:v1", status=None)

    def check(mreg, name, status):
        there = registry.content(f"{name}-image/m")
        _, wrong = registry.whole(f"{name}-image/m")
        found = {tag: d for tag, d in there["tags"].items()
                 if tag.endswith("-image")}
        digests.update(found.values())
        if status == 0 and set(found) != IMAGE_TAGS:
            wrong.append(f"tags are {found}")
        return wrong

    cases = test_fault_matrix.Cases(binary, box, quick, registry, each=each)
    first = cases.user(box / "first")
    cases.sweep(capsys, "image", command, check, (1, 6))
    assert len(digests) == 1


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_what_a_registry_collects_meanwhile_is_sent_again(binary, box, skip):
    """Layers of the base too, and a platform's manifest before the index."""
    there = fake.Fake()
    who = Mreg(binary, box / "user", env={"MREG_REGISTRY": there.host})
    Base(box / "busybox")
    who.run("push", harness.small_model(box / "m", 1), "m")
    there.fault(method="PUT", path="*/manifests/sha256*", forget=True,
                skip=skip, times=1)
    r = who.run("image", "m", "--base", f"oci:{box}//busybox:1", "-v",
                status=None)
    assert r.status == 0, str(r)
    assert "sent again" in r.stderr
    found = there.content("m")
    children = json.loads(found["manifests"][found["tags"]["v1-image"]])[
        "manifests"]
    assert len(children) == 2
    for child in children:
        document = json.loads(found["manifests"][child["digest"]])
        assert len(document["layers"]) > 1
        for d in [document["config"], *document["layers"]]:
            assert found["blobs"][d["digest"]] == d["size"]
    assert there.stop() == 0


@pytest.mark.parametrize("mounts", [True, False])
def test_layers_of_a_base_in_the_same_registry_are_mounted(binary, box, mounts):
    """Nothing is sent of them; where that is refused they are copied."""
    there = fake.Fake(mounts=int(mounts))
    who = Mreg(binary, box / "user", env={"MREG_REGISTRY": there.host})
    Base(box / "busybox")
    who.run("copy", f"oci:{box}//busybox", "busybox")
    who.run("push", harness.small_model(box / "m", 1), "m")
    before = len(there.seen())
    made = who.json("image", "m", "--base", "busybox:1")
    asked = [q for q in there.seen()[before:] if "mount=" in q["path"]]
    below = {row["digest"]: row["action"] for row in made["layers"]
             if row["source"] == "base"}
    assert len(below) == 2
    assert set(below.values()) == {"reuse" if mounts else "send"}
    assert {q["status"] for q in asked} == {201 if mounts else 202}
    assert set(below) <= set(there.content("m")["blobs"])
    assert there.stop() == 0


def test_a_registry_that_lies_about_what_it_lacks(binary, box):
    """Nothing of ours is missing: it is not asked over and over."""
    there = fake.Fake()
    who = Mreg(binary, box / "user", env={"MREG_REGISTRY": there.host})
    who.run("push", harness.small_model(box / "m", 1), "m")
    there.fault(method="PUT", path="*/manifests/sha256*", status=400,
                code="MANIFEST_BLOB_UNKNOWN", detail=fake.digest_of(b"other"))
    why = who.fails(4, "image", "m")
    assert "unknown" in json.dumps(why).lower() and why["hint"]
    asked = [q for q in there.seen() if q["method"] == "PUT" and
             q["status"] == 400]
    assert len(asked) == 1
    assert "v1-image" not in there.content("m")["tags"]
    assert there.stop() == 0


def test_an_alias_that_moves_meanwhile_keeps_its_own_image(binary, box):
    """Its sibling is set by one after the other had moved both."""
    there = fake.Fake()
    who = Mreg(binary, box / "one", env={"MREG_REGISTRY": there.host})
    other = Mreg(binary, box / "other", env={"MREG_REGISTRY": there.host})
    for n in 1, 2:
        who.run("push", harness.small_model(box / f"m{n}", n), "m")
    who.run("image", "m:v2")
    who.run("alias", "set", "m:v1", "staging")
    there.fault(method="PUT", path="*/manifests/staging-image",
                delay_ms=1000, times=1)
    process = who.start("image", "m:v1")
    while "v1-image" not in there.content("m")["tags"]:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    other.run("alias", "set", "m:v2", "staging")
    r = finish(process)
    assert r.status == 0, str(r)
    found = there.content("m")["tags"]
    assert found["staging"] == found["v2"]
    assert found["staging-image"] == found["v2-image"]
    assert "staging-image" not in r.stdout
    assert there.stop() == 0


class Rival:
    """Somebody who makes the image of m:v1 otherwise, and had not seen ours."""

    def __init__(self, binary, box):
        self.there = fake.Fake(tag_delete=True)
        self.who = Mreg(binary, box / "user",
                        env={"MREG_REGISTRY": self.there.host})
        self.who.run("push", harness.small_model(box / "m", 1), "m")
        self.theirs = self.who.json("image", "m", "--platform",
                                    "linux/amd64")["digest"]
        self.text = self.there.content("m")["manifests"][self.theirs]
        for tag in IMAGE_TAGS:
            fake.send(self.there, "DELETE", f"/v2/m/manifests/{tag}")
        assert not IMAGE_TAGS & set(self.tags())

    def tags(self):
        return self.there.content("m")["tags"]

    def put(self, tag):
        fake.send(self.there, "PUT", f"/v2/m/manifests/{tag}",
                  self.text.encode(), fake.INDEX)


@pytest.fixture
def rival(binary, box):
    rival = Rival(binary, box)
    yield rival
    assert rival.there.stop() == 0


def assert_lost(rival, r, tags, says):
    """Who lost is told, and what is there is the other's."""
    assert r.status == 4 and not r.stdout, str(r)
    error = json.loads(r.stderr.splitlines()[-1])["error"]
    assert error["code"] == "conflict" and says in error["message"]
    found = {t: d for t, d in rival.tags().items() if t.endswith("-image")}
    assert found == dict.fromkeys(tags, rival.theirs)
    assert rival.there.whole("m")[1] == []


def test_whose_image_was_replaced_is_told(rival):
    """Both found the tag free; there is no lock."""
    rival.there.fault(method="PUT", path="*/manifests/v1-image", times=1,
                      late=True, rival=rival.text)
    assert_lost(rival, rival.who.run("image", "m", "--json", status=None),
                {"v1-image"}, "by someone else meanwhile")


@pytest.mark.parametrize("method", ["HEAD", "PUT"])
def test_names_follow_the_image_that_replaced_ours(rival, method):
    """The other sets it and the version's names while ours are still to come."""
    rival.there.fault(method=method, path="*/manifests/latest-image",
                      delay_ms=2000, times=1)
    process = rival.who.start("image", "m", "--json")
    while "v1-image" not in rival.tags():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    for tag in sorted(IMAGE_TAGS, reverse=True):
        rival.put(tag)
    assert process.poll() is None
    assert_lost(rival, finish(process), IMAGE_TAGS, "made otherwise")


def test_whose_image_came_last_has_it(rival):
    rival.there.fault(method="PUT", path="*/manifests/v1-image", times=1,
                      rival=rival.text)
    made = rival.who.json("image", "m")
    assert made["digest"] != rival.theirs
    assert {rival.tags()[tag] for tag in IMAGE_TAGS} == {made["digest"]}


# -- full disks --------------------------------------------------------------------


def test_a_full_disk_below_an_image(target, model, disk, capsys):  # noqa: F811
    """The version that was there, or what came of its push, stays whole."""
    def command():
        r = test_disk_full.run(target.mreg, "push", model, target.target)
        return r if r.status != 0 else test_disk_full.run(
            target.mreg, "image", f"{target.target}:v1")

    def check(status):
        found, wrong = target.look()
        if status == 0 and list(found) != [1]:
            wrong.append(f"versions are {found}")
        return wrong

    test_disk_full.sweep(disk, 2 * test_disk_full.size_of(model),
                         f"image to {target.kind}", command, check, capsys,
                         target)


# -- wrong bytes -------------------------------------------------------------------


def blob_path(who, name, digest):
    """Where the store has the bytes of a blob."""
    text = digest.split(":")[1]
    if getattr(who, "registry", None):
        return who.registry.folder / "data/docker/registry/v2/blobs/sha256" / \
            text[:2] / text / "data"
    return who.store / name / "blobs/sha256" / text


def spoil(path, how):
    """Other bytes in a file that is nobody else's."""
    data = bytearray(path.read_bytes())
    if how == "changed":
        data[len(data) // 2] ^= 1
    elif how == "cut":
        del data[-1:]
    else:
        data += b"\0"
    path.unlink()
    path.write_bytes(data)
    os.chmod(path, 0o644)


@pytest.mark.parametrize("file, how", [
    ("part-1.bin", "changed"), ("part-1.bin", "cut"),
    ("config.json", "longer")])
def test_wrong_bytes_of_a_version_make_no_image(binary, box, where, file, how,
                                                model):
    who, name = where, "spoiled/m"
    who.run("push", model, name)
    size = (model / file).stat().st_size
    digest = "sha256:" + hashlib.sha256(
        (model / file).read_bytes()).hexdigest()
    path = blob_path(who, name, digest)
    assert path.stat().st_size == size
    good = path.read_bytes()
    spoil(path, how)
    # Nothing that the push remembered helps.
    shutil.rmtree(who.env["XDG_CACHE_HOME"], ignore_errors=True)
    error = who.fails(6, "image", f"{name}:v1")
    assert error["code"] == "integrity" and error["hint"], error
    assert tags(who, name) == {}
    path.unlink()
    path.write_bytes(good)
    who.run("image", f"{name}:v1")
    assert set(tags(who, name)) == IMAGE_TAGS
    assert faults.look(who, name)[1] == []


def test_an_empty_file_with_the_digest_of_another_makes_no_image(mreg, box):
    """It would never be read."""
    there = foreign.Layout(box / "by-hand", "m")
    row, data = foreign.named(f"{foreign.MODELPACK}weight.v1.raw", b"bytes",
                              filepath="a.bin", title="a.bin")
    row["size"] = 0
    there.manifest("v1", [(row, data)], b"{}",
                   f"{foreign.MODELPACK}config.v1+json",
                   artifact=foreign.MODEL)
    assert mreg.fails(6, "image", f"{there.name}:v1")["code"] == "integrity"
    index = json.loads((there.root / "index.json").read_bytes())
    assert len(index["manifests"]) == 1


@pytest.fixture(params=["local", "http"])
def where(request, binary, box, quick):  # noqa: F811
    """A store of one's own, whose files may be spoiled."""
    who = Mreg(binary, box / "user", env=quick)
    if request.param == "local":
        yield who
        return
    who.registry = harness.Registry(box / "registry")
    who.env["MREG_REGISTRY"] = who.registry.host
    yield who
    who.registry.stop()
