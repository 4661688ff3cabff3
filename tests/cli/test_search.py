"""test_search.py - search: every attribute and operator, over an index of a
local store, in both databases; pages; bad and hostile filters."""
import json
import os
import pathlib
import re
import secrets
import subprocess

import jsonschema
import pytest

import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
POSTGRES = os.environ.get("MREG_TEST_POSTGRES")
HOSTILE = "x'; DROP TABLE ix_versions; --"


def push(mreg, folder, name, seed, *words, card="# Small\n"):
    """A version of three files, whose README is `card`."""
    harness.small_model(folder, seed)
    harness.write(folder / "README.md", card)
    return mreg.json("push", folder, name, *words)["digest"]


def fill(mreg, place):
    """The world that FOUND below is about; digests by version."""
    d = {}
    d["base:v1"] = push(
        mreg, place / "b", "llm/base", 1, "--license", "GPL-3.0",
        "--created", "2026-01-10T12:00:00Z", "--parameters", "7000000000",
        "--architecture", "transformer", "--family", "llama", "--precision",
        "bfloat16", "--quantization", "awq", "--format", "safetensors",
        card="# Base\n\nAn assistant for credit questions.\n")
    d["churn:v1"] = push(
        mreg, place / "1", "churn:staging", 2, "--metric", "auc=0.91",
        "--metric", "loss=1e-3", "--param", "lr=0.01", "--param",
        "optimizer=adam", "--tag", "team=risk", "--tag", "a-key/x=v",
        "--author", "ada", "--run-id", "run-1", "--source",
        "https://git.example.com/churn", "--revision", "abc123",
        "--license", "Apache-2.0", "--description", "Who leaves",
        "--created", "2026-05-03T10:00:00Z", "--parent",
        "finetune=llm/base:v1", "--input", "train=s3://bucket/train.csv")
    d["churn:v2"] = push(
        mreg, place / "2", "churn:production", 3, "--metric", "auc=0.95",
        "--param", "lr=10", "--tag", "team=Risk", "--tag", f"odd={HOSTILE}",
        "--run-id", "run-2", "--license", "mit",
        "--created", "2026-05-04T00:00:00Z", "--parent",
        "retrain=churn:v1", card="# Churn\n\nCredit risk of customers.\n")
    d["data:v1"] = push(mreg, place / "d", "data/train", 4, "--kind",
                        "dataset")
    # The same files again, under another name.
    d["copy:v1"] = push(mreg, place / "2", "copy", 3, "--metric", "auc=0.5",
                        "--tag", "team=ops",
                        card="# Churn\n\nCredit risk of customers.\n")
    mreg.run("release", "churn:v2", "1.2.0")
    mreg.run("evaluate", "churn:v1", "--suite", "smoke", "--fail")
    mreg.run("evaluate", "churn:v2", "--suite", "smoke", "--pass")
    mreg.run("deployed", "churn:v2", "--env", "eu")
    mreg.run("edit", "churn", "--owner", "grace", "--tag", "domain=crm")
    mreg.run("edit", "churn:v1", "--owner", "linus", "--description",
             "Who leaves us")
    mreg.run("deprecate", "churn:v1", "--reason", "old")
    mreg.run("archive", "copy:v1", "--reason", "unused")
    return d


def database(kind, folder):
    """Where an index may be made."""
    if kind == "sqlite":
        return str(folder / "index.db")
    if not POSTGRES:
        pytest.skip("MREG_TEST_POSTGRES names no server")
    return (POSTGRES + ("&" if "?" in POSTGRES else "?") +
            "options=-csearch_path%3D" + "t" + secrets.token_hex(8))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    place = tmp_path_factory.mktemp("search")
    mreg = harness.Mreg(harness.program(), place / "home",
                        env={"MREG_STORE": str(place / "store"),
                             "MREG_ACTOR": "tess"})
    return mreg, fill(mreg, place), place


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request, filled, tmp_path_factory):
    """A user with an index, and digests by version."""
    mreg, digests, _ = filled
    mine = mreg.clone(tmp_path_factory.mktemp("home"), MREG_INDEX=database(
        request.param, tmp_path_factory.mktemp("db")))
    mine.env["MREG_STORE"] = mreg.env["MREG_STORE"]
    mine.run("index", "sync")
    return mine, digests


def names(result):
    return {f"{v['name'].split('/')[-1]}:{v['version']}"
            for v in result["versions"]}


def find(mreg, text, *words):
    return names(mreg.json("search", text, *words))


ALL = {"base:v1", "churn:v1", "churn:v2", "train:v1", "copy:v1"}
C1, C2, CHURN = {"churn:v1"}, {"churn:v2"}, {"churn:v1", "churn:v2"}

FOUND = [
    ("", ALL),
    # names
    ("name = 'churn'", CHURN), ("name != 'churn'", ALL - CHURN),
    ("name LIKE 'c%'", CHURN | {"copy:v1"}), ("name LIKE 'C%'", set()),
    ("name ILIKE 'C%'", CHURN | {"copy:v1"}), ("name LIKE 'chur_'", CHURN),
    ("name IN ('churn', 'llm/base')", CHURN | {"base:v1"}),
    ("name NOT IN ('churn', 'llm/base')", {"train:v1", "copy:v1"}),
    ("name NOT LIKE 'c%'", {"train:v1", "base:v1"}),
    ("attribute.name = 'churn'", CHURN), ("name IS NULL", set()),
    ("model LIKE '%store//churn'", CHURN), ("model = 'churn'", set()),
    # several values
    ("alias = 'production'", C2), ("alias LIKE 'st%'", C1),
    ("alias IS NULL", set()), ("alias = 'latest' AND name = 'churn'", C2),
    ("alias != 'production' AND name = 'churn'", C1),
    ("alias NOT IN ('production', 'x') AND name = 'churn'", C1),
    ("alias IN ('production', 'staging')", CHURN),
    ("environment = 'eu'", C2), ("environment IS NOT NULL", C2),
    ("environment != 'us'", C2),
    ("evaluations.smoke = 'passed'", C2),
    ("evaluation.smoke != 'passed'", C1),
    ("evaluations.smoke IN ('passed', 'failed')", CHURN),
    ("evaluations.none IS NULL", ALL),
    # what the log says
    ("release = '1.2.0'", C2), ("release IS NULL", ALL - C2),
    ("stage = 'production'", C2), ("stage = 'archived'", {"copy:v1"}),
    ("status = 'archived'", {"copy:v1"}), ("status = 'deprecated'", C1),
    ("status != 'ready'", C1 | {"copy:v1"}),
    ("status = 'ready' AND name LIKE 'c%'", C2),
    ("owner = 'linus'", C1), ("owner = 'grace'", C2),
    ("owner != 'linus'", C2),
    ("NOT owner = 'linus'", ALL - C1),
    ("description = 'Who leaves us'", C1), ("actor = 'tess'", ALL),
    # what the manifest says
    ("author = 'ada'", C1), ("license = 'Apache-2.0'", C1),
    ("licence ILIKE 'apache%'", C1), ("license IS NULL",
                                      {"train:v1", "copy:v1"}),
    ("license != 'GPL-3.0'", C1 | C2),
    ("license NOT LIKE 'A%'", C2 | {"base:v1"}),
    ("kind = 'dataset'", {"train:v1"}), ("kind = 'model'", ALL - {"train:v1"}),
    ("format = 'safetensors'", {"base:v1"}),
    ("architecture = 'transformer'", {"base:v1"}),
    ("family = 'llama' AND precision = 'bfloat16'", {"base:v1"}),
    ("quantization = 'awq'", {"base:v1"}),
    ("run_id = 'run-1'", C1), ("run IN ('run-1','run-2')", CHURN),
    ("source_path LIKE 'https://git.example.com/%'", C1),
    ("revision = 'abc123'", C1), ("commit = 'abc12'", set()),
    ("parameters = 7B", {"base:v1"}), ("parameters > 6.9B", {"base:v1"}),
    ("parameters IS NULL", ALL - {"base:v1"}),
    ("bytes > 4KiB", ALL), ("bytes < 4KiB", set()), ("size >= 1GB", set()),
    ("files = 3", ALL), ("files IN (1, 2)", set()), ("files > 2.5", ALL),
    # numbers and times
    ("version = 2", C2), ("version_number >= 1 AND version < 2", ALL - C2),
    ("version_number != 1", C2), ("version IN (2, 3)", C2),
    ("version NOT IN (2, 3)", ALL - C2), ("version NOT IN (2.5)", ALL),
    ("version IN (2.5, 3.5)", set()), ("parameters NOT IN (1)", {"base:v1"}),
    ("metrics.auc NOT IN (0.5, 0.95)", C1),
    ("version > 9223372036854775807", set()),
    ("version > 1e300", set()), ("version < 1e300", ALL),
    ("created = 2026-05-03", C1), ("created > 2026-05-03", C2),
    ("created >= 2026-05-03", CHURN), ("created < 2026-05-03", {"base:v1"}),
    ("created <= 2026-05-03", C1 | {"base:v1"}),
    ("created != 2026-05-03", C2 | {"base:v1"}),
    ("created = 2026-05-03T12:00:00+02:00", C1),
    ("created IS NULL", {"train:v1", "copy:v1"}),
    ("created = 1777802400000", C1), ("created < 1777802400001",
                                      C1 | {"base:v1"}),
    ("creation_timestamp > 12h ago", ALL), ("registered < 12h", set()),
    ("updated > 1d", ALL), ("last_updated_timestamp < 0", set()),
    # maps
    ("tags.team = 'risk'", C1), ("tag.team ILIKE 'risk'", CHURN),
    ("tags.team != 'risk'", C2 | {"copy:v1"}),
    ("NOT tags.team = 'risk'", ALL - C1),
    ("tags.team IS NULL", {"base:v1", "train:v1"}),
    ("tags.`a-key/x` = 'v'", C1), ("tags.a-key/x LIKE '%'", C1),
    ("tags.team = 'risk' AND tags.team = 'Risk'", set()),
    ("metrics.auc > 0.9", CHURN), ("metrics.auc >= 0.95", C2),
    ("metrics.auc = 0.5", {"copy:v1"}), ("metrics.loss < 2e-3", C1),
    ("metrics.loss IS NULL", ALL - C1), ("metrics.auc IN (0.91, 0.95)", CHURN),
    ("metrics.auc != 0.91", C2 | {"copy:v1"}), ("metrics.none > 0", set()),
    ("params.lr = '0.01'", C1), ("params.lr = 1e-2", C1),
    ("params.lr > 2", C2), ("params.lr > 1e-3", CHURN),
    ("params.optimizer = 'adam'", C1), ("params.optimizer > 1", set()),
    ("params.lr IN (0.01, 7)", C1), ("param.lr LIKE '1%'", C2),
    # joined
    ("name = 'churn' AND version = 1 OR name = 'copy'", C1 | {"copy:v1"}),
    ("name = 'churn' AND (version = 1 OR alias = 'production')", CHURN),
    ("NOT (name = 'churn' OR kind = 'dataset')", {"base:v1", "copy:v1"}),
    ("NOT NOT name = 'churn'", CHURN),
    # predicates
    ("text('credit')", {"base:v1", "churn:v2", "copy:v1"}),
    ("text('credit risk')", {"churn:v2", "copy:v1"}),
    ("text('assistant', 'customers')", {"base:v1", "churn:v2", "copy:v1"}),
    ("NOT text('credit')", {"churn:v1", "train:v1"}),
    ("text('CREDIT') AND name = 'churn'", C2),
    ("descends_from('llm/base:v1')", CHURN),
    ("descends_from('llm/base')", CHURN),
    ("descends_from('churn:v1')", C2),
    ("descends_from('churn:v1', 'llm/base:v1')", CHURN),
    ("NOT descends_from('llm/base:v1')", ALL - CHURN),
    ("ancestor_of('churn:production')", C1 | {"base:v1"}),
    ("has_ancestor_license('GPL-3.0')", CHURN),
    ("has_ancestor_license('Apache-2.0')", C2),
    ("same_files('churn:v2')", C2 | {"copy:v1"}),
    ("uses('s3://bucket/train.csv')", CHURN),
    ("uses('s3://nobody/knows')", set()),
    ("uses('llm/base:v1') AND metrics.auc > 0.92", C2),
    ("descends_from('sha256:" + "0" * 64 + "')", set()),
    # what is data stays data
    (f"tags.odd = '{HOSTILE.replace(chr(39), chr(39) * 2)}'", C2),
    (f'tags.odd = "{HOSTILE}"', C2),
    ("name = ''' OR 1=1 --'", set()), ("tags.`x' OR 1=1 --` = 'a'", set()),
    ("metrics.`a\") OR 1=1 --` > 0", set()), ("name LIKE '%'';--'", set()),
    ("text('\" OR *')", set()), ("text('NEAR(credit risk)')", set()),
    ("text('col: credit*')", set()), ("text('{ids $1}')", set()),
    ("name = '{ids $1}' OR name = '$1' OR name = '?1'", set()),
    ("name = 'größe' OR name = '模型'", set()),
]


@pytest.mark.parametrize("text, want", FOUND, ids=[t for t, _ in FOUND])
def test_a_filter_finds_what_it_says(world, text, want):
    assert find(world[0], text) == want


def test_digests_are_found(world):
    mreg, d = world
    assert find(mreg, f"digest = '{d['churn:v1']}'") == C1
    assert find(mreg, f"digest LIKE '{d['churn:v1'][:20]}%'") == C1
    assert find(mreg, f"descends_from('{d['base:v1']}')") == CHURN
    row = mreg.json("search", "name = 'copy'")["versions"][0]
    assert find(mreg, f"fileset = '{row['fileset']}'") == C2 | {"copy:v1"}


@pytest.mark.parametrize("order, want", [
    ("metrics.auc DESC", ["churn:v2", "churn:v1", "copy:v1"]),
    ("metrics.auc", ["copy:v1", "churn:v1", "churn:v2"]),
    ("created desc", ["churn:v2", "churn:v1", "base:v1"]),
    ("params.lr", ["churn:v1", "churn:v2"]),
    ("tags.team", ["churn:v2", "copy:v1", "churn:v1"]),
    ("name ASC, version_number DESC",
     ["churn:v2", "churn:v1", "copy:v1", "train:v1", "base:v1"]),
    ("name DESC", ["base:v1", "train:v1", "copy:v1"]),
])
def test_rows_stand_in_order_and_what_is_not_told_last(world, order, want):
    rows = world[0].json("search", "--order-by", order)["versions"]
    got = [f"{v['name'].split('/')[-1]}:{v['version']}" for v in rows]
    assert len(got) == 5 and got[:len(want)] == want


def test_models_are_found_by_what_models_have(world):
    mreg = world[0]

    def models(text, *words):
        found = mreg.json("search", "--models", text, *words)
        assert found["of"] == "models" and found["versions"] == []
        return [m["name"] for m in found["models"]]

    every = ["churn", "copy", "data/train", "llm/base"]
    assert models("") == every
    assert models("name LIKE 'c%'") == ["churn", "copy"]
    assert models("name ILIKE '%BASE'") == ["llm/base"]
    assert models("owner = 'grace'") == ["churn"]
    assert models("tags.domain = 'crm'") == ["churn"]
    assert models("tags.domain != 'x' OR name = 'copy'") == ["churn", "copy"]
    assert models("updated > 1d") == every
    assert models("", "--order-by", "name DESC") == every[::-1]
    assert models("", "--order-by", "timestamp", "--limit", "2") == \
        models("", "--order-by", "last_updated_timestamp ASC")[:2]
    row = mreg.json("search", "--models", "name = 'churn'")["models"][0]
    assert (row["versionCount"], row["latest"]) == (2, 2)
    assert row["model"].endswith("//churn") and row["syncedAt"]
    error = mreg.fails(2, "search", "--models", "metrics.auc > 1")
    assert "a model as a whole has no 'metrics'" in error["message"]


def test_names_are_shown_and_compared_below_the_prefix(world, filled):
    mreg, store = world[0], filled[0].env["MREG_STORE"]
    args = ["--registry", f"oci:{store}//llm"]
    assert {v["name"] for v in mreg.json("search", "name = 'base'", *args)
            ["versions"]} == {"base"}
    whole = mreg.json("search", "kind = 'dataset'", *args)["versions"][0]
    assert whole["name"] == whole["model"] == f"oci:{store}//data/train"


# -- what is printed -----------------------------------------------------------


def test_a_table_has_the_columns_that_the_filter_speaks_of(world):
    r = world[0].run("search", "metrics.auc > 0.9 AND tags.team = 'risk'",
                     "--order-by", "params.lr")
    lines = [re.split(r"  +", line.rstrip()) for line in
             r.stdout.rstrip().split("\n")]
    assert lines[0] == ["MODEL", "VERSION", "ALIASES", "STAGE", "REGISTERED",
                        "params.lr", "metrics.auc", "tags.team"]
    assert lines[1][:4] == ["churn", "v1", "staging", "staging"]
    assert lines[1][5:] == ["0.01", "0.91", "risk"]
    assert re.search(r"^from the index, synced [0-9]+ \w+( [0-9]+ \w+)? ago$", r.stderr, re.M)


def test_columns_are_chosen(world):
    mreg = world[0]
    r = mreg.run("search", "name = 'churn'", "--order-by", "version DESC",
                 "--columns", "version,license,bytes", "--columns", "tags.`a-key/x`,created")
    lines = [re.split(r"  +", line.rstrip()) for line in
             r.stdout.rstrip().split("\n")]
    assert lines[0] == ["VERSION", "LICENSE", "BYTES", "tags.a-key/x", "CREATED"]
    assert ["v1", "Apache-2.0", "4.0 KiB", "v", "2026-05-03T10:00:00Z"] in lines
    assert [line[3] for line in lines[1:]] == ["-", "v"]
    for columns, want in [("nmae", "no attribute 'nmae' (byte 1 of the"),
                          ("evaluations.smoke", "cannot show 'evaluations'"),
                          ("name,", "ends where an attribute should be")]:
        error = mreg.fails(2, "search", "--columns", columns)
        assert want in error["message"]
    assert mreg.run("search", "--models", "--columns",
                    "model,owner").stdout.startswith("MODEL")


def test_json_fits_its_schema_and_lines_are_its_rows(world):
    mreg = world[0]
    schema = json.loads((SPEC / "schemas/search.schema.json").read_text())
    check = jsonschema.Draft7Validator(schema)
    for words in [[], ["--models"], ["--count", "--limit", "1"],
                  ["name = 'nobody'"]]:
        found = mreg.json("search", *words)
        check.validate(found)
        assert set(found) == set(schema["properties"])
        for part in ("version", "model"):
            for row in found[part + "s"]:
                assert set(row) == set(
                    schema["definitions"][part]["properties"])
        lines = [json.loads(line) for line in
                 mreg.run("search", *words, "--jsonl").stdout.splitlines()]
        assert lines == found["versions"] + found["models"]
    assert mreg.json("search", "--count", "--limit", "1")["total"] == 5
    assert mreg.json("search")["total"] is None


def test_what_is_counted_is_a_number(world):
    mreg = world[0]
    assert mreg.run("search", "--count").stdout == "5\n"
    assert mreg.run("search", "metrics.auc > 0.9", "--count").stdout == "2\n"
    assert mreg.run("search", "name = 'x'", "--count").stdout == "0\n"
    assert mreg.run("search", "--models", "--count").stdout == "4\n"
    r = mreg.run("search", "name = 'x'")
    assert r.stdout == "" and "nothing matches" in r.stderr
    assert mreg.run("search", "name = 'x'", "--quiet").stderr == ""


# -- pages ---------------------------------------------------------------------


def test_the_next_page_is_told_as_a_command(world):
    mreg = world[0]
    r = mreg.run("search", "name != 'it''s'", "--order-by", "name",
                 "--limit", "2")
    told = re.search(r"^there are more: mreg (.*)$", r.stderr, re.M).group(1)
    done = subprocess.run(["sh", "-c", f"{mreg.binary} {told} --json"],
                          env=mreg.env, capture_output=True, text=True,
                          check=True)
    assert names(json.loads(done.stdout)) == {"copy:v1", "train:v1"}


def test_the_next_page_is_of_the_same_index_and_names(world):
    mreg = world[0]
    flags = ["--store", mreg.env["MREG_STORE"]]
    env = {"MREG_STORE": "/nowhere"}
    if "postgres" not in mreg.env["MREG_INDEX"]:
        flags += ["--db", mreg.env["MREG_INDEX"]]
        env["MREG_INDEX"] = "/nowhere/it's"
    r = mreg.run("search", *flags, "--limit", "2", "--order-by", "name",
                 env=env)
    told = re.search(r"^there are more: mreg (.*)$", r.stderr, re.M).group(1)
    done = subprocess.run(["sh", "-c", f"{mreg.binary} {told} --json"],
                          env={**mreg.env, **env}, capture_output=True,
                          text=True, check=True)
    assert len(names(json.loads(done.stdout))) == 2
    page = mreg.run("search", "--limit", "2", "--json")
    assert page.json["nextPage"] and page.stderr == ""
    lines = mreg.run("search", "--limit", "2", "--jsonl")
    assert "there are more: mreg search" in lines.stderr


@pytest.mark.parametrize("words", [
    [], ["--order-by", "metrics.auc DESC"], ["--order-by", "metrics.auc"],
    ["--order-by", "name"], ["--order-by", "tags.team DESC, created"],
    ["--models"], ["--models", "--order-by", "updated DESC"],
    ["registered > 30d", "--order-by", "created"]])
def test_pages_give_every_row_once_in_the_same_order(world, words):
    mreg = world[0]
    whole = mreg.json("search", *words)
    rows = whole["versions"] + whole["models"]
    seen, page = [], []
    while True:
        part = mreg.json("search", *words, "--limit", "1", *page)
        seen += part["versions"] + part["models"]
        if not part["nextPage"]:
            break
        page = ["--page", part["nextPage"]]
    assert seen == rows
    lines = mreg.run("search", *words, "--limit", "2", "--all", "--jsonl")
    assert [json.loads(line) for line in lines.stdout.splitlines()] == rows
    joined = mreg.json("search", *words, "--limit", "2", "--all")
    assert joined["versions"] + joined["models"] == rows
    assert joined["nextPage"] is None


def test_a_page_of_another_question_is_refused(world):
    mreg = world[0]
    page = mreg.json("search", "--limit", "1")["nextPage"]
    for words in [["name = 'churn'"], ["--order-by", "name"], ["--models"]]:
        assert mreg.fails(2, "search", *words, "--page", page)["message"]
    for token in ["x", page[:-1], page + "A", "A" * 5000, "=", "'; --"]:
        assert mreg.fails(2, "search", "--page", token)["message"]


def test_rows_that_come_in_between_change_no_page(filled, tmp_path):
    """What was there from the start comes once; what comes meanwhile at most
    once."""
    mreg = filled[0].clone(tmp_path / "home",
                           MREG_STORE=str(tmp_path / "store"),
                           MREG_INDEX=str(tmp_path / "index.db"))
    for i in range(6):
        push(mreg, tmp_path / f"m{i}", "many", i, "--metric",
             f"auc=0.{i + 1}")
    mreg.run("index", "sync")
    first = {v["digest"] for v in mreg.json("search")["versions"]}
    seen, page, i = [], [], 6
    while True:
        part = mreg.json("search", "--order-by", "metrics.auc DESC",
                         "--limit", "2", *page)
        seen += [v["digest"] for v in part["versions"]]
        if not part["nextPage"]:
            break
        page = ["--page", part["nextPage"]]
        if i < 9:
            push(mreg, tmp_path / f"m{i}", "many", i, "--metric",
                 f"auc=0.{i - 5}5")
            mreg.run("index", "sync")
            i += 1
    assert len(seen) == len(set(seen)) and first <= set(seen)


def test_what_replaces_a_version_was_not_made_from_it(filled, tmp_path):
    mreg = filled[0].clone(tmp_path / "home",
                           MREG_STORE=str(tmp_path / "store"),
                           MREG_INDEX=str(tmp_path / "index.db"))
    push(mreg, tmp_path / "1", "a", 1, "--license", "GPL-3.0-only")
    push(mreg, tmp_path / "2", "a", 2, "--license", "MIT")
    push(mreg, tmp_path / "3", "b", 3, "--parent", "finetune=a:v1")
    mreg.run("deprecate", "a:v1", "--successor", "v2")
    mreg.run("index", "sync")
    for text in ("descends_from('a:v1')", "uses('a:v1')",
                 "has_ancestor_license('GPL-3.0-only')"):
        assert find(mreg, text) == {"b:v1"}
    assert find(mreg, "ancestor_of('a:v2')") == set()


# -- what is no filter -----------------------------------------------------------


@pytest.mark.parametrize("text, byte, hint", [
    ("licens = 'x'", 1, "did you mean 'license'?"),
    ("name = 'x' AND", 15, "write one: name = 'churn'"),
    ("name = churn", 8, "write 'churn', in quotes"),
    ("metrics.auc > high", 15, "it is here: high"),
    ("name = 'x' ; DROP TABLE ix_versions", 12, "it is here: ;"),
    ("name = 'x' UNION SELECT 1", 12, "it is here: UNION"),
    ("descends_from('nobody:v1')", 15, "mreg index sync"),
])
def test_an_error_tells_the_byte_and_what_to_write(world, text, byte, hint):
    r = world[0].run("search", text, "--json", status=None)
    assert r.status == (3 if "nobody" in text else 2)
    assert f"(byte {byte} of the filter)" in r.error["message"]
    assert hint in r.error["hint"]


def test_a_terminal_shows_a_caret(world):
    from conftest import Terminal
    screen = Terminal(world[0], "search", "name = 'ä\t' AND licens = 'x'").screen
    assert screen[0] == r"  name = 'ä\x09' AND licens = 'x'"
    assert screen[1] == " " * (2 + len(r"name = 'ä\x09' AND ")) + "^"
    assert screen[2].startswith("error: there is no attribute 'licens'")
    far = Terminal(world[0], "search",
                   " OR ".join(["name = 'x'"] * 50) + " OR !").screen
    assert far[0].endswith("OR !") and far[1].index("^") == far[0].index("!")
    assert len(far[0]) < 100


@pytest.mark.parametrize("text", [
    "(" * 5000, "NOT " * 4000 + "files = 1", "name = '" + "x" * 100000,
    " OR ".join(["files = 1"] * 300), "files IN (" + "1," * 5000 + "1)",
], ids=["groups", "nots", "open", "ors", "list"])
def test_what_is_too_large_is_refused(world, text):
    assert world[0].fails(2, "search", text)["message"]


def test_the_largest_filters_are_answered(world):
    mreg = world[0]
    assert find(mreg, " OR ".join(["files = 1"] * 255 + ["version = 2"])) == C2
    assert find(mreg, " AND ".join(["NOT tags.k = 'x'"] * 256)) == ALL
    assert find(mreg, "files IN (" + "7," * 999 + "3)") == ALL
    assert find(mreg, "(" * 64 + "version = 2" + ")" * 64) == C2
    assert find(mreg, " OR ".join(["descends_from('llm/base:v1')"] * 100)) == \
        CHURN
    assert find(mreg, "name = '" + "x" * 16000 + "'") == set()
    assert find(mreg, "name LIKE '" + "%_" * 500 + "'") == set()


def test_bad_options_are_refused(world):
    mreg = world[0]
    assert "too large" in mreg.fails(2, "search", "--limit", "50001")["message"]
    assert "ASC, DESC" in mreg.fails(
        2, "search", "--order-by", "name DOWN")["message"]
    assert "several values" in mreg.fails(
        2, "search", "--order-by", "alias")["message"]


def test_without_an_index_it_tells_how_to_make_one(filled, tmp_path):
    mreg = filled[0].clone(tmp_path, MREG_INDEX=str(tmp_path / "none.db"))
    error = mreg.fails(3, "search")
    assert "mreg index sync" in error["hint"]
    assert not (tmp_path / "none.db").exists()


def words_of_the_spec():
    """First words of the table of attributes, with their synonyms."""
    text = (SPEC / "query.md").read_text(encoding="utf-8")
    table = text.split("\n## Attributes\n")[1].split("\n## ")[0]
    for line in table.split("\n"):
        if line.startswith("| `"):
            _, first, second, _ = line.split("|", 3)
            for word in re.findall(r"`([^`]*)`", first):
                yield word, second.strip().split(",")[0]


def test_every_attribute_of_the_spec_is_known(world):
    value = {"text": "'x'", "texts": "'x'", "number": "1", "time": "1d"}
    seen = set()
    for word, kind in words_of_the_spec():
        name = re.sub("KEY|NAME|SUITE", "k", word)
        world[0].run("search", f"{name} = {value[kind]}", "--count")
        seen.add(word)
    assert len(seen) > 45
