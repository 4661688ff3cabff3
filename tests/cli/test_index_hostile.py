"""test_index_hostile.py - what others put into a registry is data: it is
synced, or left out with a note, and breaks no answer and no terminal."""
import json

import pytest
from bad import sha256
from harness import small_model, write

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ESCAPES = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202egnp.exe\u2028 \x08\x7f"
SQL = "'); DROP TABLE ix_versions; --\" $1 {key} %s <script>alert(1)</script>"
OCI = "org.opencontainers.image."
NASTY = ["\x1b[31m", "\x1b]", "\x07", "\x08", "\x7f", "\x9b", "\u202e",
         "\u2028"]


def parents(digests):
    return json.dumps([{"relation": "merge", "ref": f"x:v{i}\u202e",
                        "digest": d} for i, d in enumerate(digests)])


def said(text, **more):
    """Annotations with `text` wherever a text may be."""
    return {f"org.mreg.tag.{text}": text, f"org.mreg.param.{text}": text,
            "org.mreg.run.id": text, "org.mreg.environment": "s3://" + text,
            "org.mreg.inputs": json.dumps(
                [{"role": text, "name": text, "uri": "s3://b/" + text}]),
            OCI + "licenses": text, OCI + "description": text,
            OCI + "authors": text, OCI + "source": text,
            OCI + "revision": text, OCI + "title": text, **more}


@pytest.fixture
def hostile(mreg, store, pushed):
    """churn with versions that nobody would push with mreg."""
    layout = store / "churn"
    first = json.loads((layout / "blobs/sha256" / pushed[7:]).read_text())
    index = json.loads((layout / "index.json").read_text())
    digests = {}

    def put(number, annotations, tag=None):
        manifest = json.dumps({**first, "annotations": annotations}).encode()
        digest = sha256(manifest)
        write(layout / "blobs/sha256" / digest[7:], manifest)
        index["manifests"].append({
            "mediaType": MANIFEST, "digest": digest, "size": len(manifest),
            "annotations": {OCI + "ref.name": tag or f"v{number}"}})
        digests[number] = digest
        return digest

    put(2, said(ESCAPES))
    put(3, said(SQL))
    put(4, {"org.mreg.tag.big": "x" * (1 << 20),
            "org.mreg.param." + "k" * 5000: "\u20ac" * 5000})
    put(5, {OCI + "created": "-0001-01-01T00:00:00Z",
            "org.mreg.metric.huge": "1e308", "org.mreg.metric.more": "1e309",
            "org.mreg.metric.none": "NaN", "org.mreg.metric.auc": "1e307",
            "org.mreg.parameters": "9" * 30})
    put(6, {"org.mreg.parents": parents([digests[5], pushed] + [
        sha256(b"%d" % i) for i in range(9998)])})
    put(7, {f"org.mreg.tag.t{i}": str(i) for i in range(10000)})
    # A circle by way of what was told before: 8 names 9, which names 8's tag.
    put(9, {"org.mreg.parents": parents([digests[6]])})
    put(8, {"org.mreg.parents": parents([digests[9], digests[7]])})
    put(10, said(ESCAPES), tag="production")
    (layout / "index.json").write_text(json.dumps(index))
    mreg.json("index", "sync")
    return digests


def test_all_of_it_is_indexed_and_noted(mreg, hostile):
    done = mreg.json("query", "SELECT version FROM versions ORDER BY version")
    assert [v for v, in done["rows"]] == list(range(1, 10))
    notes = mreg.json("query", "SELECT subject, note FROM notes")["rows"]
    assert ["v4 big", "cut: it has 1048576 bytes"] in notes
    row, = mreg.json("query", "SELECT value FROM tags WHERE version = 2 AND "
                     "name LIKE '%red%'")["rows"]
    assert row == [ESCAPES]
    row, = mreg.json("query", "SELECT license FROM versions "
                     "WHERE version = 3")["rows"]
    assert row == [SQL]
    counts = mreg.json("query", "SELECT version, count(*) FROM tags WHERE "
                       "version IS NOT NULL GROUP BY 1 ORDER BY 2 DESC")
    assert counts["rows"][0] == [7, 10000]
    counts = mreg.json("query", "SELECT count(*) FROM edges "
                       "WHERE relation = 'merge'")
    assert counts["rows"] == [[10003]]


def test_a_second_sync_and_a_rebuild_say_the_same(mreg, hostile):
    def dump():
        return [mreg.json("query", f"SELECT * FROM {view}")["rows"] and sorted(
            map(json.dumps, mreg.json(
                "query", f"SELECT * FROM {view}", "--limit", "50000")["rows"]))
            for view in ("versions", "tags", "edges", "notes", "inputs")]
    before = dump()
    mreg.json("index", "sync", "--sweep")
    assert dump() == before
    mreg.json("index", "rebuild")
    assert dump() == before


COMMANDS = [
    ["index", "status"],
    ["search"],
    ["search", "text('red')"],
    ["search", "tags.`" + SQL.replace("'", "''") + "` = 'x'"],
    ["search", "license = '" + SQL.replace("'", "''") + "'"],
    ["search", "metrics.auc > 1e306"],
    ["search", "--models"],
    ["search", "--columns", "name,version,license,author,run_id,source_path,"
     "description"],
    ["lineage", "churn:v2"],
    ["lineage", "churn:v3"],
    ["lineage", "churn:v8", "--up"],
    ["lineage", "churn:v1", "--down", "--impact"],
    ["query", "SELECT * FROM versions"],
    ["query", "SELECT * FROM tags LIMIT 50"],
    ["query", "SELECT * FROM inputs"],
    ["query", "SELECT * FROM notes"],
    ["query", "SELECT * FROM edges WHERE relation <> 'merge'"],
    ["ls"],
    ["ls", "churn"],
    ["inspect", "churn:v2"],
    ["inspect", "churn:v3"],
    ["alias", "ls", "churn"],
    ["log", "churn"],
]


def test_no_command_lets_escape_codes_through(mreg, terminal, hostile):
    for words in COMMANDS:
        done = mreg.run(*words, "--json", status=None)
        assert done.status == 0, str(done)
        json.loads(done.stdout)
        shown = terminal(*words, "--color", "never")
        assert shown.status == 0, (words, shown.raw)
        for bad in NASTY:
            assert bad not in shown.raw, (words, bad, shown.raw)


@pytest.mark.parametrize("form", ["tree", "table", "dot", "mermaid"])
def test_no_picture_lets_escape_codes_through(mreg, terminal, hostile, form):
    for ref in ("churn:v2", "churn:v3", "churn:v6"):
        shown = terminal("lineage", ref, "--format", form, "--most", "50",
                         "--color", "never")
        assert shown.status == 0, shown.raw
        for bad in NASTY:
            assert bad not in shown.raw, (ref, bad, shown.raw)


def test_one_that_cannot_be_read_hides_no_other(mreg, store, pushed):
    layout = store / "churn"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((layout / "blobs/sha256" / pushed[7:]).read_text())
    manifest["layers"][0]["size"] = 2**63 - 1
    bad = json.dumps(manifest).encode()
    write(layout / "blobs/sha256" / sha256(bad)[7:], bad)
    index["manifests"].append({
        "mediaType": MANIFEST, "digest": sha256(bad), "size": len(bad),
        "annotations": {OCI + "ref.name": "v2"}})
    (layout / "index.json").write_text(json.dumps(index))
    mreg.json("index", "sync")
    for more in ([], ["--index"], ["--no-index"]):
        run = mreg.run("ls", "churn", "--json", *more)
        assert [v["number"] for v in json.loads(run.stdout)["versions"]] == \
            [2, 1]
        assert "v2 cannot be read" in run.stderr
    report = mreg.json("report", "churn")
    assert [v["number"] for v in report["versions"]["versions"]] == [2, 1]


def test_values_of_a_search_stay_values(mreg, hostile):
    quoted = SQL.replace("'", "''")
    found = mreg.json("search", f"license = '{quoted}'")["versions"]
    assert [v["number"] for v in found] == [3]
    found = mreg.json("search", f"run_id = '{quoted}' AND "
                      f"text('script')")["versions"]
    assert [v["number"] for v in found] == [3]
    assert len(mreg.json("search", "--all")["versions"]) == 9


def test_a_version_of_many_aliases_breaks_no_list(mreg, store, pushed, tmp_path):
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    first = next(m for m in index["manifests"] if m["digest"] == pushed)
    names = [f"{i:05}" + "x" * 120 for i in range(10000)]
    for name in names:
        index["manifests"].append(
            {**first, "annotations": {OCI + "ref.name": name}})
    path.write_text(json.dumps(index))
    mreg.run("push", small_model(tmp_path / "kid", 9), "kid", "--parent",
             "finetune=churn:v1")
    mreg.run("index", "sync")
    row, = mreg.json("search", "name = 'churn'")["versions"]
    assert set(names) <= set(row["aliases"])
    for words in (["search"], ["lineage", "kid"],
                  ["lineage", "kid", "--format", "table"], ["ls", "churn"]):
        out = mreg.run(*words).stdout
        assert names[0] in out and len(out) < 5000, words
