"""test_report.py - mreg report: a model for an auditor, by the registry or by
what the index remembers; what others wrote stays text."""
import hashlib
import json
import pathlib
import re
import shutil
import xml.etree.ElementTree as ElementTree

import jsonschema
import pytest

import harness

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "spec/schemas"
SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = "a|b `c` [d](http://evil.example) <script>alert(1)</script> ]]> &lt;"


def fits(document):
    """By its own schema, and so are the documents in it."""
    name = document["schema"].removeprefix("mreg.").split("/")[0]
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document)
    for value in document.values():
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            for part in row.values() if isinstance(row, dict) else []:
                if isinstance(part, dict) and "schema" in part:
                    fits(part)
            if isinstance(row, dict) and "schema" in row:
                fits(row)
    return document


@pytest.fixture
def churn(mreg, model, tmp_path):
    """base:v1, and of it churn:v1 (production, deployed, approved, evaluated)
    and v2 (an incident)."""
    mreg.run("push", model, "base", "--license", "mit")
    for number in (1, 2):
        folder = harness.small_model(tmp_path / f"m{number}", number)
        mreg.run("push", folder, "churn", "--parent", "finetune=base:v1",
                 "--metric", f"auc=0.9{number}", "--input",
                 "train=s3://bucket/train.csv", "--as", "eve")
    mreg.run("edit", "churn", "--owner", "risk", "--as", "ada")
    mreg.run("request", "churn:v1", "production", "--as", "ray")
    mreg.run("approve", "churn:v1", "production", "--as", "bob")
    mreg.run("promote", "churn:v1", "production", "--as", "ray")
    mreg.run("evaluate", "churn:v1", "--suite", "fairness", "--pass")
    mreg.run("deployed", "churn:v1", "--env", "prod", "--workload", "api")
    mreg.run("incident", "churn:v2", "--title", "slow")
    mreg.run("alias", "set", "churn:v2", "production", "--reason", HOSTILE)
    mreg.run("rollback", "churn:production")
    return "churn"


def section(document, name):
    return next(v for v in document["inFull"] if v["version"] == name)


# -- what is in it --------------------------------------------------------------


def test_it_is_what_the_commands_say(mreg, churn):
    mreg.run("index", "sync")
    report = fits(mreg.json("report", "churn"))
    assert report["source"] == "registry" and report["unverified"] is None
    assert report["unread"] == []
    assert report["log"] == mreg.json("log", "churn", "--verify")
    assert report["log"]["verified"]
    assert report["aliases"] == mreg.json("alias", "ls", "churn")
    assert report["approvals"] == mreg.json("approvals", "churn")
    assert report["deployments"] == mreg.json("where", "churn", "--no-index")
    assert report["incidents"] == mreg.json("incidents", "churn", "--all")
    assert report["versions"] == mreg.json("ls", "churn", "--archived",
                                           "--no-index")
    assert report["policy"] == mreg.json("policy", "show", "churn")
    assert report["bytes"] == mreg.json("du", "churn")
    assert [v["version"] for v in report["inFull"]] == ["v2", "v1"]
    full = section(report, "v1")
    inspected = mreg.json("inspect", full["reference"], "--no-index")
    assert full["inspect"] == inspected
    assert full["aliases"] == ["production"]
    assert [(a["ref"], a["license"], a["told"]) for a in full["ancestors"]] \
        == [("base:v1", "mit", False), ("s3://bucket/train.csv", None, False)]
    assert [c["alias"] for c in full["policy"]] == ["production"]
    assert full["lineage"]["nodes"]


def test_moves_are_told_by_their_events(mreg, churn):
    report = mreg.json("report", "churn")
    events = {e["digest"]: e for e in report["log"]["events"]}
    moves = report["moves"]
    assert [(m["from"] and m["from"]["version"], m["to"]["version"], m["by"])
            for m in moves] == [(None, "v1", "promote"), ("v1", "v2", "set"),
                                ("v2", "v1", "rollback")]
    for move in moves:
        event = events[move["event"]]
        assert event["kind"] == "alias_moved"
        assert event["event"]["version"] == move["to"]["digest"]
        assert (event["time"], event["actor"]) == (move["time"], move["actor"])
    assert moves[1]["reason"] == HOSTILE


def test_of_a_version_it_has_what_is_about_it(mreg, churn):
    report = fits(mreg.json("report", "churn:v2"))
    digest = mreg.json("resolve", "churn:v2")["digest"]
    about = mreg.json("log", "churn", "--about", "v2")
    assert report["reference"] == f"churn@{digest}"
    assert (report["number"], report["versions"]) == (2, None)
    assert report["log"]["events"] == about["events"]
    assert report["log"]["verified"]
    assert report["approvals"]["requests"] == []
    assert len(report["incidents"]["incidents"]) == 1
    assert [v["digest"] for v in report["inFull"]] == [digest]
    assert [m["by"] for m in report["moves"]] == ["set", "rollback"]


def test_since_cuts_histories_and_nothing_else(mreg, churn, later):
    day = 24
    mreg.run("alias", "set", "churn:v2", "staging", env=later(3 * day))
    whole = mreg.json("report", "churn", env=later(3 * day))
    since = whole["moves"][-1]["time"]
    cut = fits(mreg.json("report", "churn", "--since", since[:10],
                         env=later(3 * day)))
    assert cut["since"] == since[:10] + "T00:00:00Z"
    assert [m["alias"] for m in cut["moves"]] == ["staging"]
    assert [e["kind"] for e in cut["log"]["events"]] == ["alias_moved"]
    assert cut["log"]["count"] == whole["log"]["count"]
    assert cut["approvals"]["requests"] == []
    assert cut["approvals"]["medianAnsweredAfterSeconds"] is None
    # Open ones are of today.
    assert cut["incidents"] == whole["incidents"]
    assert cut["versions"] == whole["versions"]
    assert len(cut["inFull"]) == len(whole["inFull"])


def test_a_clock_that_is_behind_hides_nothing(mreg, churn, later):
    """What was written last is told, whatever time its writer told."""
    day = 24
    mreg.run("alias", "set", "churn:v2", "staging", env=later(3 * day))
    since = mreg.json("log", "churn")["events"][-1]["time"]
    for back in (-day, -60 * 366 * day):
        env = later(back)
        mreg.run("alias", "rm", "churn:staging", env=env)
        mreg.run("incident", "churn", "--title", f"{back}", env=env)
        mreg.run("alias", "set", "churn:v2", "staging", env=env)
    event = mreg.json("incidents", "churn")["incidents"][-1]["event"]
    mreg.run("incident", "churn", "--close", event, env=env)
    log = mreg.json("log", "churn")["events"]
    assert log[-1]["time"] < "1970"
    whole = fits(mreg.json("report", "churn"))
    assert whole["log"]["events"] == log
    cut = fits(mreg.json("report", "churn", "--since", since))
    assert cut["log"]["events"] == log[-8:]
    assert len(cut["moves"]) == 5 and cut["moves"] == whole["moves"][-5:]
    assert event in [i["event"] for i in cut["incidents"]["incidents"]]


def test_what_cannot_be_read_is_named(mreg, store, churn):
    shutil.rmtree(store / "base")
    report = fits(mreg.json("report", "churn"))
    # There is no index, and the parent has gone.
    assert {u["name"] for u in report["unread"]} == {"v1: lineage",
                                                     "v2: lineage"}
    ancestor = section(report, "v1")["ancestors"][0]
    assert ancestor["ref"] == "base:v1"
    assert ancestor["license"] is None and ancestor["unreadable"]
    page = mreg.run("report", "churn").stdout
    assert "`v1: lineage`" in page


def test_a_version_that_cannot_be_read_is_named(mreg, store, churn):
    """Whoever may push can put anything under v3."""
    listing = json.loads((store / "churn/index.json").read_text())
    bad = b'{"schemaVersion": 2, "layers": [], "manifests": []}'
    digest = hashlib.sha256(bad).hexdigest()
    (store / "churn/blobs/sha256" / digest).write_bytes(bad)
    listing["manifests"].append({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}", "size": len(bad),
        "annotations": {"org.opencontainers.image.ref.name": "v3"}})
    (store / "churn/index.json").write_text(json.dumps(listing))
    r = mreg.run("report", "churn", "--json", "-q")
    assert r.stderr == ""
    why, = [u["why"] for u in fits(r.json)["unread"]
            if u["name"] == "versions"]
    assert why.startswith("v3 cannot be read: ")
    for words in (["--format", "md"], ["--format", "html"]):
        page = mreg.run("report", "churn", *words)
        assert "v3 cannot be read: " in page.stdout
        assert "v3 cannot be read" not in page.stderr


def test_an_alias_that_nobody_recorded_is_told(mreg, store, churn):
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    name = "org.opencontainers.image.ref.name"
    entry = next(m for m in index["manifests"]
                 if m.get("annotations", {}).get(name) == "v2")
    index["manifests"].append({**entry, "annotations": {name: "champion"}})
    path.write_text(json.dumps(index))
    report = fits(mreg.json("report", "churn"))
    assert report["aliases"] == mreg.json("alias", "ls", "churn")
    assert [a["differs"] for a in report["aliases"]["aliases"]
            if a["alias"] == "champion"] == ["unrecorded"]
    row, = re.findall(r"^\| `champion` \|.*$",
                      mreg.run("report", "churn").stdout, re.M)
    assert "| v2 |" in row and row.endswith("| unrecorded |")


def test_a_log_that_is_not_whole_is_told(mreg, store, churn):
    path = store / "churn/index.json"
    index = json.loads(path.read_text())
    index["manifests"] = [
        m for m in index["manifests"] if not m.get("annotations", {}).get(
            "org.opencontainers.image.ref.name", "").startswith(
                "mreg.log.00000003")]
    path.write_text(json.dumps(index))
    run = mreg.run("report", "churn", "--json", status=6)
    report = json.loads(run.stdout)
    assert not report["log"]["verified"]
    assert report["log"]["flaws"][0]["what"] == "removed"
    page = mreg.run("report", "churn", status=6).stdout
    assert "it is not whole: 1 flaws" in page and "Flaws of the log" in page


def test_the_same_but_for_the_time_is_the_same(mreg, churn):
    mreg.run("index", "sync")

    def even(text):
        return re.sub(r"20[0-9]{2}-[0-9-]+T[0-9:]+Z", "WHEN", text)
    for form in ("md", "html", "json"):
        first = mreg.run("report", "churn", "--format", form).stdout
        again = mreg.run("report", "churn", "--format", form).stdout
        assert even(first) == even(again)


# -- documents ------------------------------------------------------------------


@pytest.fixture
def hostile(mreg, model, tmp_path):
    """A model of which every text is hostile."""
    folder = harness.small_model(tmp_path / "hostile", 3)
    harness.write(folder / "README.md",
                  f"# {HOSTILE}\n\n```\n</pre>\n{HOSTILE}\n")
    mreg.run("push", model, "base")
    mreg.run("push", folder, "bad", "--parent", "merge=base:v1",
             "--description", HOSTILE, "--author", HOSTILE, "--license",
             HOSTILE, "--tag", f"team={HOSTILE}", "--run-id", HOSTILE,
             "--input", f"train=s3://x/{HOSTILE}", "--as", HOSTILE)
    mreg.run("edit", "bad", "--owner", HOSTILE, "--as", HOSTILE)
    mreg.run("alias", "set", "bad:v1", "production", "--reason", HOSTILE,
             "--as", HOSTILE)
    mreg.run("request", "bad:v1", "production", "--reason", HOSTILE, "--as",
             HOSTILE)
    mreg.run("incident", "bad:v1", "--title", HOSTILE, "--severity", HOSTILE,
             "--as", HOSTILE)
    mreg.run("deployed", "bad:v1", "--env", "prod", "--workload", "x<y>|z",
             "--reason", HOSTILE, "--as", HOSTILE)
    mreg.run("index", "sync")


def test_html_holds_no_markup_of_others(mreg, hostile, tmp_path):
    path = tmp_path / "report.html"
    mreg.run("report", "bad", "-o", path)
    text = path.read_text(encoding="utf-8")
    page = ElementTree.fromstring(text)
    tags = {e.tag for e in page.iter()}
    assert not {t for t in tags if re.search(r"script|}a$|img|link|iframe|obj",
                                             t)}
    attributes = {k for e in page.iter() for k in e.attrib}
    assert not {k for k in attributes if k.startswith("on") or "href" in k
                or "src" in k}
    meta = [e for e in page.iter(f"{HTML}meta")
            if e.get("http-equiv") == "Content-Security-Policy"]
    assert meta[0].get("content").startswith("default-src 'none'")
    assert HOSTILE in "".join(page.itertext())
    assert list(page.iter(f"{SVG}svg"))


def without_spans(line):
    """What of a line of Markdown is markup and words: no code spans."""
    out, at = "", 0
    while at < len(line):
        ticks = len(line[at:]) - len(line[at:].lstrip("`"))
        if not ticks:
            out, at = out + line[at], at + 1
            continue
        end = re.compile(r"(?<!`)" + "`" * ticks + r"(?!`)").search(
            line, at + ticks)
        assert end, line
        at = end.end()
    return out


def test_markdown_has_others_in_code_spans(mreg, hostile):
    text = mreg.run("report", "bad").stdout
    parts = re.split(r"^```mermaid\n(.*?)^```$", text, flags=re.M | re.S)
    pictures, words = parts[1::2], parts[::2]
    assert len(pictures) == 1
    for line in "".join(words).splitlines():
        bare = without_spans(line)
        assert not re.search(r"[<>`]|\]\(|evil|://",
                             bare.removeprefix(">")), line
        if line.startswith("|"):
            columns = bare.count("|")
            assert line.count("|") == columns  # none within a span
    for line in pictures[0].splitlines():
        assert re.fullmatch(
            r"flowchart LR|    style n\d+ [a-z0-9: -]+|"
            r'    n\d+[\[({>/]+"[^"`%<>\[\]]*(<br/>[^"`%<>\[\]]*)*"'
            r'[\])}/\\]+|    n\d+ -(-|\.-)>\|"[a-z_]+"\| n\d+', line), line


def test_tables_have_the_columns_of_their_heads(mreg, hostile):
    columns = 0
    for line in mreg.run("report", "bad").stdout.splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line


def test_without_graphviz_it_says_so(mreg, churn, tmp_path):
    mreg.run("index", "sync")
    page = mreg.run("report", "churn", "--format", "html",
                    env={"PATH": str(tmp_path)}).stdout
    ElementTree.fromstring(page)
    assert "<svg" not in page
    assert "There is no picture" in page and "graphviz" in page


# -- a registry that is away ------------------------------------------------------


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_a_registry_that_is_away_is_told_by_the_index(request, mreg, model,
                                                      tmp_path, kind):
    if kind == "PostgreSQL":
        mreg.env["MREG_INDEX"] = request.getfixturevalue("postgres")
    registry = harness.Registry(tmp_path / "registry")
    name = f"{registry.host}/acme/churn"
    try:
        base = f"{registry.host}/acme/base"
        mreg.run("push", harness.small_model(tmp_path / "base", 3), base,
                 "--license", "mit")
        mreg.run("push", model, name, "--metric", "auc=0.9", "--parent",
                 f"finetune={base}:v1", "--input", "train=s3://b/t.csv")
        mreg.run("alias", "set", f"{name}:v1", "production", "--reason", "why")
        mreg.run("deployed", f"{name}:v1", "--env", "prod")
        mreg.run("incident", f"{name}:v1", "--title", "slow")
        mreg.run("incident", f"{name}:v1", "--title", "over", "--reason", "r")
        over = mreg.json("incidents", name)["incidents"]
        mreg.run("incident", name, "--close", next(
            i["event"] for i in over if i["title"] == "over"), "--reason",
            "it is mended", "--as", "ray")
        mreg.run("request", f"{name}:v1", "staging", "--as", "ray")
        mreg.run("image", f"{name}:v1")
        mreg.run("index", "sync", f"{registry.host}/acme/churn", base)
        live = fits(mreg.json("report", name))
    finally:
        registry.stop()
    assert live["source"] == "registry" and live["log"]["verified"]
    report = fits(mreg.json("report", name))
    assert report["source"] == "index" and report["unverified"]
    assert report["syncedAt"] and not report["log"]["verified"]
    for key in ("kind", "digest", "seq", "time", "actor", "subject", "number"):
        assert [e[key] for e in report["log"]["events"]] == \
            [e[key] for e in live["log"]["events"]]
    assert [{**m, "actorSource": None} for m in report["moves"]] == \
        [{**m, "actorSource": None} for m in live["moves"]]
    assert [(d["environment"], d["digest"]) for d in
            report["deployments"]["deployments"]] == \
        [(d["environment"], d["digest"]) for d in
         live["deployments"]["deployments"]]
    assert sorted(map(str, report["incidents"]["incidents"])) == \
        sorted(map(str, live["incidents"]["incidents"]))
    assert sum(i["closed"] is not None
               for i in report["incidents"]["incidents"]) == 1
    assert [(r["request"], r["state"]) for r in
            report["approvals"]["requests"]] == \
        [(r["request"], r["state"]) for r in live["approvals"]["requests"]]
    assert [(v["number"], v["digest"], v["stage"]) for v in
            report["versions"]["versions"]] == \
        [(v["number"], v["digest"], v["stage"]) for v in
         live["versions"]["versions"]]
    assert {u["name"] for u in report["unread"]} == {
        "v1: card", "v1: policy", "policy", "bytes", "aliases"}
    ancestors, were = ([(a["kind"], a["digest"], a["license"])
                        for a in r["inFull"][0]["ancestors"]]
                       for r in (report, live))
    assert sorted(map(str, ancestors)) == sorted(map(str, were))
    assert len(ancestors) == 2
    whole = mreg.run("report", name).stdout
    assert "- **Bytes of all versions' files**: " in whole
    assert "Left out: the index has a card's words" in whole
    assert "Left out: a policy is asked at the registry" in whole
    known, was = (r["inFull"][0]["inspect"] for r in (report, live))
    for key in ("reference", "stage", "metrics", "inputs",
                "registeredAt", "owner", "siblings", "siblingsUnread"):
        assert known[key] == was[key]
    assert [s["tag"] for s in known["siblings"]] == ["v1-image"]
    page = mreg.run("report", f"{name}:v1").stdout
    assert "| was not looked at |" in page and "| agrees |" not in page
    assert "- **Log**: not verified" in page and "- **Source**: the index" \
        in page


def test_one_that_the_index_does_not_know_is_an_error(mreg, model, tmp_path):
    registry = harness.Registry(tmp_path / "registry")
    name = f"{registry.host}/churn"
    mreg.run("push", model, name)
    registry.stop()
    assert mreg.fails(8, "report", name)["code"] == "network"


# -- words ------------------------------------------------------------------------


def test_words_that_do_not_fit_are_refused(mreg, churn):
    for words in (["report"], ["report", "churn", "--all"],
                  ["report", "churn", "--format", "pdf"],
                  ["report", "churn", "--format", "md"],
                  ["report", "churn", "--since", "soon"]):
        mreg.fails(2, *words)
    mreg.fails(3, "report", "nothing")
    mreg.fails(3, "report", "churn:v9")


@pytest.mark.parametrize("name,begin", [("a.html", "<!DOCTYPE html>"),
                                        ("a.json", "{"), ("a.md", "# Report"),
                                        ("a.txt", "# Report")])
def test_the_end_of_a_name_tells_the_format(mreg, churn, tmp_path, name,
                                            begin):
    said = mreg.run("report", "churn", "-o", tmp_path / name).stdout
    assert said == f"written to {tmp_path / name}\n"
    text = (tmp_path / name).read_text()
    assert text.startswith(begin) and text.endswith("\n")
