"""test_doctor.py - doctor of Debian's registry: what it says is so, and
nothing of it is left behind."""
import json
import pathlib
import re
import subprocess

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
                           "catalog": "yes"}


def test_reading_writes_nothing(at_plain, plain, box):
    name = f"{plain.host}/doctor-read"
    at_plain.run("push", small_model(box / "m", "doctor"), name)
    mark = plain.mark()
    r = at_plain.json("doctor", name)
    assert all(q[0] in ("GET", "HEAD") for q in plain.requests(mark))
    assert verdicts(r) == {
        "reach": "partly", "login": "yes", "catalog": "yes", "tags": "yes",
        "pull": "yes", "ranges": "yes", "head": "yes", "referrers": "no"}
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
        "reach": "partly", "login": "yes", "catalog": "yes", "push": "yes",
        "stream": "yes", "chunks": "yes", "single": "no", "mount": "yes", "manifest": "yes",
        "pull": "yes", "ranges": "yes", "head": "yes", "referrers": "no",
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
    """Credentials that are not there are a finding."""
    stranger = at_guarded.clone(box / "stranger")
    r = stranger.json("doctor", f"{guarded.host}/doctor", "-w")
    found = findings(r)
    assert r["user"] == ""
    assert found["reach"]["verdict"] == "yes"
    assert found["login"]["verdict"] == found["push"]["verdict"] == "no"


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
