"""test_doctor.py - doctor of Debian's registry: what it says is so, and
nothing of it is left behind."""
import json
import pathlib
import re
import signal
import subprocess
import time

import jsonschema
import pytest

import fake
import harness
from harness import small_model

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


def findings(result):
    schema = json.loads((SPEC / "schemas/doctor.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    return {f["topic"]: f for f in result["findings"]}


def verdicts(result):
    return {t: f["verdict"] for t, f in findings(result).items()}


def test_the_host_alone(at_plain, plain):
    r = at_plain.json("doctor", plain.host)
    assert r["repository"] is None and r["user"] == ""
    assert verdicts(r) == {"reach": "partly", "login": "yes",
                           "catalog": "yes", "limits": "unknown"}


def test_reading_writes_nothing(at_plain, plain, box):
    name = f"{plain.host}/doctor-read"
    at_plain.run("push", small_model(box / "m", "doctor"), name)
    mark = plain.mark()
    r = at_plain.json("doctor", name)
    assert all(q[0] in ("GET", "HEAD") for q in plain.requests(mark))
    assert verdicts(r) == {
        "reach": "partly", "login": "yes", "catalog": "yes",
        "limits": "unknown", "tags": "yes", "pull": "yes", "ranges": "yes", "head": "yes", "referrers": "no"}
    text = at_plain.run("doctor", name).stdout
    assert text.endswith("what writes was not tried: --write\n")


def test_writing_finds_out_and_cleans_up(at_plain, plain, box):
    """In a repository that is in use: nothing in it changes."""
    name = "doctor-write"
    ref = f"{plain.host}/{name}"
    at_plain.run("push", small_model(box / "m", "doctor"), ref)
    before = {t: plain.get(f"/v2/{name}/manifests/{t}")
              for t in plain.tags(name)}
    r = at_plain.json("doctor", "--write", ref)
    found = findings(r)
    assert verdicts(r) == {
        "reach": "partly", "login": "yes", "catalog": "yes",
        "limits": "unknown", "push": "yes", "stream": "yes", "chunks": "yes",
        "single": "no", "mount": "yes", "manifest": "yes", "pull": "yes", "ranges": "yes", "head": "yes", "referrers": "no",
        "subject": "partly", "multi-tag": "no", "manifest size": "yes",
        "move alias": "yes", "move v*": "yes", "move mreg.*": "yes",
        "delete tag": "no", "clean": "yes", "tags": "yes"}
    assert "tombstone" in found["delete tag"]["means"]
    assert {t: plain.get(f"/v2/{name}/manifests/{t}")
            for t in plain.tags(name)} == before
    at_plain.run("pull", ref, "-o", box / "out")


def test_what_it_says_of_tags_is_so(at_plain, plain, box):
    """It finds that tags are not deleted: then alias rm leaves a tombstone."""
    ref = f"{plain.host}/doctor-true"
    at_plain.run("push", small_model(box / "m", "doctor"), f"{ref}:staging")
    assert verdicts(at_plain.json("doctor", "-w", ref))["delete tag"] == "no"
    assert at_plain.json("alias", "rm", f"{ref}:staging")["tombstone"]


def test_over_tls_with_a_login(at_guarded, guarded):
    r = at_guarded.json("doctor", f"{guarded.host}/doctor", "-w")
    assert r["user"] == "ada"
    found = verdicts(r)
    assert found["reach"] == found["login"] == found["push"] == "yes"
    assert found["clean"] == "yes"


def test_without_the_login(at_guarded, guarded, box):
    """Credentials that are not there are a finding; what somebody else could
    do there is not known, and nothing is said to be cleaned up."""
    stranger = at_guarded.clone(box / "stranger")
    r = stranger.json("doctor", f"{guarded.host}/doctor", "-w")
    found = findings(r)
    assert r["user"] == ""
    assert verdicts(r) == {
        "reach": "yes", "login": "no", "catalog": "unknown",
        "limits": "unknown", "push": "unknown", "tags": "unknown"}
    for topic in "catalog", "push", "tags":
        assert "log in to find out" in found[topic]["found"] or \
            "credentials" in found[topic]["found"]
        assert found[topic]["means"] == ""


def test_tokens_are_told(at_bearer, bearer):
    r = at_bearer.json("doctor", f"{bearer.host}/doctor", "-w")
    assert "with tokens from" in findings(r)["login"]["found"]
    assert verdicts(r)["push"] == "yes"
    # The token server gives no right to delete.
    assert verdicts(r)["delete tag"] == verdicts(r)["clean"] == "no"


def test_what_cannot_be_removed_is_named(at_plain, work):
    """A registry that deletes nothing."""
    keeps = harness.Registry(work / "keeps")
    try:
        config = json.loads((keeps.folder / "config.yml").read_text())
        keeps.stop()
        config["storage"]["delete"]["enabled"] = False
        (keeps.folder / "config.yml").write_text(json.dumps(config))
        keeps.process = subprocess.Popen(
            ["/usr/bin/docker-registry", "serve",
             str(keeps.folder / "config.yml")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"})
        keeps.wait()
        ref = f"{keeps.host}/doctor"
        found = findings(at_plain.json("doctor", "-w", ref))
        assert found["clean"]["verdict"] == "no"
        for tag in keeps.tags("doctor"):
            assert f"tag {tag}" in found["clean"]["found"]
        assert keeps.tags("doctor")
        # They are no aliases to anybody.
        assert at_plain.json("alias", "ls", ref)["aliases"] == []
    finally:
        keeps.stop()


def test_the_configured_registry_is_the_default(at_plain, plain):
    r = at_plain.json("doctor", "--registry", f"{plain.host}/acme/models")
    assert r["host"] == plain.host and r["repository"] is None


@pytest.mark.parametrize("rule", ["v[0-9]*", "*"])
def test_a_rule_for_versions_is_found(mreg, rule):
    """The tag that is tried has nothing but digits behind the v, and is no
    version; what could not be buried is told."""
    registry = fake.Fake("nodelete", immutable_tags=True, immutable=rule,
                         immutable_status=412)
    try:
        found = findings(mreg.json("doctor", "-w", f"{registry.host}/d"))
        tried = [t for t in registry.content("d")["tags"] if t[0] == "v"]
        assert tried and all(re.fullmatch("v0[0-9]+", t) for t in tried)
        assert found["move v*"]["verdict"] == "no"
        assert found["move alias"]["verdict"] == \
            ("no" if rule == "*" else "yes")
        assert found["head"]["verdict"] == "yes"
        assert "look like aliases" in found["clean"]["means"]
    finally:
        registry.stop()


def test_a_relative_folder_that_is_not_there(nobody, box):
    """Where it would be made is looked at; in the root nobody may write."""
    here = box / "here"
    here.mkdir()
    here.chmod(0o777)
    r = nobody.json("doctor", "oci:nowhere//m", cwd=here)
    assert findings(r)["write"]["verdict"] == "yes"


def test_interrupted_it_leaves_no_alias(mreg):
    """Where nothing can be deleted: what is a tag already, or becomes one
    while nobody waits for the answer any more, is buried."""
    registry = fake.Fake("nodelete")
    try:
        # Read right after it was written; one moment to be interrupted in.
        registry.fault(method="GET", path="*/manifests/doctor-*",
                       delay_ms=600000, times=1)
        process = mreg.start("doctor", "-w", f"{registry.host}/d")
        until = time.monotonic() + 60
        while not registry.content("d")["tags"] and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        r = harness.finish(process, 60)
        assert r.status == 130, str(r)
        tags = list(registry.content("d")["tags"])
        assert tags and all(f"tag {tag}" in r.stderr for tag in tags)
        assert "arrived" not in r.stderr
        assert "what it wrote is removed, or named above" in r.stderr
        assert mreg.json("alias", "ls", f"{registry.host}/d")["aliases"] == []
    finally:
        # It would wait for the end of the delay.
        registry.process.terminate()
        registry.stop()


def test_what_is_left_is_counted(mreg):
    registry = fake.Fake("nodelete")
    try:
        r = mreg.run("doctor", "-w", f"{registry.host}/d")
        line = next(x for x in r.stdout.splitlines() if " clean " in x)
        assert " manifests" in line and "sha256:" not in line
        r = mreg.run("doctor", "-w", f"{registry.host}/d", "-v")
        assert "sha256:" not in r.stdout
        assert "manifest sha256:" in r.stderr
    finally:
        registry.stop()


def test_what_was_learned_is_told(mreg):
    registry = fake.Fake("cloudflare")
    try:
        folder = harness.small_model(mreg.home / "m", "limit")
        with open(folder / "large.bin", "wb") as f:
            f.truncate(6 << 20)
        mreg.run("push", folder, f"{registry.host}/d")
        found = findings(mreg.json("doctor", registry.host))["limits"]
        assert found["verdict"] == "yes"
        assert "a request: at most 4.0 MiB (it refused a larger one)" in \
            found["found"]
    finally:
        registry.stop()


def test_cleaning_ends_where_nobody_answers(mreg, box):
    """Not every piece of it is waited for; what is left is told."""
    registry = fake.Fake("nodelete")
    try:
        mreg.env.update(fake.quick(box))
        registry.fault(method="DELETE", path="*/manifests/*", drop=True)
        ref = f"{registry.host}/d"
        found = findings(mreg.json("doctor", "-w", ref))
        assert found["clean"]["verdict"] == "no"
        assert "tombstone" in found["clean"]["means"]
        assert mreg.json("alias", "ls", ref)["aliases"] == []
        asked = [r["path"] for r in registry.seen()
                 if r["method"] == "DELETE"]
        assert len(set(asked)) == 1
        # Nor where a tag cannot be moved any more.
        registry.fault(method="PUT", path="*/manifests/doctor-*", drop=True,
                       skip=3)
        found = findings(mreg.json("doctor", "-w", ref))
        assert "look like aliases" in found["clean"]["means"]
    finally:
        registry.stop()
