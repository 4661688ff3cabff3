"""test_query.py - SQL of a user's own on the index, on both databases."""
import json
import os
import pathlib
import subprocess
import time
import uuid

import jsonschema
import pytest
from harness import small_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "spec/schemas/query.schema.json"
VIEWS = ["aliases", "approvals", "deployments", "documents", "edges",
         "evaluations", "events", "incidents", "inputs", "metrics", "models",
         "notes", "params", "releases", "syncs", "tags", "versions"]
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def index(request, mreg, model, tmp_path):
    """A user with two versions of a model in an index."""
    if request.param == "PostgreSQL":
        server = os.environ.get("MREG_TEST_POSTGRES")
        if not server:
            pytest.skip("MREG_TEST_POSTGRES names no server")
        name = "q" + uuid.uuid4().hex
        subprocess.run(["psql", "-qc", f"CREATE DATABASE {name}", server],
                       check=True)
        mreg.env["MREG_INDEX"] = server.replace("/postgres?", f"/{name}?")
    mreg.json("push", model, "churn:staging", "--metric", "auc=0.910",
              "--param", "lr=0.1", "--tag", "team=risk", "--license", "MIT",
              "--input", "train=s3://lake/customers.parquet")
    mreg.json("push", small_model(tmp_path / "two", 2), "churn",
              "--metric", "auc=0.94", "--run-id", "run-2",
              "--parent", "finetune=churn:v1")
    mreg.json("index", "sync")
    mreg.is_sqlite = request.param == "SQLite"
    return mreg


def rows(mreg, sql, *args):
    result = mreg.json("query", sql, *args)
    jsonschema.validate(result, json.loads(SCHEMA.read_text()))
    return result["rows"]


# -- what it says -----------------------------------------------------------------


def test_versions_are_rows_of_a_view(index):
    name = f"oci:{index.env['MREG_STORE']}//churn"
    assert rows(index, "SELECT model, version, license, run, moved, kind "
                "FROM versions ORDER BY version") == [
        [name, 1, "MIT", None, 0, "model"],
        [name, 2, None, "run-2", 0, "model"]]
    assert rows(index, "SELECT model, alias, version FROM aliases "
                "ORDER BY alias") == [
        [name, "latest", 2], [name, "staging", 1]]


def test_numbers_stay_numbers_and_as_they_were_written(index):
    assert rows(index, "SELECT version, name, value, written FROM metrics "
                "ORDER BY version") == [[1, "auc", 0.91, "0.910"],
                                        [2, "auc", 0.94, None]]
    assert rows(index, "SELECT name, value, number FROM params") == \
        [["lr", "0.1", 0.1]]


def test_edges_have_kinds_and_names_on_both_ends(index):
    first, second = (r[0] for r in rows(
        index, "SELECT digest FROM versions ORDER BY version"))
    said = rows(index, "SELECT relation, child_kind, child, parent_kind, "
                "parent FROM edges ORDER BY relation")
    assert said == [
        ["finetune", "manifest", second, "manifest", first],
        ["input", "manifest", first, "uri", "s3://lake/customers.parquet"],
        ["run", "manifest", second, "run", "run-2"]]


def test_times_are_text_and_seconds(index):
    (text, seconds, none), = rows(
        index, "SELECT updated_at, updated_s, archived_at FROM versions "
        "WHERE version = 1")
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) == text
    assert none is None


def test_every_view_that_is_documented_can_be_asked(index):
    spec = (ROOT / "spec/index.md").read_text()
    shown = index.run("query", "--help").stdout
    for view in VIEWS:
        result = index.json("query", f"SELECT * FROM {view}")
        documented = spec.split(f"### {view}\n")[1].split("\n### ")[0]
        for column in result["columns"]:
            assert f"`{column}`" in documented, (view, column)
        assert view in shown


def test_lines_and_values_are_other_forms_of_the_same(index):
    sql = "SELECT version, name, written AS w, value AS w FROM metrics " \
        "ORDER BY version"
    lines = index.run("query", sql, "--jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"version": 1, "name": "auc", "w": "0.910", "w_2": 0.91},
        {"version": 2, "name": "auc", "w": None, "w_2": 0.94}]
    assert index.run("query", sql, "--csv").stdout.splitlines() == [
        "version,name,w,w_2", "1,auc,0.910,0.91", "2,auc,,0.94"]
    table = index.run("query", sql).stdout.splitlines()
    assert table[0].split() == ["version", "name", "w", "w_2"]
    assert table[2].split() == ["2", "auc", "-", "0.94"]


def test_commas_and_quotes_are_quoted(index):
    sql = "SELECT 'a,\"b\"\nc' AS x"
    assert index.run("query", sql, "--csv").stdout == \
        'x\n"a,""b""\nc"\n'


def test_it_says_how_old_it_is(index):
    r = index.run("query", "SELECT 1 AS x")
    assert r.stderr.startswith("from the index, synced ")
    assert index.run("query", "SELECT 1 AS x", "-q").stderr == ""


def test_sql_may_come_from_standard_input_and_end_in_a_semicolon(index):
    r = index.run("query", "-", input="SELECT 1 AS x;\n")
    assert r.stdout == "x\n1\n"


def test_more_rows_than_the_limit_are_told(index):
    result = index.json("query", "SELECT version FROM versions ORDER BY 1",
                        "--limit", "1")
    assert result["rows"] == [[1]] and result["cut"]
    r = index.run("query", "SELECT version FROM versions", "--limit", "1")
    assert "there are more rows: --limit 2 or more" in r.stderr
    result = index.json("query", "SELECT version FROM versions",
                        "--limit", "2")
    assert not result["cut"]


def test_rows_that_are_too_large_are_told_apart(index):
    large = f"replace('{'x' * 10000}', 'x', '{'y' * 1000}')"
    r = index.run("query", f"SELECT {large} AS a FROM metrics m, metrics n, "
                  "metrics o, metrics p", "--csv")
    assert "LIMIT and OFFSET" in r.stderr and "--limit" not in r.stderr


# -- what it does not do ------------------------------------------------------------


REFUSED = [
    "DELETE FROM versions",
    "DELETE FROM ix_versions",
    "INSERT INTO ix_texts (value) VALUES ('x')",
    "UPDATE ix_models SET name = 'x'",
    "DROP TABLE ix_versions",
    "CREATE TABLE x (y INT)",
    "SELECT * FROM ix_versions",
    "SELECT (SELECT count(*) FROM ix_nodes)",
    "SELECT * FROM cache_tags",
    "SELECT count(*) FROM ix_texts",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM pg_catalog.pg_class",
    "WITH versions AS (SELECT * FROM ix_texts) SELECT * FROM versions",
    "WITH x AS (DELETE FROM ix_versions RETURNING 1) SELECT * FROM x",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE ix_versions; --",
    "ATTACH 'x.db' AS x",
    "PRAGMA journal_mode",
    "SELECT * FROM pragma_table_info('ix_versions')",
    "SELECT load_extension('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT set_config('statement_timeout', '0', false)",
    "COPY versions TO '/tmp/x'",
    "SET ROLE postgres",
    "VACUUM INTO 'x.db'",
    "BEGIN",
    "",
    ";",
    "-- nothing",
    "SELECT",
    "SELECT nothing FROM versions",
]


def test_it_only_reads_the_views(index):
    before = rows(index, "SELECT * FROM versions ORDER BY version")
    for sql in REFUSED:
        r = index.run("query", sql, "--json", status=None)
        assert r.status in (2, 5), str(r)
        assert r.stdout == "" and r.error["hint"], str(r)
    assert rows(index, "SELECT * FROM versions ORDER BY version") == before
    assert not (index.home / "x.db").exists()


def test_sql_that_fails_while_it_runs_is_its_writers_mistake(index):
    error = index.fails(2, "query", "SELECT abs(-9223372036854775807 - "
                        "version) FROM versions")
    assert error["code"] == "usage"
    assert "overflow" in error["message"] or "range" in error["message"]
    assert "--help" in error["hint"]


def test_what_does_not_end_is_ended(index):
    error = index.fails(1, "query", ENDLESS + "SELECT max(n) FROM r",
                        "--timeout", "1")
    assert error["code"] == "limit"
    assert "--timeout" in error["hint"]


def test_endless_rows_are_cut(index):
    # What is not wanted is not waited for either: that would be 300 s more.
    result = index.json("query", ENDLESS + "SELECT n FROM r", "--limit", "5",
                        "--timeout", "600")
    assert result["rows"] == [[1], [2], [3], [4], [5]] and result["cut"]


def test_rows_that_are_too_large_together_are_cut(mreg, pushed):
    mreg.json("index", "sync")
    result = mreg.json(
        "query", ENDLESS + "SELECT n, hex(zeroblob(4000000)) FROM r")
    assert 0 < len(result["rows"]) < 10 and result["cut"]


def test_escape_codes_do_not_get_through(mreg, pushed, terminal):
    mreg.json("index", "sync")
    for args in ([], ["--csv"], ["--jsonl"], ["--json"]):
        raw = terminal("query", "SELECT char(27) || '[31mred' || char(8) || "
                       "char(0x202e) AS x", *args, "-q").raw
        assert "\x1b[31m" not in raw and "\x08" not in raw
        assert "red" in raw


def test_bytes_and_infinities_are_shown_as_text(mreg, pushed):
    mreg.json("index", "sync")
    assert rows(mreg, "SELECT x'00ff' AS b, 9e999 AS i, -9e999 AS n, "
                "CAST(x'ff41' AS TEXT) AS t") == \
        [["00ff", "inf", "-inf", "?A"]]


def test_two_forms_at_once_are_refused(mreg):
    error = mreg.fails(2, "query", "SELECT 1", "--csv")
    assert "--csv" in error["message"]


def test_without_an_index_it_says_how_to_get_one(mreg):
    error = mreg.fails(3, "query", "SELECT 1")
    assert "mreg index sync" in error["hint"]
