"""test_figures.py - mreg report --all: each figure is what the logs of the
models come to, computed here once more."""
import datetime
import json
import pathlib
import xml.etree.ElementTree as ElementTree

import jsonschema
import pytest

import harness
from bad import sha256

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / \
    "spec/schemas/figures.schema.json"
OWNERS = {"churn": "risk", "fraud": "risk", "spam": "mail | <b>", "old": None}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, mreg):
    if request.param == "PostgreSQL":
        mreg.env["MREG_INDEX"] = request.getfixturevalue("postgres")


@pytest.fixture
def platform(mreg, database, tmp_path, later):
    """Four models of two owners and nobody, over some days."""
    for seed, (name, owner) in enumerate(OWNERS.items(), 1):
        same = 2 if name == "fraud" else seed  # churn:v2 has fraud:v1's files
        words = ["--license", "mit"] if seed % 2 else []
        for number in (1, 2):
            folder = harness.small_model(tmp_path / f"{name}{number}",
                                         10 * same + number)
            if name == "old":
                (folder / "README.md").unlink(missing_ok=True)
            mreg.run("push", folder, name, "--as", "eve", *words,
                     env=later(number))
        if owner:
            mreg.run("edit", name, "--owner", owner, "--as", "ada")
    harness.small_model(tmp_path / "again", 21)
    mreg.run("push", tmp_path / "again", "churn", "--description", "said",
             env=later(3))
    at = 5
    for name in ("churn", "fraud", "spam"):
        mreg.run("request", f"{name}:v1", "production", "--as", "ray",
                 env=later(at))
        at += 3
        if name != "spam":
            mreg.run("approve", f"{name}:v1", "production", "--as", "bob",
                     env=later(at))
            mreg.run("alias", "set", f"{name}:v1", "production", "--as",
                     "ray", env=later(at + 1))
    mreg.run("alias", "set", "churn:v2", "production", "--reason",
             '"by":"rollback"', env=later(30))
    mreg.run("rollback", "churn:production", env=later(31))
    mreg.run("alias", "set", "churn:v2", "production", env=later(32))
    mreg.run("alias", "set", "old:v2", "staging", env=later(32))
    mreg.run("evaluate", "churn:v2", "--suite", "s", "--pass", env=later(33))
    for name, hours in (("churn", 40), ("fraud", 41)):
        mreg.run("incident", name, "--title", "x", env=later(hours))
    event = mreg.json("incidents", "churn")["incidents"][0]["event"]
    mreg.run("incident", "churn", "--close", event, env=later(47))
    mreg.run("deployed", "churn:v2", "--env", "prod", "--workload", "a")
    mreg.run("deployed", "churn:v2", "--env", "prod", "--workload", "b")
    mreg.run("deployed", "fraud:v1", "--env", "prod")
    mreg.run("deployed", "fraud:v1", "--env", "test")
    mreg.run("index", "sync")


def when(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def spread(values):
    """As spec/report.md has it: the smallest that nine of ten are not above."""
    values = sorted(max(0, int(v)) for v in values)
    if not values:
        return {"count": 0, "medianSeconds": None, "p90Seconds": None}
    half = len(values) // 2
    median = values[half] if len(values) % 2 else \
        (values[half - 1] + values[half]) // 2
    p90 = next(v for v in values
               if 10 * sum(x <= v for x in values) >= 9 * len(values))
    return {"count": len(values), "medianSeconds": median, "p90Seconds": p90}


def of_model(mreg, name, since, now):
    """What one log says, and what ls and inspect do."""
    events = mreg.json("log", name)["events"]
    kinds = {}
    for e in events:
        kinds.setdefault(e["kind"], []).append(e)
    registered = {e["subject"]: e for e in kinds["version_registered"]}
    asked = kinds.get("approval_asked", [])
    grants = {e["event"]["request"]: e
              for e in kinds.get("approval_granted", [])}
    moves = kinds.get("alias_moved", [])
    first = {}
    for e in moves:
        if e["event"]["alias"] == "production":
            first.setdefault(e["subject"], e)
    closes = {e["event"]["closes"]: e for e in kinds.get("incident", [])
              if "closes" in e["event"]}
    opened = [e for e in kinds.get("incident", [])
              if "closes" not in e["event"]]
    rows = mreg.json("ls", name, "--archived", "--no-index")["versions"]
    latest = mreg.json("inspect", f"{name}:latest", "--no-index")
    has = {e["event"]["alias"]: e["subject"] for e in moves}
    evaluated = [when(e["time"]) for e in kinds.get("evaluated", [])
                 if e["subject"] == has.get("production")]
    files = {r["digest"]: mreg.json("inspect", f"{name}@{r['digest']}",
                                    "--no-index")["filesetDigest"]
             for r in rows}
    return {
        "versions": len(rows), "bytes": sum(r["bytes"] for r in rows),
        "files": {files[r["digest"]]: r["bytes"] for r in rows},
        "asked": [e for e in asked if when(e["time"]) >= since],
        "cycle": [when(grants[e["digest"]]["time"]) - when(e["time"])
                  for e in asked if e["digest"] in grants and
                  when(grants[e["digest"]]["time"]) >= since],
        "overdue": [e for e in asked if e["digest"] not in grants and
                    when(e["event"]["until"]) < now],
        "moves": [e for e in moves if when(e["time"]) >= since],
        "lead": [when(e["time"]) - when(registered[d]["time"])
                 for d, e in first.items() if when(e["time"]) >= since],
        "opened": [e for e in opened if when(e["time"]) >= since],
        "open": [e for e in opened if e["digest"] not in closes],
        "closed": [when(closes[e["digest"]]["time"]) - when(e["time"])
                   for e in opened if e["digest"] in closes and
                   when(closes[e["digest"]]["time"]) >= since],
        "production": "production" in has, "evaluated": evaluated,
        "license": "license" in latest["metadata"],
        "card": "description" in latest["metadata"] or any(
            f["path"] == "README.md" for f in latest["files"]),
        "judged": any(a["type"].startswith("application/vnd.mreg.evaluation")
                      for a in latest["attached"]),
        "places": mreg.json("where", name, "--no-index")["deployments"],
    }


def row_of(models, owner, now):
    every = [m for m in models]

    def all_of(key):
        return [v for m in every for v in m[key]]
    files = {k: v for m in every for k, v in m["files"].items()}
    ages = [now - max(m["evaluated"]) for m in every if m["evaluated"]]
    return {
        "owner": owner, "models": len(every),
        "versions": sum(m["versions"] for m in every),
        "bytes": sum(m["bytes"] for m in every),
        "uniqueBytes": sum(files.values()),
        "approvalsAsked": len(all_of("asked")),
        "approvalCycle": spread(all_of("cycle")),
        "approvalsOverdue": len(all_of("overdue")),
        "pushToProduction": spread(all_of("lead")),
        "moves": len(all_of("moves")),
        "rollbacks": sum(e["event"]["by"] == "rollback"
                         for e in all_of("moves")),
        "incidents": len(all_of("opened")),
        "incidentsOpen": len(all_of("open")),
        "incidentsClosed": spread(all_of("closed")),
        "evaluationAge": spread(ages),
        "productionUnevaluated": sum(m["production"] and not m["evaluated"]
                                     for m in every),
        "reviewsDue": 0,
        "withoutLicense": sum(not m["license"] for m in every),
        "withoutCard": sum(not m["card"] for m in every),
        "withoutEvaluation": sum(not m["judged"] for m in every),
        "deployments": len(all_of("places")),
    }


@pytest.mark.parametrize("since", [None, 20, 200])
def test_figures_are_what_logs_come_to(mreg, platform, later, since):
    words, env = [], later(60)
    if since:
        moment = datetime.datetime.now(datetime.timezone.utc) + \
            datetime.timedelta(hours=since)
        words = ["--since", moment.strftime("%Y-%m-%dT%H:%M:%SZ")]
    got = mreg.json("report", "--all", *words, env=env)
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(got)
    since_s = when(got["since"]) if since else 0
    models = {n: of_model(mreg, n, since_s, when(got["time"])) for n in OWNERS}
    owners = sorted({o for o in OWNERS.values() if o}) + [None]
    for row, owner in zip(got["owners"], owners, strict=True):
        wanted = row_of([m for n, m in models.items() if OWNERS[n] == owner],
                        owner, when(got["time"]))
        wanted["withoutOwner"] = int(owner is None)
        assert row == wanted
    total = row_of(models.values(), None, when(got["time"]))
    total["withoutOwner"] = 1
    assert got["total"] == total
    assert got["environments"] == [
        {"environment": "prod", "deployments": 3, "models": 2, "versions": 2},
        {"environment": "test", "deployments": 1, "models": 1, "versions": 1}]
    assert got["unread"] == []


def test_they_are_a_page_too(mreg, platform, tmp_path):
    text = mreg.run("report", "--all").stdout
    assert "- **Models**: 4\n" in text and "| nobody | 1 |" in text
    assert "| `mail `&#124;` <b>` | 1 |" in text
    mreg.run("report", "--all", "-o", tmp_path / "all.html")
    page = ElementTree.parse(tmp_path / "all.html")
    assert "mail | <b>" in "".join(page.getroot().itertext())


def test_times_before_1970_count_too(mreg, database, model, later):
    env = later(-60 * 366 * 24)
    mreg.run("push", model, "churn:production", env=env)
    mreg.run("incident", "churn", "--title", "x", env=env)
    assert mreg.json("log", "churn")["events"][0]["time"] < "1970"
    mreg.run("index", "sync")
    total = mreg.json("report", "--all")["total"]
    assert (total["moves"], total["incidents"]) == (1, 1)
    assert total["pushToProduction"]["count"] == 1
    total = mreg.json("report", "--all", "--since", "2000-01-01")["total"]
    assert (total["moves"], total["incidents"]) == (0, 0)
    assert total["incidentsOpen"] == 1


def test_sizes_that_nothing_has_end_no_figures(mreg, database, store, model):
    for name in ("a", "b", "c"):
        pushed = mreg.json("push", model, name)["digest"]
        index = json.loads((store / name / "index.json").read_text())
        blobs = store / name / "blobs/sha256"
        manifest = json.loads((blobs / pushed[7:]).read_text())
        for number in (2, 3, 4):
            manifest["layers"][0]["size"] = 2**62 - 10**6 - number
            bad = json.dumps(manifest).encode()
            harness.write(blobs / sha256(bad)[7:], bad)
            index["manifests"].append({
                "mediaType": manifest["mediaType"], "digest": sha256(bad),
                "size": len(bad), "annotations":
                {"org.opencontainers.image.ref.name": f"v{number}"}})
        (store / name / "index.json").write_text(json.dumps(index))
    mreg.run("index", "sync")
    total = mreg.json("report", "--all")["total"]
    assert (total["models"], total["versions"]) == (3, 12)
    assert total["bytes"] == 2**63 - 1
    assert 2**62 - 10**6 < total["uniqueBytes"] < 2**63


def test_without_an_index_there_is_none(mreg):
    error = mreg.fails(3, "report", "--all")
    assert "index sync" in error["hint"]
