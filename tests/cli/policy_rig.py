"""policy_rig.py - what tests of policies share: one of ten rules, folders that
break them and do not, and what is stored of it."""
import json
import pathlib
import pickle

import jsonschema
import pytest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

TEN = """\
policy: 1
naming: {alias: "staging|production"}
require: [license, runId, card, inputs.train]
patterns: {revision: "[0-9a-f]{40}"}
metrics: {auc: ">= 0.8"}
licenses: {allow: [MIT, Apache-2.0]}
inputs: {digest: true}
formats: {pickle: deny}
"""
GOOD = ["--license", "MIT", "--run-id", "r1", "--revision", COMMIT,
        "--metric", "auc=0.9", "--input",
        "train=s3://data,digest=sha256:" + "1" * 64]
BAD = ["--revision", "main", "--metric", "auc=0.7",
       "--input", "test=s3://test"]


def validator(path):
    schema = json.loads((SPEC / f"{path}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def strict(result, name):
    """It fits, and has no member that the schema does not tell of."""
    check = validator(f"schemas/{name}")
    check.validate(result)
    assert set(result) == set(check.schema["properties"])
    return result


@pytest.fixture
def policy(tmp_path):
    """Writes a policy file."""
    def write(text, name="policy.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write


@pytest.fixture
def pickled(tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps({"w": [1.5, 2.5]}))
    return folder


@pytest.fixture
def plain(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "weights.txt").write_text("1.5 2.5\n")
    (folder / "README.md").write_text("# plain\n\nTwo numbers.\n")
    return folder


def events(store, name="churn"):
    layout = store / name
    index = json.loads((layout / "index.json").read_text())
    tags = {e["annotations"]["org.opencontainers.image.ref.name"]: e["digest"]
            for e in index["manifests"]}
    blob = layout / "blobs/sha256"
    rows = []
    for tag in sorted(tags):
        if tag.startswith("mreg.log."):
            doc = json.loads((blob / tags[tag].split(":")[1]).read_text())
            rows.append(json.loads(doc["annotations"]["org.mreg.event"]))
    return rows, tags, blob
