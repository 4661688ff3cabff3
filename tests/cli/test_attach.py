"""test_attach.py - documents attached to a version: what they are in a store,
that the same is the same, and what is refused."""
import hashlib
import json
import pathlib

import jsonschema
import pytest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
OCI = "org.opencontainers.image."
CARD = "application/vnd.mreg.model-card.v1"


def strict(result, name):
    """It fits its schema, and has no member that the schema does not tell."""
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    known = schema["properties"]
    assert set(result) == set(known) == set(schema["required"])
    row = known["files"]["items"]
    for item in result["files"]:
        assert set(item) == set(row["properties"]) == set(row["required"])
    return result


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "bias.md"
    path.write_text("# Bias\nNone that we know.\n")
    return path


@pytest.fixture
def blob(store):
    def get(digest, name="churn"):
        data = (store / name / "blobs/sha256" / digest[7:]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest[7:]
        return data
    return get


def entries(store, name="churn"):
    return json.loads((store / name / "index.json").read_text())["manifests"]


@pytest.mark.parametrize("name", ["attach", "evaluate"])
def test_the_sample_fits(name):
    strict(json.loads((SPEC / f"samples/{name}.json").read_text()), name)


def test_a_document_names_its_version(mreg, pushed, document, blob):
    result = strict(mreg.json("attach", "churn:staging", document, "--type",
                              "bias-report", "--annotation",
                              "com.acme.by=ada"), "attach")
    assert result["versionDigest"] == pushed and result["number"] == 1
    assert result["kind"] == "bias-report" and result["tag"] is None
    assert result["title"] == "bias.md" and not result["existed"]
    manifest = json.loads(blob(result["digest"]))
    assert manifest["artifactType"] == \
        "application/vnd.mreg.bias-report.v1" == result["type"]
    assert manifest["subject"]["digest"] == pushed
    assert manifest["subject"]["size"] == len(blob(pushed))
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
        "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
        "data": "e30="}
    assert blob(manifest["config"]["digest"]) == b"{}"
    layer, = manifest["layers"]
    assert layer["mediaType"] == "text/markdown"
    assert layer["annotations"] == {OCI + "title": "bias.md"}
    assert blob(layer["digest"]) == document.read_bytes()
    assert manifest["annotations"] == {
        OCI + "title": "bias.md", "com.acme.by": "ada",
        "org.mreg.schema": "1"}


MANIFEST = json.loads((SPEC / "attached-manifest.schema.json").read_text())
SAMPLE = json.loads((SPEC / "samples/attached-manifest.json").read_text())


def test_manifests_fit_their_schema(mreg, pushed, document, blob):
    jsonschema.Draft7Validator.check_schema(MANIFEST)
    check = jsonschema.Draft7Validator(MANIFEST)
    check.validate(SAMPLE)
    made = [mreg.json("attach", "churn", document, "--type", "bias-report"),
            mreg.json("evaluate", "churn", "--suite", "s", "--pass", "-m",
                      "auc=0.9", "--report", document),
            mreg.json("evaluate", "churn", "--suite", "s", "--pass",
                      "--dataset", "d@sha256:" + "ab" * 32)]
    for result in made:
        check.validate(json.loads(blob(result["digest"])))


@pytest.mark.parametrize("change", [
    {"subject": None}, {"layers": []}, {"extra": 1}, {"artifactType": "x"},
    {"layers": SAMPLE["layers"] * 3},
    {"artifactType": CARD},  # its layer may be, its annotations are not
    {"annotations": {"org.mreg.schema": "1"}},
    {"annotations": {**SAMPLE["annotations"], "org.mreg.other": "1"}},
    {"annotations": {**SAMPLE["annotations"],
                     "org.mreg.evaluation.dataset.digest": "d"}},
])
def test_a_wrong_manifest_does_not_fit(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**SAMPLE, **change}, MANIFEST)


def test_the_version_stays_what_it_is(mreg, pushed, document, store):
    mreg.run("attach", "churn", document, "--type", "model-card")
    assert mreg.run("resolve", "churn").stdout.strip() == pushed
    row, = mreg.json("ls", "churn")["versions"]
    assert row["digest"] == pushed
    # An entry without a name of its own, which no listing of tags shows.
    mine, = (e for e in entries(store)
             if e.get("artifactType", CARD) == CARD and
             OCI + "ref.name" not in e.get("annotations", {}))
    assert mine["digest"] != pushed


def test_the_same_document_is_the_same(mreg, pushed, document, store):
    first = mreg.json("attach", "churn", document, "--type", "model-card")
    before = (store / "churn/index.json").read_bytes()
    again = mreg.json("attach", "churn:v1", document, "--type", CARD)
    assert again["existed"] and again["digest"] == first["digest"]
    assert (store / "churn/index.json").read_bytes() == before
    said = mreg.run("attach", "churn", document, "--type", "model-card").stdout
    assert said.startswith("already attached: model-card 'bias.md' to churn")
    other = mreg.json("attach", "churn", document, "--type", "model-card",
                      "--title", "The card")
    assert not other["existed"] and other["digest"] != first["digest"]


def test_a_lost_file_comes_back(mreg, pushed, document, store):
    first = mreg.json("attach", "churn", document, "--type", "model-card")
    lost = store / "churn/blobs/sha256" / first["files"][0]["digest"][7:]
    lost.unlink()
    mreg.run("attach", "churn", document, "--type", "model-card")
    assert lost.read_bytes() == document.read_bytes()


def test_inspect_lists_what_is_attached(mreg, pushed, document):
    made = mreg.json("attach", "churn", document, "--type", "model-card")
    row, = mreg.json("inspect", "churn:v1")["attached"]
    assert (row["digest"], row["kind"], row["title"]) == \
        (made["digest"], "model-card", "bias.md")
    assert "bias.md" in mreg.run("inspect", "churn").stdout


def test_created_is_there_when_it_was_given(mreg, pushed, document, blob):
    def created(*args, **kwargs):
        result = mreg.json("attach", "churn", document, "--type", "sbom",
                           *args, **kwargs)
        return json.loads(blob(result["digest"]))["annotations"].get(
            OCI + "created")

    assert created() is None
    assert created("--created", "2026-01-31T12:00:00Z") == \
        "2026-01-31T12:00:00Z"
    assert created(env={"SOURCE_DATE_EPOCH": "1767225600"}) == \
        "2026-01-01T00:00:00Z"
    mreg.fails(2, "attach", "churn", document, "--type", "sbom", "--created",
               "yesterday")


@pytest.mark.parametrize("name, kind, type_", [
    ("m.cdx.json", "sbom", "application/vnd.cyclonedx+json"),
    ("m.spdx.json", "sbom", "application/spdx+json"),
    ("m.txt", "sbom", "application/vnd.mreg.sbom.v1"),
    ("m.txt", "application/vnd.acme.x", "application/vnd.acme.x"),
])
def test_types_by_name_and_file(mreg, pushed, tmp_path, name, kind, type_):
    (tmp_path / name).write_text("{}")
    result = mreg.json("attach", "churn", tmp_path / name, "--type", kind)
    assert result["type"] == type_


@pytest.mark.parametrize("args, says", [
    ([], "without type"),
    (["--type", "modelcard"], "unknown type 'modelcard'"),
    (["--type", "evaluation"], "more than a file"),
    (["--type", "signature"], "its own tool"),
    (["--type", "sbom", "--annotation", "org.mreg.schema=2"], "mreg's own"),
    (["--type", "sbom", "--annotation", "novalue"], "has no value"),
    (["--type", "sbom", "--title", "a\x1b[2J"], "control character"),
])
def test_what_cannot_be_is_refused_before_anything_is_written(
        mreg, pushed, document, store, args, says):
    before = (store / "churn/index.json").read_bytes()
    error = mreg.fails(2, "attach", "churn", document, *args)
    assert says in error["message"]
    assert (store / "churn/index.json").read_bytes() == before


def test_a_folder_or_nothing_is_no_document(mreg, pushed, tmp_path):
    error = mreg.fails(2, "attach", "churn", tmp_path, "--type", "sbom")
    assert "is a folder" in error["message"]
    mreg.fails(3, "attach", "churn", tmp_path / "none", "--type", "sbom")


def test_a_record_is_no_version_by_its_digest_either(mreg, pushed, document,
                                                     store, tmp_path):
    (tmp_path / "policy.yaml").write_text("policy: 1\n")
    mreg.run("policy", "set", "churn", tmp_path / "policy.yaml")
    records = [e["digest"] for e in entries(store)
               if e.get("annotations", {}).get(OCI + "ref.name", "")
               .startswith(("mreg.log.", "mreg.policy."))]
    # A version, an alias, a policy and the policy's change.
    assert len(records) == 4
    for digest in records:
        error = mreg.fails(2, "attach", f"churn@{digest}", document, "--type",
                           "bias-report")
        assert "is one of mreg's own records" in error["message"]


def test_there_must_be_a_version(mreg, pushed, document):
    error = mreg.fails(3, "attach", "churn:v9", document, "--type", "sbom")
    assert "no tag 'v9'" in error["message"]
    mreg.fails(3, "attach", "other", document, "--type", "sbom")


def test_a_dry_run_writes_nothing(mreg, pushed, document, store):
    before = sorted(store.rglob("*"))
    result = strict(mreg.json("attach", "churn", document, "--type", "sbom",
                              "-n"), "attach")
    assert result["dryRun"] and sorted(store.rglob("*")) == before
    real = mreg.json("attach", "churn", document, "--type", "sbom")
    assert real["digest"] == result["digest"]


def test_copy_takes_documents_along(mreg, pushed, document):
    made = mreg.json("attach", "churn", document, "--type", "model-card")
    mreg.run("copy", "churn", "other")
    row, = mreg.json("inspect", "other:v1")["attached"]
    assert row["digest"] == made["digest"]
