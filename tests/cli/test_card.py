"""test_card.py - mreg card: the README of a version, or a card made of its
metadata."""
import json
import pathlib
import subprocess

import jsonschema
import pytest

from harness import write

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
FRONT = "license: mit\ntags:\n- churn\n"
BODY = "# Churn\n\nPredicts who leaves.\n"
README = f"---\n{FRONT}---\n\n{BODY}"


def push(mreg, folder, readme=README, name="README.md", model="churn",
         words=()):
    write(folder / "model.bin", b"weights" * 9)
    if readme is not None:
        write(folder / name, readme)
    return mreg.json("push", folder, model, *words)["digest"]


def validate(result):
    schema = json.loads((SPEC / "schemas/card.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


def test_the_readme_is_shown_without_its_front_matter(mreg, tmp_path):
    digest = push(mreg, tmp_path / "m")
    assert mreg.run("card", "churn").stdout == BODY
    card = validate(mreg.json("card", "churn"))
    assert (card["source"], card["path"]) == ("file", "README.md")
    assert (card["text"], card["frontMatter"]) == (BODY, FRONT)
    assert card["digest"] == digest and card["version"] is not None
    files = {f["path"]: f["digest"]
             for f in mreg.json("inspect", "churn")["files"]}
    assert card["fileDigest"] == files["README.md"]


def test_raw_is_byte_for_byte(mreg, tmp_path):
    push(mreg, tmp_path / "m", README.replace("\n", "\r\n") + "no end")
    done = subprocess.run(mreg.command("card", "churn", "--raw"),
                          env=mreg.env, cwd=mreg.home, capture_output=True)
    assert done.stdout == (tmp_path / "m/README.md").read_bytes()


@pytest.mark.parametrize("readme, text", [
    ("\ufeff---\na: b\n---\nbody", "body\n"),
    ("---\r\na: b\r\n--- \r\n\r\n\r\nbody\r\n", "body\n"),
    ("---\nno end of it\n", "---\nno end of it\n"),
    ("----\na\n---\n", "----\na\n---\n"),
    ("text\n---\nmore\n---\n", "text\n---\nmore\n---\n"),
    ("---\n---\n", ""),
    ("a\rb", "a\rb\n"),
])
def test_only_metadata_at_the_beginning_is_front_matter(mreg, tmp_path, readme,
                                                        text):
    push(mreg, tmp_path / "m", readme)
    assert mreg.json("card", "churn")["text"] == text


def test_a_readme_moves_no_cursor(mreg, tmp_path):
    push(mreg, tmp_path / "m", b"\x1b[2J\tTab\x07 \xff\x00end\n\xe2\x80\xae")
    text = mreg.run("card", "churn").stdout
    assert text == "\\x1b[2J\tTab\\x07 \ufffd\ufffdend\n\\u{202e}\n"
    assert mreg.json("card", "churn")["text"].startswith("\x1b[2J\tTab\x07")


@pytest.mark.parametrize("name", ["readme.md", "README", "Readme.txt",
                                  "MODEL_CARD.md", "modelcard.md"])
def test_other_names_will_do(mreg, tmp_path, name):
    """For who reads the card, for metadata, and for policies alike."""
    push(mreg, tmp_path / "m", name=name)
    assert mreg.json("card", "churn")["path"] == name
    fields = mreg.json("inspect", "churn")["metadata"]
    assert fields["license"] == "MIT"
    assert fields["description"] == "Predicts who leaves."
    write(tmp_path / "p.yaml", "policy: 1\nrequire: card\n")
    rules = ("--policy", tmp_path / "p.yaml")
    assert mreg.json("policy", "check", "churn", *rules)["passed"]
    assert mreg.json("policy", "check", tmp_path / "m", "new",
                     *rules)["passed"]


def test_an_empty_readme_is_no_card(mreg, tmp_path):
    write(tmp_path / "m/README", "# Second\n")
    push(mreg, tmp_path / "m", "")
    assert mreg.json("card", "churn")["path"] == "README"
    (tmp_path / "m/README").unlink()
    push(mreg, tmp_path / "m", "")
    assert mreg.json("card", "churn")["source"] == "metadata"
    write(tmp_path / "p.yaml", "policy: 1\nrequire: card\n")
    mreg.run("policy", "check", "churn", "--policy", tmp_path / "p.yaml",
             status=7)


def test_the_best_name_wins_and_folders_do_not_count(mreg, tmp_path):
    write(tmp_path / "m/sub/README.md", "of a part\n")
    write(tmp_path / "m/README", "second\n")
    push(mreg, tmp_path / "m")
    assert mreg.json("card", "churn")["path"] == "README.md"
    (tmp_path / "m/README.md").unlink()
    (tmp_path / "m/README").unlink()
    push(mreg, tmp_path / "m", None)
    assert mreg.json("card", "churn")["source"] == "metadata"


def test_without_a_readme_the_metadata_makes_one(mreg, tmp_path):
    digest = push(mreg, tmp_path / "m", None, words=(
        "--description", "Predicts who leaves.", "--license", "MIT",
        "--metric", "auc=0.93", "--param", "depth=6", "--tag", "team=crm|eu",
        "--parent", "finetune=hf://acme/base", "--input",
        "train=s3://bucket/rows,digest=sha256:" + "1" * 64,
        "--signature", '{"inputs":[]}'))
    text = mreg.run("card", "churn:v1").stdout
    assert text.startswith("# churn\n\nPredicts who leaves.\n\n| field |")
    for line in ("| version | v1 |", f"| digest | {digest} |",
                 "| license | MIT |", "## Metrics", "| auc | 0.93 |",
                 "| depth | 6 |", "| team | crm\\|eu |",
                 "- finetune: hf://acme/base",
                 "- train: s3://bucket/rows (sha256:" + "1" * 64 + ")",
                 '{"inputs":[]}', "- model.bin, 63 B"):
        assert line in text.splitlines(), line
    card = validate(mreg.json("card", "churn:v1"))
    assert (card["path"], card["fileDigest"], card["frontMatter"]) == \
        (None, None, None)
    assert card["text"] == text


def test_a_value_cannot_break_a_table(mreg, tmp_path):
    push(mreg, tmp_path / "m", None, words=("--tag", "team=a\\|b\\"))
    assert "| team | a\\\\\\|b\\\\ |" in \
        mreg.run("card", "churn").stdout.splitlines()


def test_terms_of_data_are_told(mreg, tmp_path):
    push(mreg, tmp_path / "m", None, words=(
        "--input", "train=s3://b/rows,license=MIT,classification=internal,"
        "consent=granted"))
    assert "- train: s3://b/rows, MIT, internal, consent granted" in \
        mreg.run("card", "churn").stdout.splitlines()


def test_without_a_readme_an_attached_card_is_shown(mreg, tmp_path):
    push(mreg, tmp_path / "m", None)
    for name, data, when in (("old.md", "# Old\n", "2026-01-01T00:00:00Z"),
                             ("new.md", README, "2026-02-01T00:00:00Z"),
                             ("new.pdf", "%PDF", "2026-03-01T00:00:00Z")):
        write(tmp_path / name, data)
        mreg.run("attach", "churn", tmp_path / name, "--type", "model-card",
                 "--created", when)
    write(tmp_path / "bias.md", "# Bias\n")
    mreg.run("attach", "churn", tmp_path / "bias.md", "--type", "bias-report",
             "--created", "2026-04-01T00:00:00Z")
    card = validate(mreg.json("card", "churn"))
    assert (card["source"], card["path"]) == ("attached", "new.md")
    assert (card["text"], card["frontMatter"]) == (BODY, FRONT)
    assert mreg.run("card", "churn", "--raw").stdout == README
    # The version's own comes first.
    push(mreg, tmp_path / "m")
    mreg.run("attach", "churn", tmp_path / "old.md", "--type", "model-card")
    assert mreg.json("card", "churn")["source"] == "file"


def test_raw_needs_a_readme(mreg, tmp_path):
    push(mreg, tmp_path / "m", None)
    r = mreg.run("card", "churn", "--raw", status=3)
    assert r.stdout == "" and "has no README" in r.stderr


def test_a_large_readme_is_refused_with_a_way_out(mreg, tmp_path):
    push(mreg, tmp_path / "m", "x" * ((1 << 20) + 1))
    error = mreg.fails(1, "card", "churn")
    assert error["code"] == "limit"
    assert "--include README.md" in error["hint"]


def test_wrong_bytes_are_not_shown(mreg, store, tmp_path):
    push(mreg, tmp_path / "m")
    digest = mreg.json("card", "churn")["fileDigest"]
    blob = next(store.rglob(digest.split(":")[1]))
    blob.chmod(0o644)
    blob.write_bytes(README.replace("leaves", "stayed").encode())
    error = mreg.fails(6, "card", "churn")
    assert error["code"] == "integrity" and "README.md" in error["message"]


def test_a_missing_version_is_not_found(mreg, tmp_path):
    push(mreg, tmp_path / "m")
    assert mreg.fails(3, "card", "churn:v9")["code"] == "not_found"


def test_the_sample_fits():
    validate(json.loads((SPEC / "samples/card.json").read_text()))


@pytest.mark.parametrize("change", [
    {"schema": "mreg.card/2"}, {"source": "web"}, {"text": None},
    {"fileDigest": "md5:1"}, {"digest": None}, {"frontMatter": []}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/card.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        validate({**sample, **change})
