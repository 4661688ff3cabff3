"""test_copy.py - whole models and single versions between Debian's registry
and local stores: everything arrives under the digests it had, nothing that is
there is overwritten, and what broke off is continued."""
import hashlib
import json
import random
import urllib.request

import pytest

import fake
import faults
import harness
from harness import MIB, finish, small_model, write

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
         "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest()}
SAMPLES = 4
RELEASE = "1.2.0"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def desc(data, kind=MANIFEST, **more):
    return {"mediaType": kind, "digest": digest(data), "size": len(data),
            **more}


def pack(kind=MANIFEST, **members):
    return json.dumps({"schemaVersion": 2, "mediaType": kind,
                       **members}).encode()


# -- a registry, without mreg -----------------------------------------------------


class Repository:
    def __init__(self, registry, name):
        self.registry, self.name = registry, name
        self.ref = f"{registry.host}/{name}"

    def send(self, method, path, data=b"", kind="application/octet-stream"):
        if not path.startswith("http"):
            path = f"http://{self.registry.host}/v2/{self.name}/{path}"
        request = urllib.request.Request(path, data, method=method, headers={
            "Content-Type": kind, "Content-Length": str(len(data))})
        return urllib.request.urlopen(request)

    def blob(self, data):
        where = self.send("POST", "blobs/uploads/").headers["Location"]
        mark = "&" if "?" in where else "?"
        self.send("PUT", f"{where}{mark}digest={digest(data)}", data)
        return desc(data, "application/octet-stream")

    def put(self, data, reference=None, kind=MANIFEST):
        self.send("PUT", f"manifests/{reference or digest(data)}", data, kind)
        return data

    def get(self, reference):
        status, body = self.registry.get(
            f"/v2/{self.name}/manifests/{reference}", f"{MANIFEST}, {INDEX}")
        return body if status == 200 else None

    def tags(self):
        """{tag: digest} without the fallback tags of referrers."""
        return {t: digest(self.get(t)) for t in self.registry.tags(self.name)
                if not is_fallback(t)}

    def attached(self, subject):
        """Digests of what is attached to it, by the fallback tag."""
        raw = self.get(subject.replace(":", "-"))
        return {d["digest"] for d in json.loads(raw)["manifests"]} \
            if raw else set()

    def missing(self):
        """What tags, and what is attached to what they name, name in vain."""
        seen, todo, out = set(), list(self.tags().values()), []
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            raw = self.get(at)
            if raw is None:
                out.append(at)
                continue
            doc = json.loads(raw)
            todo += [d["digest"] for d in doc.get("manifests", [])]
            todo += self.attached(at)
            for d in [doc["config"], *doc["layers"]] if "layers" in doc else []:
                status, body = self.registry.get(
                    f"/v2/{self.name}/blobs/{d['digest']}")
                if status != 200 or digest(body) != d["digest"]:
                    out.append(d["digest"])
        return out


def is_fallback(tag):
    return len(tag) == 71 and tag.startswith("sha256-")


def document(repository, subject, text, **more):
    """Something attached to `subject`, as oras attach makes it."""
    return pack(artifactType="application/vnd.example.report",
                config=EMPTY, layers=[repository.blob(text.encode())],
                subject=desc(subject), annotations={"org.example.text": text},
                **more)


def list_attached(repository, subject, *documents):
    """What clients write where there is no referrers API."""
    repository.put(pack(INDEX, manifests=[
        desc(d, artifactType="application/vnd.example.report",
             annotations=json.loads(d)["annotations"]) for d in documents]),
        digest(subject).replace(":", "-"), INDEX)


def own(box):
    """A word of this test's alone, fit for a repository."""
    return digest(str(box).encode())[7:19]


@pytest.fixture
def rich(at_plain, plain, box):
    """A model with all that a model can have: (repository, user)."""
    r = Repository(plain, f"rich-{own(box)}")
    for i in range(3):
        small_model(box / "model", f"{box.name}{i}", 30000)
        at_plain.run("push", box / "model",
                     r.ref + ["", ":staging", f":{RELEASE}"][i])
    for alias in ("gone", "kept"):
        at_plain.run("alias", "set", f"{r.ref}:v1", alias)
    at_plain.run("alias", "rm", f"{r.ref}:gone")  # leaves a tombstone
    r.blob(b"{}")
    v1 = r.get("v1")
    report = r.put(document(r, v1, "report"))
    review = r.put(document(r, report, "a review of the report"))
    list_attached(r, v1, report)
    list_attached(r, report, review)
    # Foreign things: an image index, and a signature the old way.
    child = r.put(pack(config=EMPTY, layers=[r.blob(b"child")]))
    r.put(pack(INDEX, manifests=[desc(child)]), "multi", INDEX)
    r.put(pack(config=EMPTY, layers=[r.blob(b"signature")]),
          f"sha256-{digest(v1)[7:]}.sig")
    r.v1, r.report, r.review = digest(v1), digest(report), digest(review)
    return r


def living(tags):
    return {t: d for t, d in tags.items() if t != "gone"}


# -- whole models -----------------------------------------------------------------


def test_a_whole_model_arrives_unchanged(at_plain, rich, plain, box):
    local = f"oci:{box}/store//m"
    back = Repository(plain, f"{rich.name}-back")
    first = at_plain.json("copy", rich.ref, local)
    assert first["documents"] == 2 and first["versions"] == 3
    at_plain.run("copy", local, back.ref)
    assert back.tags() == living(rich.tags())
    assert back.attached(rich.v1) == {rich.report}
    assert back.attached(rich.report) == {rich.review}
    assert back.missing() == []
    for r in (local, back.ref):
        listed = at_plain.json("ls", r)["versions"]
        assert [v["number"] for v in listed] == [3, 2, 1]
        assert not any(v["moved"] for v in listed)


def test_the_same_copy_again_moves_nothing(at_plain, rich, plain, box):
    target = Repository(plain, f"{rich.name}-twice")
    other = f"oci:{box}/store//m"
    at_plain.run("copy", rich.ref, other)
    at_plain.run("copy", other, target.ref)
    for source, to in ((rich.ref, other), (other, target.ref)):
        mark = plain.mark()
        again = at_plain.json("copy", source, to)
        assert again["manifests"] == again["bytesSent"] == 0
        assert {t["action"] for t in again["tags"]} == {"same"}
        written = [r for r in plain.requests(mark)
                   if r[0] not in ("GET", "HEAD") and f"/{target.name}/" in
                   r[1]]
        assert written == []
        assert at_plain.run("copy", source, to).stdout.startswith("unchanged:")


def test_blobs_are_mounted_within_a_registry(at_plain, rich, plain):
    mark = plain.mark()
    r = at_plain.json("copy", rich.ref, f"{rich.ref}-mounted")
    assert r["bytesSent"] == 0
    assert not [q for q in plain.requests(mark)
                if q[0] == "PATCH" or (q[0] == "PUT" and "uploads" in q[1] and
                                       EMPTY["digest"] not in q[1])]


def test_aliases_follow_the_source(at_plain, rich, plain):
    target = Repository(plain, f"{rich.name}-follows")
    at_plain.run("copy", rich.ref, target.ref)
    at_plain.run("alias", "set", f"{target.ref}:v3", "gone")
    at_plain.run("alias", "set", f"{target.ref}:v3", "theirs")
    at_plain.run("alias", "set", f"{rich.ref}:v3", "staging")
    r = at_plain.json("copy", rich.ref, target.ref)
    moved = {t["tag"]: t for t in r["tags"] if t["action"] == "moved"}
    assert set(moved) == {"staging", "gone"}
    assert moved["staging"]["was"] == rich.tags()["v2"]
    aliases = {a["alias"]: a["digest"]
               for a in at_plain.json("alias", "ls", target.ref)["aliases"]}
    v3 = rich.tags()["v3"]
    assert aliases["staging"] == aliases["theirs"] == v3
    assert "gone" not in aliases  # removed there, so removed here
    # The log says so, too: there is nothing that mreg did not do.
    log = at_plain.json("log", target.ref)
    assert "gone: removed, was v3, by copy" in [e["says"]
                                                for e in log["events"]]
    assert all(a["differs"] is None for a in log["aliases"])


def test_a_conflict_writes_nothing(at_plain, rich, plain, box):
    target = Repository(plain, f"{rich.name}-taken")
    small_model(box / "other", "other")
    at_plain.run("push", box / "other", f"{target.ref}:{RELEASE}")
    before, mark = target.tags(), plain.mark()
    error = at_plain.fails(4, "copy", rich.ref, target.ref)
    assert error["code"] == "conflict"
    assert "2 tags with another digest" in error["message"]
    for tag in (RELEASE, "v1"):
        assert (f"{tag} (source {rich.tags()[tag]}, target {before[tag]})"
                in error["cause"])
    assert target.tags() == before
    assert all(r[0] in ("GET", "HEAD") for r in plain.requests(mark))
    assert at_plain.fails(4, "copy", rich.ref, target.ref,
                          "--dry-run") == error


def test_where_all_was_removed_there_is_nothing_to_copy(at_plain, rich, plain,
                                                        box):
    source = Repository(plain, f"{rich.name}-removed")
    source.blob(b"{}")
    source.put(rich.get("gone"), "old")
    target = f"oci:{box}/store//m"
    for option in ([], ["--dry-run"]):
        error = at_plain.fails(3, "copy", source.ref, target, *option)
        assert "nothing to copy" in error["message"] and error["hint"]
    assert not (box / "store/m").exists()
    error = at_plain.fails(3, "export", source.ref, box / "m.tar")
    assert "nothing to copy" in error["message"]
    # What it takes away elsewhere is something.
    at_plain.run("alias", "set", f"{rich.ref}:v1", "old")
    at_plain.run("copy", source.ref, rich.ref)
    assert "old" not in [a["alias"] for a in at_plain.json(
        "alias", "ls", rich.ref)["aliases"]]


def test_a_copy_leaves_higher_versions_the_latest(at_plain, rich, plain, box):
    target = f"{rich.ref}-higher"
    at_plain.run("copy", rich.ref, target)
    small_model(box / "other", "higher")
    v4 = at_plain.json("push", box / "other", target)
    assert v4["number"] == 4
    at_plain.run("copy", rich.ref, target)
    assert at_plain.json("resolve", target)["digest"] == v4["digest"]


def test_two_logs_become_one(at_plain, rich, box):
    """A target that went on by itself takes what the source did since, as
    long as numbers agree."""
    target = f"{rich.ref}-both"
    at_plain.run("copy", rich.ref, target)
    small_model(box / "a", "both-a")
    v4 = at_plain.json("push", box / "a", target)["digest"]
    at_plain.run("copy", f"{rich.ref}:v2", f"{rich.ref}-elsewhere")
    at_plain.run("copy", rich.ref, target)
    small_model(box / "b", "both-b")
    assert at_plain.json("push", box / "b", target)["number"] == 5
    listed = at_plain.json("ls", target)["versions"]
    assert [v["number"] for v in listed] == [5, 4, 3, 2, 1]
    assert listed[1]["digest"] == v4


def test_a_dry_run_says_what_it_would_do(at_plain, rich, plain, box):
    mark = plain.mark()
    r = at_plain.json("copy", rich.ref, f"oci:{box}/dry//m", "--dry-run")
    assert r["dryRun"] and r["bytesSent"] > 30000 and r["versions"] == 3
    assert not (box / "dry").exists()
    assert all(q[0] in ("GET", "HEAD") for q in plain.requests(mark))


@pytest.mark.parametrize("how", ["whole", "version", "rehearsed", "import"])
def test_a_blob_above_the_limit_is_refused_first(at_plain, rich, plain, box,
                                                 how):
    """Before the first byte; the limit is named, and what is there already is
    no trouble."""
    local = f"oci:{box}/store//m"
    at_plain.run("copy", rich.ref, local)
    at_plain.run("export", local, box / "m.tar")
    target = f"{rich.ref}-{how}"
    command = {"whole": ("copy", local, target),
               "version": ("copy", f"{local}:v2", target),
               "rehearsed": ("copy", local, target, "--dry-run"),
               "import": ("import", box / "m.tar", target)}[how]
    limit = {"MREG_LIMIT_LAYER": "20000"}
    mark = plain.mark()
    error = at_plain.fails(1, *command, env=limit)
    assert error["code"] == "limit"
    assert "at most 19.5 KiB (20000) in one layer: set by limit.layer" in \
        error["message"]
    assert error["hint"]
    assert all(r[0] in ("GET", "HEAD") for r in plain.requests(mark))
    at_plain.run(*command)
    at_plain.run(*command, env=limit,
                 status=1 if how == "rehearsed" else 0)


def test_a_tag_that_the_listing_drops_is_copied(at_plain, rich, plain, box):
    """Versions are known from the log, whatever is listed: not v10."""
    registry = fake.Fake("listing-drops")
    try:
        source = f"{registry.host}/m"
        for i in range(10):
            at_plain.run("push", small_model(box / "m", f"drop{i}"), source)
        with fake.opener.open(f"http://{registry.host}/v2/m/tags/list") as a:
            assert "v10" not in json.loads(a.read())["tags"]
        r = at_plain.json("copy", source, f"oci:{box}/store//m")
        assert {f"v{i}" for i in range(1, 11)} <= {t["tag"] for t in r["tags"]}
    finally:
        registry.stop()


@pytest.mark.parametrize("where", ["guarded", "bearer"])
def test_registries_that_want_a_login(request, mreg, plain, box, where):
    """From one registry to another, and within one: each with its own
    credentials, blobs mounted with one token for both repositories."""
    user = request.getfixturevalue(f"at_{where}")
    host = request.getfixturevalue(where).host
    name = f"{host}/copied-{own(box)}"
    small_model(box / "m", where)
    pushed = user.json("push", box / "m", name)["digest"]
    assert user.json("copy", name, f"{name}-near")["bytesSent"] == 0
    user.run("copy", f"{name}-near", f"{plain.host}/from-{where}-{own(box)}")
    user.run("copy", f"{plain.host}/from-{where}-{own(box)}", f"{name}-back")
    assert user.json("resolve", f"{name}-back:v1")["digest"] == pushed
    stranger = user.clone(box / "stranger")
    assert stranger.fails(5, "copy", name, "oci:x//y")["hint"]


# -- one version ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["number", "alias", "digest"])
def test_one_version_keeps_its_number_and_documents(at_plain, rich, plain,
                                                    box, how):
    name = {"number": ":v1", "alias": ":kept", "digest": f"@{rich.v1}"}[how]
    target = Repository(plain, f"{rich.name}-one-{how}")
    r = at_plain.json("copy", rich.ref + name, target.ref)
    assert r["documents"] == 2 and r["versions"] == 1
    tags = target.tags()
    assert tags["v1"] == tags["latest"] == rich.v1
    assert set(tags) == {"v1", "latest", f"sha256-{rich.v1[7:]}.sig"} | {
        t for t in tags if t.startswith("mreg.log.")}
    assert target.attached(rich.v1) == {rich.report}
    assert target.attached(rich.report) == {rich.review}
    assert target.missing() == []
    assert [v["number"] for v in at_plain.json("ls", target.ref)
            ["versions"]] == [1]
    again = at_plain.json("copy", rich.ref + name, target.ref)
    assert again["manifests"] == again["bytesSent"] == 0
    assert {t["action"] for t in again["tags"]} == {"same"}


def log_of(repository):
    """{tag: event} of a model's log."""
    return {t: json.loads(json.loads(repository.get(t))["annotations"]
                          ["org.mreg.event"])
            for t in repository.tags() if t.startswith("mreg.log.")}


def test_the_log_comes_with_its_ancestors(at_plain, rich, plain, box):
    """So the hash graph is whole, the next push goes on above, and another
    version finds its own number."""
    target = Repository(plain, f"{rich.name}-graph")
    at_plain.run("copy", f"{rich.ref}:v3", target.ref)
    log = log_of(rich)  # in a line: what is before it is its ancestors
    v3 = next(tag for tag, e in log.items()
              if e["kind"] == "version_registered" and e["number"] == 3)
    assert log_of(target) == {tag: e for tag, e in log.items() if tag <= v3}
    small_model(box / "next", f"next-{box.name}")
    v4 = at_plain.json("push", box / "next", target.ref)
    assert v4["number"] == 4
    at_plain.run("copy", f"{rich.ref}:v2", target.ref)
    listed = at_plain.json("ls", target.ref)["versions"]
    assert [v["number"] for v in listed] == [4, 3, 2]
    assert not any(v["moved"] for v in listed)
    assert at_plain.json("resolve", target.ref)["digest"] == v4["digest"]


def test_a_log_of_its_own_gets_one_event(at_plain, rich, plain, box):
    """Where the target gave the same numbers to others, the version is
    registered anew, and says where it came from."""
    target = Repository(plain, f"{rich.name}-own")
    small_model(box / "own", f"own-{box.name}")
    own = at_plain.json("push", box / "own", target.ref)["digest"]
    at_plain.run("copy", f"{rich.ref}:v3", target.ref)
    events = list(log_of(target).values())
    assert len(events) == 2
    new = next(e for e in events if e["number"] == 3)
    assert new["copiedFrom"] == f"{rich.ref}:v3"
    assert new["version"] == rich.tags()["v3"]
    assert new["seq"] == 2 and len(new["prev"]) == 1
    assert {v["number"]: v["digest"] for v in
            at_plain.json("ls", target.ref)["versions"]} == \
        {1: own, 3: rich.tags()["v3"]}
    before = target.tags()
    assert at_plain.json("copy", f"{rich.ref}:v3", target.ref)["manifests"] \
        == 0
    assert target.tags() == before
    # v1 there is another version: refused, and nothing is written.
    assert "v1" in at_plain.fails(4, "copy", f"{rich.ref}:v1",
                                  target.ref)["cause"]
    assert target.tags() == before


def test_a_version_without_a_log_keeps_its_number(at_plain, plain, box):
    """Another tool copied the tag alone."""
    source = Repository(plain, f"bare-{own(box)}")
    source.blob(b"{}")
    source.put(pack(config=EMPTY, layers=[source.blob(b"weights")]), "v7")
    target = Repository(plain, f"{source.name}-to")
    at_plain.run("copy", f"{source.ref}:v7", target.ref)
    event, = log_of(target).values()
    assert (event["number"], event["copiedFrom"]) == (7, f"{source.ref}:v7")
    assert at_plain.json("push", small_model(box / "m", "bare"),
                         target.ref)["number"] == 8


def test_what_is_no_version_is_not_copied_as_one(at_plain, rich):
    error = at_plain.fails(3, "copy", f"{rich.ref}:multi", f"{rich.ref}-no")
    assert "is no version" in error["message"]


# -- archives ---------------------------------------------------------------------


def test_an_archive_carries_all_of_it(at_plain, rich, plain, box):
    file = box / "model.tar"
    target = Repository(plain, f"{rich.name}-imported")
    r = at_plain.json("export", rich.ref, file)
    assert r["to"] == str(file) and r["versions"] == 3
    assert at_plain.json("import", file, target.ref)["documents"] == 2
    assert target.tags() == living(rich.tags())
    assert target.attached(rich.v1) == {rich.report}
    assert target.attached(rich.report) == {rich.review}
    assert target.missing() == []
    again = at_plain.json("import", file, target.ref)
    assert again["manifests"] == again["bytesSent"] == 0
    # The same content from another place is the same archive.
    at_plain.run("export", target.ref, box / "again.tar")
    assert (box / "again.tar").read_bytes() == file.read_bytes()
    error = at_plain.fails(4, "export", rich.ref, file)
    assert "exists" in error["message"]


def test_an_archive_of_one_version(at_plain, rich, plain, box):
    file = box / "v1.tar"
    target = Repository(plain, f"{rich.name}-v1")
    at_plain.run("export", f"{rich.ref}:v1", file)
    at_plain.run("import", file, target.ref)
    assert target.tags()["v1"] == target.tags()["latest"] == rich.v1
    assert target.attached(rich.v1) == {rich.report}
    assert target.missing() == []


# -- killed ------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["local", "http"])
def test_a_copy_killed_at_any_call_is_continued(at_plain, rich, plain, box,
                                                work, capsys, where):
    """What is visible is whole; the same command then completes it; a third
    run has nothing to do."""
    fault = faults.Faults(work)
    versions = {t: d for t, d in rich.tags().items() if t.startswith("v")}
    wrong, tried = [], 0
    for kind in faults.CLASSES:
        at_plain.run("copy", rich.ref, target_of(rich, box, where, kind, 0),
                     env=fault.env([kind], 0))
        for n in faults.points(fault.count, SAMPLES):
            target = target_of(rich, box, where, kind, n)
            r = at_plain.run("copy", rich.ref, target, status=None,
                             env=fault.env([kind], n))
            assert r.status in (0, -9), str(r)
            tried += r.status == -9
            wrong += look(at_plain, plain, target, versions, whole=False)
            at_plain.run("copy", rich.ref, target)
            wrong += look(at_plain, plain, target, versions, whole=True)
            again = at_plain.json("copy", rich.ref, target)
            if again["manifests"] or again["bytesSent"]:
                wrong.append(f"{target}: the third run had work")
    faults.tell(capsys, f"kill points tried: {tried}, violations: "
                        f"{len(wrong)} (copy-{where})")
    assert not wrong, "\n".join(wrong)
    assert tried >= 10


def target_of(rich, box, where, kind, n):
    return f"oci:{box}/killed//{kind}/{n}" if where == "local" else \
        f"{rich.ref}-{kind}{n}"


def look(user, plain, target, versions, whole):
    """What is wrong with the versions that can be seen."""
    shown = user.run("ls", target, "--json", status=None)
    listed = shown.json["versions"] if shown.status == 0 else []
    wrong = [f"{target}: v{v['number']} is {v['digest']}" for v in listed
             if versions.get(f"v{v['number']}") != v["digest"] or v["moved"]]
    if whole and len(listed) != len(versions):
        wrong.append(f"{target}: {len(listed)} versions")
    if not target.startswith("oci:"):
        wrong += Repository(plain, target.split("/", 1)[1]).missing()
    else:
        for v in listed:
            r = user.run("pull", f"{target}:v{v['number']}", "--dry-run",
                         status=None)
            wrong += [] if r.status == 0 else [str(r)]
    return wrong


def test_a_large_file_that_arrived_is_not_sent_again(at_plain, plain, box,
                                                     work):
    """Killed at its last tag: only that is left to do."""
    rng = random.Random("arrived")
    write(box / "m/big.bin", rng.randbytes(4 * MIB))
    name = f"{plain.host}/arrived-{own(box)}"
    at_plain.run("push", box / "m", name)
    fault = faults.Faults(work)
    at_plain.run("copy", name, f"oci:{box}/s//a",
                 env=fault.env(["name"], 0))
    r = at_plain.run("copy", name, f"oci:{box}/s//b", status=None,
                     env=fault.env(["name"], fault.count))
    assert r.status == -9, str(r)
    again = at_plain.json("copy", name, f"oci:{box}/s//b")
    assert again["bytesSent"] == 0 and again["bytesTotal"] > 4 * MIB


def test_two_copies_at_once_agree(at_plain, rich, box):
    target = f"oci:{box}/two//m"
    both = [at_plain.start("copy", rich.ref, target, "--json")
            for _ in range(2)]
    for r in map(finish, both):
        assert r.status == 0, str(r)
    assert [v["number"] for v in at_plain.json("ls", target)["versions"]] \
        == [3, 2, 1]
    assert at_plain.json("copy", rich.ref, target)["manifests"] == 0
