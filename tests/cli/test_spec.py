"""test_spec.py - spec/ is right about itself and about what mreg writes.

Every sample fits its schema, samples that were made wrong do not, and the
samples are the golden files byte for byte.
"""

import copy
import hashlib
import json
import pathlib
import re

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = ROOT / "spec"
SAMPLES = SPEC / "samples"
GOLDEN = ROOT / "tests" / "golden" / "toy"
LAYER = "org.cncf.model.filepath"
TITLE = "org.opencontainers.image.title"
DELETE = object()


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def validator(name):
    schema = load(SPEC / (name + ".schema.json"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.draft7_format_checker
    )


SCHEMA_OF = {
    "metadata.json": "metadata",
    "metadata-all.json": "metadata",
    "model-config.json": "model-config",
    "model-manifest.json": "model-manifest",
}

SAME = {
    "metadata.json": "metadata.json",
    "metadata.yaml": "metadata.yaml",
    "model-config.json": "config.json",
    "model-manifest.json": "manifest.json",
}


@pytest.mark.parametrize("sample", sorted(SCHEMA_OF))
def test_sample_fits_its_schema(sample):
    validator(SCHEMA_OF[sample]).validate(load(SAMPLES / sample))


@pytest.mark.parametrize("sample", sorted(SAME))
def test_sample_is_the_golden_file(sample):
    assert (SAMPLES / sample).read_bytes() == (GOLDEN / SAME[sample]).read_bytes()


def sample_of(schema):
    """Of every schema there is one, by the same name."""
    name = schema.name.removesuffix(".schema.json") + ".json"
    return load(SPEC / name if name == "roles.json" else SAMPLES / name)


@pytest.mark.parametrize(
    "schema", sorted(SPEC.glob("**/*.schema.json")),
    ids=lambda path: path.name.removesuffix(".schema.json"))
def test_every_schema_has_a_sample_and_misses_what_it_lacks(schema):
    rules = load(schema)
    jsonschema.Draft7Validator.check_schema(rules)
    check = jsonschema.Draft7Validator(
        rules, format_checker=jsonschema.draft7_format_checker)
    sample = sample_of(schema)
    check.validate(sample)
    for key in rules.get("required", []):
        part = {k: v for k, v in sample.items() if k != key}
        with pytest.raises(jsonschema.ValidationError):
            check.validate(part)


def test_every_format_sample_is_tested():
    ours = {
        p.name for p in SAMPLES.iterdir() if p.name.startswith(("metadata", "model-"))
    }
    assert ours == set(SCHEMA_OF) | set(SAME)


def test_sample_manifest_names_the_sample_config_and_files():
    manifest = load(SAMPLES / "model-manifest.json")
    config = (SAMPLES / "model-config.json").read_bytes()
    assert manifest["config"]["size"] == len(config)
    assert manifest["config"]["digest"] == digest(config)
    assert json.loads(config)["modelfs"]["diffIds"] == [
        layer["digest"] for layer in manifest["layers"]
    ]
    lines = []
    for layer in manifest["layers"]:
        path = layer["annotations"][LAYER]
        content = (GOLDEN / "files" / path).read_bytes()
        assert layer["annotations"][TITLE] == path
        assert (layer["digest"], layer["size"]) == (digest(content), len(content))
        lines.append((path, layer["digest"].split(":")[1]))
    text = "".join(f"{hexa}  {path}\n" for path, hexa in sorted(lines))
    assert manifest["annotations"]["org.mreg.fileset.digest"] == digest(text.encode())


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def changed(document, path, value):
    """A copy in which the member at `path` is `value`, or is not there."""
    out = copy.deepcopy(document)
    at = out
    for step in path[:-1]:
        at = at[step]
    if value is DELETE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return out


NOTE = ("layers", 0, "annotations")
WRONG = [
    ("model-manifest.json", ("extra",), 1),
    ("model-manifest.json", ("subject",), {}),
    ("model-manifest.json", ("schemaVersion",), 1),
    ("model-manifest.json", ("artifactType",), "application/x"),
    ("model-manifest.json", ("layers",), []),
    ("model-manifest.json", ("config", "mediaType"), "application/vnd.oci.empty.v1+json"),
    ("model-manifest.json", ("layers", 0, "size"), -1),
    ("model-manifest.json", ("layers", 0, "digest"), "sha256:12"),
    ("model-manifest.json", ("layers", 0, "mediaType"), "application/vnd.cncf.model.weight.v1.tar"),
    ("model-manifest.json", NOTE + (LAYER,), "../x"),
    ("model-manifest.json", NOTE + (LAYER,), "/x"),
    ("model-manifest.json", NOTE + (LAYER,), "a//b"),
    ("model-manifest.json", NOTE + (LAYER,), "a\\b"),
    ("model-manifest.json", NOTE + (LAYER,), "a\nb"),
    ("model-manifest.json", NOTE + (TITLE,), DELETE),
    ("model-manifest.json", NOTE + ("org.cncf.model.file.metadata+json",), "{}"),
    ("model-manifest.json", NOTE + ("org.cncf.model.file.mediatype.untested",), "maybe"),
    ("model-manifest.json", ("annotations", "org.mreg.schema"), DELETE),
    ("model-manifest.json", ("annotations", "org.mreg.schema"), "2"),
    ("model-manifest.json", ("annotations", "org.mreg.unheard-of"), "x"),
    ("model-manifest.json", ("annotations", "org.mreg.kind"), "model"),
    ("model-manifest.json", ("annotations", "org.mreg.parameters"), "1e9"),
    ("model-manifest.json", ("annotations", "org.mreg.metric.accuracy"), "nan"),
    ("model-manifest.json", ("annotations", "org.mreg.metric.accuracy"), 0.91),
    ("model-manifest.json", ("annotations", "org.mreg.metric.a b"), "1"),
    ("model-manifest.json", ("annotations", "org.mreg.parents"), "none"),
    ("model-manifest.json", ("annotations", "org.mreg.parents"), DELETE),
    ("model-config.json", ("extra",), 1),
    ("model-config.json", ("modelfs",), DELETE),
    ("model-config.json", ("modelfs", "diffIds"), []),
    ("model-config.json", ("descriptor", "name"), ""),
    ("model-config.json", ("descriptor", "licenses"), "MIT"),
    ("model-config.json", ("config", "metrics"), {}),
    ("model-config.json", ("config", "paramSize"), 2),
    ("metadata-all.json", ("licence",), "MIT"),
    ("metadata-all.json", ("license",), ["MIT"]),
    ("metadata-all.json", ("family",), "a\nb"),
    ("metadata-all.json", ("family",), ""),
    ("metadata-all.json", ("kind",), "spaceship"),
    ("metadata-all.json", ("because",), "sha256:12"),
    ("metadata-all.json", ("signature",), "double -> long"),
    ("metadata-all.json", ("parameters",), "22.7m"),
    ("metadata-all.json", ("parameters",), -1),
    ("metadata-all.json", ("inputs", 0, "digest"), "md5:a b"),
    ("metadata-all.json", ("metrics", "auc"), "nan"),
    ("metadata-all.json", ("metrics", "auc"), "0x10"),
    ("metadata-all.json", ("metrics", "auc"), ""),
    ("metadata-all.json", ("metrics", "auc"), True),
    ("metadata-all.json", ("metrics", "a b"), 1),
    ("metadata-all.json", ("params", "lr"), [1]),
    ("metadata-all.json", ("annotations", "org.mreg.schema"), "2"),
    ("metadata-all.json", ("annotations", TITLE), "x"),
    ("metadata-all.json", ("parents", 0, "relation"), "copy"),
    ("metadata-all.json", ("parents", 0, "ref"), DELETE),
    ("metadata-all.json", ("parents", 0, "digest"), "md5:0a"),
    ("metadata-all.json", ("inputs", 0, "role"), "Train"),
    ("metadata-all.json", ("inputs", 0, "url"), "x"),
    ("metadata-all.json", ("inputs", 1), "no role"),
]


@pytest.mark.parametrize("sample, path, value", WRONG)
def test_wrong_sample_does_not_fit(sample, path, value):
    wrong = changed(load(SAMPLES / sample), path, value)
    with pytest.raises(jsonschema.ValidationError):
        validator(SCHEMA_OF[sample]).validate(wrong)


def test_roles_fit_their_schema_and_a_last_rule_takes_all():
    roles = load(SPEC / "roles.json")
    validator("roles").validate(roles)
    assert set(roles["rules"][-1]) == {"role"}


@pytest.mark.parametrize("rule", [
    {"names": ["*.bin"]}, {"role": "weights"}, {"role": "code", "names": []},
    {"role": "code", "names": ["*.PY"]}, {"role": "code", "names": ["a/*.py"]},
    {"role": "code", "names": ["*.py", "*.py"]}, {"role": "doc", "form": 1},
    {"role": "doc", "below": "8 MiB"},
])
def test_wrong_roles_do_not_fit(rule):
    with pytest.raises(jsonschema.ValidationError):
        validator("roles").validate({"schema": 1, "rules": [rule]})


def annotations_of_the_table():
    """First cells of the tables in annotations.md."""
    for line in (SPEC / "annotations.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            yield from line.split("|")[1].strip(" `").split("`, `")


def test_every_annotation_of_the_schema_is_described():
    described = set(annotations_of_the_table())
    schema = load(SPEC / "model-manifest.schema.json")
    notes = schema["properties"]["annotations"]["properties"]
    layer = schema["definitions"]["layer"]["properties"]["annotations"]["properties"]
    assert set(notes) | set(layer) <= described


def test_every_annotation_that_mreg_knows_is_described():
    described = set(annotations_of_the_table())
    source = "".join(path.read_text(encoding="utf-8")
                     for path in ROOT.glob("src/*/*.[ch]"))
    known = set(re.findall(
        r'"((?:org\.(?:mreg|cncf|cnai|opencontainers)|io|ml|olot|vnd|run\.cog)'
        r'\.[a-z0-9_.+-]*[a-z0-9])"', source))
    assert known - described == set() and len(known) > 20


def test_every_metadata_field_is_described():
    schema = load(SPEC / "metadata.schema.json")
    text = (SPEC / "metadata.md").read_text(encoding="utf-8")
    for field in schema["properties"]:
        assert f"| `{field}`" in text, field
    assert set(load(SAMPLES / "metadata-all.json")) == set(schema["properties"])
