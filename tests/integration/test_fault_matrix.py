"""test_fault_matrix.py - every fault of protocol.md section 4 at every request
of a push and of a pull: success after a bounded number of attempts, or a
clear error after which the same command succeeds; never a wrong byte.

All of them with MREG_TEST_FULL=1, a sample without."""
import email.utils
import itertools
import json
import random
import re
import shutil
import time

import pytest

import fake
import faults
import foreign
import subjects
from harness import MIB, Mreg, assert_pulled, copy_tree, tree, write

# Positions per fault in the sample.
SAMPLES = 1
# Above those of a run that meets no fault: what bounded means.
MORE_REQUESTS = 150
OK, ANY = "must heal", "may fail"
ANSWERS = "GET (blob|manifest|tags|token)"
SENDS = "(PUT|PATCH) upload|PUT manifest"
UPLOADS = "(PUT|PATCH) upload"
HTML = {"type": "text/html", "body": "<html>no registry here</html>"}
XML = {"type": "application/xml",
       "body": "<Error><Code>AccessDenied</Code></Error>"}
WRONG_DIGEST = "sha256:" + "0" * 64


def challenge(registry):
    return {"set": "WWW-Authenticate", "value":
            f'Bearer realm="http://{registry.host}/_fake/token",'
            f'service="fake"'}


def soon():
    return email.utils.formatdate(time.time() + 2, usegmt=True)


# name: (requests it can happen to, what must come of it, the fault); a
# function is asked at the time.
MATRIX = {
    "reset": (".*", OK, {"drop": True}),
    "reset after doing": (".*", OK, {"drop": True, "late": True}),
    "request reset at once": (SENDS, OK, {"cut_request": True}),
    "request reset": (SENDS, OK, {"cut_request": True, "cut_request_at": 99}),
    "answer cut at once": (ANSWERS, OK, {"cut": True}),
    "answer cut": (ANSWERS, OK, {"cut": True, "cut_at": 20}),
    "answer stalls": ("GET blob", OK, {"stall": True, "stall_at": 9,
                                       "stall_ms": 120}),
    "request stalls": (UPLOADS, OK, {"stall_request": True,
                                     "stall_request_at": 9,
                                     "stall_ms": 120}),
    "401": ("(?!.* token).*", OK, lambda r: {"status": 401, **challenge(r)}),
    "401 without a challenge": ("(?!.* token).*", ANY, {"status": 401}),
    "403": (".*", ANY, {"status": 403, "code": "DENIED"}),
    "404": (".*", ANY, {"status": 404}),
    "429": (".*", OK, {"status": 429, "code": "TOOMANYREQUESTS",
                       "set": "Retry-After", "value": "1"}),
    "429 until a date": (".*", OK, lambda r: {
        "status": 429, "set": "Retry-After", "value": soon()}),
    "500": (".*", OK, {"status": 500}),
    "500 after doing": (".*", OK, {"status": 500, "late": True}),
    "502 HTML": (".*", OK, {"status": 502, **HTML}),
    "503": (".*", OK, {"status": 503, "code": "UNAVAILABLE"}),
    "413 HTML": (SENDS, ANY, {"status": 413, **HTML}),
    "416": (UPLOADS, OK, {"status": 416, "code": "BLOB_UPLOAD_INVALID"}),
    "416 at one byte": (UPLOADS, OK, {"status": 416, "set": "Range",
                                      "value": "0-0"}),
    "416 off by one": (UPLOADS, OK, {"status": 416, "set": "Range",
                                     "value": "bytes=0--1"}),
    "416 of a blob": ("GET blob", ANY, {"status": 416}),
    "session lost": (UPLOADS, OK, {"status": 404,
                                   "code": "BLOB_UPLOAD_UNKNOWN"}),
    "session out of step": (UPLOADS, OK, {"status": 400,
                                          "code": "BLOB_UPLOAD_INVALID"}),
    "digest refused": ("PUT upload", OK, {"status": 400,
                                          "code": "DIGEST_INVALID"}),
    "201 with a stale range": ("PATCH upload", OK, {
        "status": 201, "late": True, "headers": "Range: 0-0\n"}),
    "no location": ("(POST|PATCH) upload", ANY, {"set": "Location"}),
    "location elsewhere": ("(POST|PATCH) upload", ANY, {
        "set": "Location", "value": "http://127.0.0.1:1/nobody"}),
    "location of nothing": ("(POST|PATCH) upload", ANY, {
        "set": "Location", "value": "ftp://127.0.0.1/"}),
    "HEAD 405": ("HEAD .*", ANY, {"status": 405, "code": "UNSUPPORTED"}),
    "HEAD 403": ("HEAD .*", ANY, {"status": 403}),
    "HEAD of another length": ("HEAD (blob|manifest)", ANY, {"lengthen": 5}),
    "a byte too many": ("GET (blob|manifest)", ANY, {"lengthen": 1}),
    "a byte too few": ("GET (blob|manifest)", ANY, {"lengthen": -1}),
    "gzip": ("GET (blob|manifest)", ANY, {"gzip": True}),
    "200 for 206": ("GET blob", OK, {"ignore_range": True}),
    "another range": ("GET blob", ANY, {"set": "Content-Range",
                                        "value": "bytes 5-9/70"}),
    "flipped bit": ("GET (blob|manifest)", ANY, {"flip": True}),
    "chunked": (ANSWERS, OK, {"chunked": True}),
    "chunked and cut": (ANSWERS, OK, {"chunked": True, "cut": True,
                                      "cut_at": 20}),
    "HTML instead": ("GET (blob|manifest|tags|token)", ANY, HTML),
    "another digest told": (".*(blob|manifest|upload)", ANY, {
        "set": "Docker-Content-Digest", "value": WRONG_DIGEST}),
    "no digest told": (".*", OK, {"set": "Docker-Content-Digest"}),
    "no tags": ("GET tags", ANY, {"body": '{"name":"m","tags":null}'}),
    "link to itself": ("GET tags", ANY, {
        "set": "Link", "value": '<tags/list?n=1000>; rel="next"'}),
    "blob unknown": ("PUT manifest", OK, {"hide": True}),
    "blobs collected": ("PUT manifest", OK, {"forget": True}),
    "no manifest location": ("PUT manifest", OK, {"set": "Location"}),
    "slow commit": ("PUT upload", OK, {"delay_ms": 120}),
    "signature expired": ("GET blob", OK, {"status": 403,
                                           "where": "elsewhere", **XML}),
    "referrers 404": ("GET referrers", OK, {"status": 404}),
    "referrers 400": ("GET referrers", OK, {"status": 400}),
    "referrers HTML": ("GET referrers", ANY, HTML),
    "no subject told": ("PUT manifest", OK, {"set": "OCI-Subject"}),
    "storage sends away": ("GET blob", ANY, {
        "status": 307, "where": "elsewhere", "set": "Location",
        "value": "http://127.0.0.1:1/nobody"}),
}

# And from one request of each kind on, for ever: an error after a while.
FOR_EVER = {
    "reset": {"drop": True}, "500": {"status": 500},
    "401": {"status": 401}, "403": {"status": 403},
    "429": {"status": 429, "set": "Retry-After", "value": "1"},
    "404": {"status": 404}, "HTML": HTML,
}


@pytest.fixture(scope="module")
def quick(work):
    return fake.quick(work)


@pytest.fixture(scope="module")
def registry():
    """Tokens, and blobs from storage elsewhere."""
    server = fake.Fake(username="ada", password="s3cret", bearer=True,
                       redirect_blobs=True)
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def model(work):
    rng = random.Random("matrix")
    write(work / "matrix/model.bin", rng.randbytes(200000))
    write(work / "matrix/more/part.bin", rng.randbytes(5000))
    write(work / "matrix/config.json", "{}")
    write(work / "matrix/run.sh", "#!/bin/sh\n", executable=True)
    return work / "matrix"


class Cases:
    """One command, over and over, each time in a home and a place of its
    own.  `prepare`(mreg) makes the home that all begin with, `each`(name) the
    place of one."""

    def __init__(self, binary, box, quick, registry, prepare=None,
                 each=None):
        self.binary, self.box, self.quick = binary, box, quick
        self.each = each
        self.registry, self.warm = registry, None
        self.tried = self.healed = self.failed = 0
        self.wrong, self.number, self.what = [], 0, ""
        if prepare:
            self.warm = box / "warm"
            prepare(self.user(self.warm))

    def user(self, home):
        mreg = Mreg(self.binary, home, env={
            **self.quick, "MREG_REGISTRY": self.registry.host,
            "MREG_JOBS": "1"})
        return self.registry.log_in(mreg)

    def fresh(self):
        """(somebody new, a name of their own)"""
        self.number += 1
        home = self.box / f"home{self.number}"
        if self.warm:
            shutil.copytree(self.warm, home)
        if self.each:
            self.registry.clear()
            self.each(f"case{self.number}")
        return self.user(home), f"case{self.number}"

    def one(self, what, expect, fault, command, check, clean):
        """command(mreg, name) with the fault, and again without."""
        self.what = what
        mreg, name = self.fresh()
        self.registry.clear()
        if fault:
            self.registry.fault(**fault)
        r = command(mreg, name)
        requests = len(self.registry.seen())
        leaks = self.registry.leaks()
        self.registry.clear()
        bad = judge(r, expect)
        if leaks:
            bad.append(f"credentials at {leaks}")
        if requests > clean + MORE_REQUESTS:
            bad.append(f"{requests} requests, where {clean} do")
        bad += check(mreg, name, r.status)
        if r.status != 0:
            again = command(mreg, name)
            if again.status != 0:
                bad.append(f"and not the second time\n{again}")
            bad += check(mreg, name, again.status)
        self.tried += 1
        self.healed += r.status == 0
        self.failed += r.status != 0
        self.wrong += [f"{what}: {b}" for b in bad]
        shutil.rmtree(mreg.home, ignore_errors=True)

    def sweep(self, capsys, title, command, check, share=(0, 1)):
        """All of the matrix at each request of a clean run; of the sample
        the `share`: (which, of how many)."""
        mreg, name = self.fresh()
        self.registry.clear()
        r = command(mreg, name)
        assert r.status == 0, str(r)
        seen = self.registry.seen()
        matrix = list(MATRIX.items())
        which, of = (0, 1) if faults.FULL else share
        for what, (applies, expect, fault) in matrix[which::of]:
            spots = [k for k, x in enumerate(seen)
                     if re.fullmatch(applies, fake.kind(x))]
            if callable(fault):
                fault = fault(self.registry)
            if what == "401":
                # Asked once per request, not twice (P-91).
                spots = [k for k in spots if not repeats(seen, k)]
            if "where" in fault:
                spots = [k for k in spots if seen[k]["elsewhere"]]
            for i in faults.points(len(spots), SAMPLES):
                at = place(fault, seen, spots[i - 1])
                self.one(f"{what} at {at}", expect, {**at, "times": 1},
                         command, check, len(seen))
        kinds = [fake.kind(x) for x in seen]
        firsts = sorted({kinds.index(kind) for kind in kinds})
        for what, fault in list(FOR_EVER.items())[which::of]:
            for i in faults.points(len(firsts), 1):
                at = {**fault, "skip": firsts[i - 1]}
                self.one(f"for ever {what} from {at} ({kinds[at['skip']]})",
                         ANY, at, command, check, len(seen))
        faults.tell(capsys, f"faults at requests: {self.tried} ({title}, "
                            f"{len(seen)} requests), healed: {self.healed}, "
                            f"errors: {self.failed}, violations: "
                            f"{len(self.wrong)}")
        assert not self.wrong, "\n".join(self.wrong)
        assert self.healed > 10 // of and self.failed > 0


def repeats(seen, k):
    """Whether the k-th request is one that was refused before."""
    return any(x["status"] == 401 and x["method"] == seen[k]["method"] and
               x["path"] == seen[k]["path"] for x in seen[:k])


def place(fault, seen, k):
    """The fault at the k-th request of `seen`, told by its kind and how many
    of that came before: others may come in another order."""
    def same(x):
        return fake.kind(x) == fake.kind(seen[k]) and (
            "where" not in fault or x["elsewhere"])

    return {**fault, "method": seen[k]["method"],
            "path": fake.KINDS[fake.kind(seen[k]).split()[1]],
            "skip": sum(map(same, seen[:k]))}


def judge(r, expect):
    if r.status == 0:
        return []
    out = []
    if r.status not in (1, 3, 4, 5, 6, 8, 9):
        out.append(f"exit status {r.status}")
    if expect == OK:
        out.append("does not heal")
    if r.stdout:
        out.append("an answer in spite of the error")
    if "error: " not in r.stderr or "hint: " not in r.stderr:
        out.append("no clear error")
    return [f"{what}\n{r}" for what in out]


@pytest.fixture(scope="module")
def large(work, model):
    """With a file that needs two requests where they are limited."""
    folder = copy_tree(model, work / "matrix-large")
    write(folder / "large.bin", random.Random("large").randbytes(9 * MIB))
    return folder


@pytest.fixture(scope="module")
def narrow():
    """Behind a proxy that takes no large request."""
    server = fake.Fake("cloudflare", username="ada", password="s3cret",
                       bearer=True, redirect_blobs=True)
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize("how", ["streamed", "known", "chunked"])
def test_every_fault_at_every_request_of_a_push(binary, box, quick, request,
                                                how, capsys):
    """Streamed while it is hashed, of known digests, in chunks.

    What the registry holds was proven by it when it came, and the manifest is
    always the same: then so are the files."""
    chunked = how == "chunked"
    registry = request.getfixturevalue("narrow" if chunked else "registry")
    model = request.getfixturevalue("large" if chunked else "model")

    def prepare(mreg):
        mreg.run("push", model, f"warm-{how}/m")

    cases = Cases(binary, box, quick, registry,
                  prepare if how == "known" else None)
    digests = set()

    def command(mreg, name):
        return mreg.run("push", model, f"{name}-{how}/m", status=None)

    def check(mreg, name, status):
        found, wrong = registry.whole(f"{name}-{how}/m")
        digests.update(found.values())
        if status == 0 and len(found) != 1:
            wrong.append(f"versions are {found}")
        return wrong

    cases.sweep(capsys, f"push, {how}", command, check, {
        "streamed": (0, 1), "known": (0, 2), "chunked": (1, 2)}[how])
    assert len(digests) == 1
    cases.user(box / "last").run("pull", f"case1-{how}/m", "-o", box / "out")
    assert_pulled(box / "out", tree(model))


@pytest.fixture(scope="module")
def wide(work):
    """One file that is fetched in several ranges."""
    rng = random.Random("wide")
    write(work / "matrix-wide/wide.bin", rng.randbytes(40 * MIB))
    write(work / "matrix-wide/config.json", "{}")
    return work / "matrix-wide"


def pulled_wrong(out, expected, status):
    found = tree(out) if out.exists() else {}
    wrong = [f"{p} has other bytes" for p, what in found.items()
             if not p.startswith(".mreg-") and what != expected.get(p)]
    if status == 0 and found != expected:
        wrong.append(f"files are {sorted(found)}")
    return wrong


@pytest.mark.parametrize("how", ["small", "ranges"])
def test_every_fault_at_every_request_of_a_pull(binary, box, quick, registry,
                                                request, how, capsys):
    model = request.getfixturevalue("wide" if how == "ranges" else "model")
    name_there = f"to-pull-{how}/m"
    cases = Cases(binary, box, quick, registry)
    cases.user(box / "first").run("push", model, name_there)
    expected = tree(model)

    def command(mreg, name):
        return mreg.run("pull", name_there, "-o", mreg.home / "out",
                        status=None)

    def check(mreg, name, status):
        return pulled_wrong(mreg.home / "out", expected, status)

    cases.sweep(capsys, f"pull, {how}", command, check,
                (1, 2) if how == "ranges" else (0, 1))


# -- copies, with what hangs on a version -----------------------------------------


@pytest.fixture(scope="module")
def source(binary, work, quick, model):
    """A model with two documents."""
    server = fake.Fake(referrers=True)
    mreg = Mreg(binary, work / "matrix-source", env={
        **quick, "MREG_REGISTRY": server.host})
    subject = mreg.json("push", model, "m")["digest"]
    text = server.content("m")["manifests"][subject]
    server.documents = {fake.attach(server, "m", text, kind)
                        for kind in ("card", "report")}
    server.subject, server.name = subject, f"{server.host}/m"
    yield server
    assert server.stop() == 0


def listed(registry, repository, subject):
    """Digests that the fallback tag lists."""
    there = registry.content(repository)
    tag = there["tags"].get(subject.replace(":", "-"))
    index = json.loads(there["manifests"][tag]) if tag else {"manifests": []}
    return {m["digest"] for m in index["manifests"]}


@pytest.mark.parametrize("api", [True, False], ids=["api", "fallback"])
def test_every_fault_at_every_request_of_a_copy(binary, box, quick, source,
                                                api, capsys):
    registry = fake.Fake(username="ada", password="s3cret", bearer=True,
                         referrers=api or 0)
    cases = Cases(binary, box, quick, registry)

    def command(mreg, name):
        return mreg.run("copy", source.name, f"{name}/m", status=None)

    def check(mreg, name, status):
        found, wrong = registry.whole(f"{name}/m")
        there = registry.content(f"{name}/m")["manifests"]
        if status == 0 and list(found.values()) != [source.subject]:
            wrong.append(f"versions are {found}")
        if status == 0 and not source.documents <= set(there):
            wrong.append("not all documents")
        if status == 0 and not api and not source.documents <= \
                listed(registry, f"{name}/m", source.subject):
            wrong.append("the fallback tag does not list all")
        return wrong

    cases.sweep(capsys, "copy, " + ("api" if api else "fallback tag"),
                command, check, (int(api), 2))
    assert registry.stop() == 0


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_an_update_between_get_and_put_is_not_lost(binary, box, quick, source,
                                                   late):
    """Somebody else writes the fallback tag when we do (P-72): after us, and
    what we wrote has to be written again, beside theirs; before us, and
    theirs cannot be known, but ours is there."""
    registry = fake.Fake()
    subject = source.content("m")["manifests"][source.subject]
    theirs = fake.attach(registry, "m", subject, "other")
    registry.fault(method="PUT", path="*/manifests/sha256-*", times=1,
                   late=late, rival=json.dumps({
                       "schemaVersion": 2, "mediaType": fake.INDEX,
                       "manifests": [{
                           "mediaType": fake.MANIFEST, "digest": theirs,
                           "size": len(registry.content("m")["manifests"]
                                       [theirs])}]}))
    mreg = Cases(binary, box, quick, registry).user(box / "home")
    mreg.run("copy", source.name, "m")
    found = listed(registry, "m", source.subject)
    assert source.documents <= found
    assert not late or theirs in found
    assert registry.stop() == 0


# -- what is attached, and what is read of a version ---------------------------


@pytest.mark.parametrize("verb, api", faults.some(
    itertools.product(subjects.DOCUMENTS, (True, False)),
    ("attach", False), ("evaluate", True)))
def test_every_fault_at_every_request_of_a_document(binary, box, quick, model,
                                                    verb, api, capsys):
    """There once, or not at all; and once after the second time."""
    registry = fake.Fake(username="ada", password="s3cret", bearer=True,
                         referrers=api or 0)
    other = Cases(binary, box, quick, registry).user(box / "other")
    report = write(box / "report.md", "# Fine\n")
    cases = Cases(binary, box, quick, registry, each=lambda name: other.run(
        "push", model, f"{name}/m"))
    words = subjects.DOCUMENTS[verb]

    def command(mreg, name):
        return mreg.run(*words(f"{name}/m:v1", report), status=None)

    def check(mreg, name, status):
        found, wrong = registry.whole(f"{name}/m")
        if list(found) != [1]:
            wrong.append(f"versions are {found}")
        return wrong + subjects.attached_wrong(other, f"{name}/m", verb,
                                               status)

    cases.sweep(capsys, f"{verb}, " + ("api" if api else "fallback tag"),
                command, check, (int(api), 2))
    assert registry.stop() == 0


READERS = {
    "inspect": lambda name: ["inspect", f"{name}:v2", "--tensors"],
    "diff": lambda name: ["diff", f"{name}:v1", f"{name}:v2", "--tensors"],
    "card": lambda name: ["card", name],
}


@pytest.mark.parametrize("verb", READERS)
def test_every_fault_at_every_request_of_what_reads(binary, box, quick,
                                                    registry, verb, capsys):
    """Headers by ranges, a card as a whole: what an undisturbed run says, or
    an error.  Of a part of a file no digest is known: what a flipped bit
    makes of it has to be marked as not verified."""
    name = f"read-{verb}/m"
    cases = Cases(binary, box, quick, registry)
    other = cases.user(box / "other")
    for n in (1, 2):
        other.run("push", subjects.rich_model(box / f"r{n}", n), name)
    words = READERS[verb](name)
    said = other.run(*words).stdout
    last = {}

    def command(mreg, _):
        last["run"] = mreg.run(*words, status=None)
        return last["run"]

    def check(mreg, _, status):
        text = last["run"].stdout
        flipped = cases.what.startswith("flipped") and "not verified" in text
        if status == 0 and text != said and not flipped:
            return [f"it says something else\n{last['run']}"]
        return []

    cases.sweep(capsys, f"{verb}, by ranges", command, check,
                (list(READERS).index(verb), len(READERS)))


@pytest.fixture(scope="module")
def packed(binary, work, quick, registry):
    """What others packed, in `registry`."""
    server = fake.Fake()
    subjects.packed(foreign.Registry(server.host, "foreign"))
    mreg = registry.log_in(Mreg(binary, work / "packer", env=quick))
    mreg.run("copy", f"{server.host}/foreign", f"{registry.host}/foreign")
    assert server.stop() == 0
    return "foreign"


@pytest.mark.parametrize("how", subjects.PACKED)
def test_every_fault_at_every_request_of_a_pull_of_archives(
        binary, box, quick, registry, packed, how, capsys):
    expected = subjects.unpacked()
    cases = Cases(binary, box, quick, registry)

    def command(mreg, name):
        return mreg.run(*subjects.pull_packed(packed, how, mreg.home / "out"),
                        status=None)

    def check(mreg, name, status):
        return pulled_wrong(mreg.home / "out", expected, status)

    cases.sweep(capsys, f"pull, {how}", command, check,
                (subjects.PACKED.index(how), len(subjects.PACKED)))


# -- for ever ----------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {"token_uses": 4}, {"location": "absolute"}, {"location": "bare"},
    {"location": "relative"}, {"token_life_s": 1, "commit_ms": 300},
    {"upload_elsewhere": True}, {"redirect_hops": 3},
    {"sign_uses": 1}, {"patch_status": 204}, {"no_digest_header": True},
    {"commit_ms": 200}, {"keeps_partial": True, "quay_ranges": True},
], ids=lambda o: "-".join(map(str, (*o, *o.values()))))
def test_what_a_registry_does_all_the_time(binary, box, quick, model, options):
    """Misbehaviour that no retry ends: it has to be lived with."""
    registry = fake.Fake(username="ada", password="s3cret", bearer=True,
                         redirect_blobs=True, **options)
    cases = Cases(binary, box, quick, registry)
    mreg = cases.user(box / "home")
    mreg.run("push", model, "m")
    mreg.run("pull", "m", "-o", box / "out")
    assert_pulled(box / "out", tree(model))
    found, wrong = registry.whole("m")
    assert list(found) == [1] and not wrong
    assert not registry.leaks()
    assert registry.stop() == 0
