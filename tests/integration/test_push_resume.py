"""test_push_resume.py - what a push does not send: the beginning of an upload
that was killed, blobs of other repositories, files that are too large; and
what it looks at once more before it publishes."""
import random
import time

import pytest

import fake
from harness import MIB, assert_pulled, kill, tree, write

# Uploads from 16 MiB on are taken up (src/store/remote_upload.h).
LARGE = 80 * MIB


@pytest.fixture
def serve():
    """Start a fake registry; all are stopped at the end."""
    running = []

    def start(profile=None, **options):
        running.append(fake.Fake(profile, **options))
        return running[-1]

    yield start
    for f in running:
        assert f.stop() == 0


@pytest.fixture(scope="module")
def model(work):
    """One large file and two small ones."""
    rng = random.Random("resume")
    block = rng.randbytes(MIB)
    with open(write(work / "to-resume/model.bin", rng.randbytes(MIB)),
              "ab") as f:
        for i in range(LARGE // MIB - 1):
            f.write(i.to_bytes(4, "little") + block[4:])
    write(work / "to-resume/config.json", '{"model_type": "bert"}')
    write(work / "to-resume/README.md", "# Large\n")
    return work / "to-resume"


def killed_push(mreg, registry, model, ref, at, command="push"):
    """A push that is killed when `at` bytes of blobs have arrived; how many
    had."""
    registry.gate(at)
    process = mreg.start(command, model, ref)
    while registry.moved()["in"] < at:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    kill(process)
    registry.gate()
    # What was under way is given up, and what came of it kept or not.
    while registry.moved()["busy"]:
        time.sleep(0.01)
    return registry.moved()["in"]


def pushed_and_whole(mreg, registry, model, ref, box):
    repository = ref.split("/", 1)[1]
    out = mreg.json("push", model, ref)
    found, wrong = registry.whole(repository)
    assert not wrong
    assert found == {out["number"]: out["digest"]}
    mreg.run("pull", ref, "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    return out


def uploads(registry, method):
    return [r for r in registry.seen()
            if r["method"] == method and "/blobs/uploads/" in r["path"]]


# -- killed ------------------------------------------------------------------


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("profile", ["dist3", "s3"])
def test_a_killed_upload_goes_on_where_it_was(serve, mreg, model, box, profile,
                                              known):
    registry = serve(profile)
    if known:  # its digest, by an earlier push to somewhere else
        mreg.run("push", model, "local")
    ref = f"{registry.host}/acme/large"
    before = killed_push(mreg, registry, model, ref, 48 * MIB)
    out = pushed_and_whole(mreg, registry, model, ref, box)
    # What it says that it sent is what arrived, but for small documents.
    sent = registry.moved()["in"] - before
    assert out["bytesSent"] + out["bytesReused"] == out["bytesTotal"]
    assert abs(out["bytesSent"] - sent) < MIB
    # The whole model once, and what was in flight.
    total = sum(p.stat().st_size for p in model.iterdir())
    assert before >= 48 * MIB
    assert registry.moved()["in"] <= total + 16 * MIB


@pytest.mark.parametrize("command", ["copy", "import"])
def test_a_killed_copy_goes_on_where_it_was(serve, mreg, model, box, command):
    registry = serve("dist3")
    mreg.run("push", model, "large")
    mreg.run("export", "large", box / "large.tar")
    source = "large" if command == "copy" else box / "large.tar"
    ref = f"{registry.host}/acme/large"
    before = killed_push(mreg, registry, source, ref, 48 * MIB, command)
    out = mreg.json(command, source, ref)
    sent = registry.moved()["in"] - before
    assert out["bytesSent"] + out["bytesReused"] == out["bytesTotal"]
    assert abs(out["bytesSent"] - sent) < MIB
    assert sent <= LARGE - before + 16 * MIB
    assert not registry.whole("acme/large")[1]


@pytest.mark.parametrize("profile", ["dist28", "zot", "ghcr"])
def test_where_it_is_gone_it_is_sent_again(serve, mreg, model, box, profile):
    registry = serve(profile)
    registry.log_in(mreg)
    ref = f"{registry.host}/acme/large"
    killed_push(mreg, registry, model, ref, 48 * MIB)
    pushed_and_whole(mreg, registry, model, ref, box)


def test_another_user_does_not_take_it_up(serve, mreg, model, box):
    registry = serve("dist3")
    ref = f"{registry.host}/acme/large"
    killed_push(mreg, registry, model, ref, 48 * MIB)
    other = mreg.clone(box / "other")
    other.run("push", model, ref)
    assert not [r for r in uploads(registry, "GET")]


def test_a_connection_that_breaks_goes_on_in_the_same_push(serve, mreg, model,
                                                           box):
    registry = serve("dist3")
    registry.fault(method="PATCH", times=1, cut_request=True,
                   cut_request_at=40 * MIB)
    out = pushed_and_whole(mreg, registry, model, f"{registry.host}/acme/large",
                           box)
    total = sum(p.stat().st_size for p in model.iterdir())
    # All of it by this push, though the upload was taken up.
    assert out["bytesSent"] == total and out["bytesReused"] == 0
    assert registry.moved()["in"] <= total + 16 * MIB


# -- mounts ------------------------------------------------------------------


def test_blobs_of_another_repository_are_mounted(serve, mreg, model, box):
    registry = serve("dist3")
    mreg.run("push", model, f"{registry.host}/acme/one")
    before = registry.moved()["in"]
    out = mreg.json("push", model, f"{registry.host}/acme/two")
    assert registry.moved()["in"] - before < MIB
    assert not registry.whole("acme/two")[1]
    rows = {i["path"]: i["action"] for i in out["files"]}
    assert rows["model.bin"] == "reused"


def test_a_pull_tells_where_blobs_are(serve, mreg, model, box):
    registry = serve("dist3")
    mreg.run("push", model, f"{registry.host}/acme/one")
    other = mreg.clone(box / "other")
    other.run("pull", f"{registry.host}/acme/one", "-o", box / "pulled")
    before = registry.moved()["in"]
    other.run("push", box / "pulled", f"{registry.host}/acme/two")
    assert registry.moved()["in"] - before < MIB


def test_blobs_of_a_parent_are_mounted(serve, mreg, model, box):
    registry = serve("dist3")
    base = f"{registry.host}/acme/base"
    mreg.run("push", model, base)
    tuned = box / "tuned"
    rng = random.Random("tuned")
    write(tuned / "adapter.bin", rng.randbytes(2 * MIB))
    (tuned / "base.bin").hardlink_to(model / "model.bin")
    other = mreg.clone(box / "other")
    before = registry.moved()["in"]
    other.run("push", tuned, f"{registry.host}/acme/tuned", "--parent",
              f"finetune={base}:v1")
    assert registry.moved()["in"] - before < 3 * MIB
    assert not registry.whole("acme/tuned")[1]


def test_a_registry_that_does_not_mount_gets_the_bytes(serve, mreg, box,
                                                       model):
    registry = serve("dist3", mounts="false")
    mreg.run("push", model, f"{registry.host}/acme/one")
    mreg.run("push", model, f"{registry.host}/acme/two")
    assert not registry.whole("acme/two")[1]
    # The session that a refused mount opened is the one that is used.
    mounts = [r for r in uploads(registry, "POST") if "mount=" in r["path"]]
    assert len(mounts) == 1


# -- limits ------------------------------------------------------------------


def test_a_file_above_the_limit_is_refused_before_the_first_byte(serve, mreg,
                                                                 model):
    registry = serve("dist3")
    error = mreg.fails(1, "push", model, f"{registry.host}/acme/large",
                       env={"MREG_LIMIT_LAYER": "64MiB"})
    assert error["code"] == "limit"
    assert "'model.bin' has 80.0 MiB" in error["message"]
    assert "limit.layer" in error["message"]
    assert not [r for r in registry.seen() if r["method"] != "GET"]


def test_a_request_above_the_limit_goes_in_pieces(serve, mreg, model, box):
    registry = serve("dist3")
    mreg.env["MREG_LIMIT_REQUEST"] = "20MiB"
    pushed_and_whole(mreg, registry, model, f"{registry.host}/acme/large", box)
    assert max(r["body"] for r in registry.seen()) == 20 * MIB


def test_a_proxys_limit_is_learned(serve, mreg, model, box):
    registry = serve("cloudflare")
    pushed_and_whole(mreg, registry, model, f"{registry.host}/acme/large", box)
    # The next push begins with pieces that pass.
    registry.clear()
    write(box / "more/model.bin", random.Random("more").randbytes(6 * MIB))
    mreg.run("push", box / "more", f"{registry.host}/acme/more")
    assert 413 not in {r["status"] for r in registry.seen()}


# -- requests ----------------------------------------------------------------


def test_small_blobs_of_a_new_model_are_sent_without_asking(serve, mreg, box):
    registry = serve("dist3")
    rng = random.Random("many")
    for i in range(120):
        write(box / f"many/{i:03}.bin", rng.randbytes(2000))
    mreg.run("push", box / "many", f"{registry.host}/acme/many")
    blobs = [r for r in registry.seen()
             if r["method"] == "HEAD" and "/blobs/" in r["path"]]
    # Those that were asked for side by side before the answers were there.
    assert len(blobs) < 40
    # POST and PUT each; one POST with bytes was tried.
    assert len(uploads(registry, "PATCH")) == 0
    assert not registry.whole("acme/many")[1]


@pytest.mark.parametrize("profile, options", [
    ("dist28", {}), ("dist3", {}), ("ghcr", {}), (None, {
        "username": "ada", "password": "s3cret", "bearer": True})])
@pytest.mark.parametrize("alias", [[], ["--alias", "prod"]])
def test_a_push_with_nothing_to_do_is_three_requests(serve, mreg, box, profile,
                                                     options, alias):
    """At most, challenge and token not counted."""
    registry = serve(profile, **options)
    registry.log_in(mreg)
    rng = random.Random("nothing")
    for i in range(20):
        write(box / f"done/{i:03}.bin", rng.randbytes(2000))
    # Digests of files younger than the clock's tick are not remembered.
    time.sleep(0.2)
    ref = f"{registry.host}/acme/done"
    first = mreg.json("push", box / "done", ref, *alias)
    registry.clear()
    second = mreg.json("push", box / "done", ref, *alias)
    assert second["digest"] == first["digest"]
    assert second["number"] == 1 and second["bytesSent"] == 0
    asked = [fake.kind(r) for r in registry.seen() if r["status"] != 401 and
             fake.kind(r) not in ("GET ping", "GET token", "POST token")]
    assert 1 <= len(asked) <= 3, asked
    assert {kind.split()[0] for kind in asked} <= {"HEAD", "GET"}


def test_a_push_that_was_interrupted_is_asked_for_all(serve, mreg, box):
    registry = serve("dist3")
    rng = random.Random("some")
    for i in range(60):
        write(box / f"some/{i:03}.bin", rng.randbytes(2000))
    ref = f"{registry.host}/acme/some"
    registry.fault(method="PUT", path="*/manifests/*", status=403)
    mreg.run("push", box / "some", ref, status=5)
    registry.clear()
    mreg.run("push", box / "some", ref)
    # Only the event's own.
    assert 2000 not in {r["body"] for r in uploads(registry, "PUT")}


def test_what_the_registry_cannot_tell_of_is_sent_again(serve, mreg, box,
                                                        work):
    """As after a full disk: distribution answers 500 where the link to a blob
    is an empty file, until somebody sends it once more."""
    registry = serve("dist28")
    mreg.env.update(fake.quick(work))
    write(box / "one/model.bin", random.Random("link").randbytes(2 * MIB))
    ref = f"{registry.host}/acme/link"
    registry.fault(method="PUT", path="*/manifests/*", status=403)
    mreg.run("push", box / "one", ref, status=5)
    registry.clear()
    digest, = [d for d, n in registry.content("acme/link")["blobs"].items()
               if n == 2 * MIB]
    # As long as it is asked for once.
    registry.fault(method="HEAD", path=f"*{digest}", times=7, status=500,
                   code="UNKNOWN")
    mreg.run("push", box / "one", ref)
    assert len([r for r in uploads(registry, "PUT")
                if digest[7:] in r["path"]]) == 1
    assert not registry.whole("acme/link")[1]


def test_what_was_found_is_looked_at_again_before_it_is_published(serve, mreg,
                                                                  box):
    registry = serve("dist3")
    write(box / "one/model.bin", random.Random("again").randbytes(2 * MIB))
    ref = f"{registry.host}/acme/again"
    registry.fault(method="PUT", path="*/manifests/*", status=403)
    mreg.run("push", box / "one", ref, status=5)
    registry.clear()
    # Found at first, then collected.
    digest, = [d for d, n in registry.content("acme/again")["blobs"].items()
               if n == 2 * MIB]
    registry.fault(method="HEAD", path=f"*{digest}", skip=1, times=1,
                   status=404)
    mreg.run("push", box / "one", ref)
    assert len([r for r in uploads(registry, "PUT")
                if digest[7:] in r["path"]]) == 1
    assert not registry.whole("acme/again")[1]
