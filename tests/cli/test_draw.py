"""test_draw.py - mreg lineage --format: pictures that other programs read as
they were meant, whatever people named things."""
import json
import pathlib
import re
import subprocess
import uuid
import xml.etree.ElementTree as ElementTree

import jsonschema
import pytest

import harness

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "a\"]; n0 -> n9 {b|c} <script>alert(1)</script> &lt; `%%{init}%%` \\N"
# Of openlineage.io/spec/2-0-2/OpenLineage.json what a RunEvent has to have.
DATASET = {"type": "object", "required": ["namespace", "name"],
           "properties": {"namespace": {"type": "string", "minLength": 1},
                          "name": {"type": "string", "minLength": 1},
                          "facets": {"type": "object",
                                     "additionalProperties": {
                                         "type": "object", "required":
                                         ["_producer", "_schemaURL"]}}}}
EVENT = {"type": "object",
         "required": ["eventType", "eventTime", "run", "job", "inputs",
                      "outputs", "producer", "schemaURL"],
         "properties": {
             "eventType": {"const": "COMPLETE"},
             "eventTime": {"type": "string", "pattern":
                           r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
             "run": {"type": "object", "required": ["runId"]},
             "job": {"type": "object", "required": ["namespace", "name"]},
             "inputs": {"type": "array", "items": DATASET},
             "outputs": {"type": "array", "items": DATASET, "minItems": 1},
             "producer": {"type": "string", "pattern": "^[a-z]+:"},
             "schemaURL": {"type": "string", "pattern":
                           "^https://openlineage.io/spec/.*RunEvent$"}}}


@pytest.fixture
def graph(mreg, model, tmp_path):
    """churn:v1 out of base:v1, data and a run, all with hostile names; the
    JSON of its lineage."""
    mreg.run("push", model, "base")
    folder = harness.small_model(tmp_path / "churn", 2)
    mreg.run("push", folder, "churn", "--parent", "finetune=base:v1",
             "--parent", f"merge=hf://x/{HOSTILE}", "--run-id", HOSTILE,
             "--input", f"train=s3://x/{HOSTILE}", "--as", HOSTILE)
    mreg.run("alias", "set", "churn:v1", "production")
    mreg.run("deployed", "churn:v1", "--env", "prod", "--workload", "a<b>|c")
    mreg.run("index", "sync")
    return mreg.json("lineage", "churn:v1")


def draw(mreg, form, *words):
    return mreg.run("lineage", "churn:v1", "--format", form, *words).stdout


def test_graphviz_reads_the_graph_that_was_meant(mreg, graph):
    dot = draw(mreg, "dot")
    plain = subprocess.run(["dot", "-Tplain"], input=dot, text=True,
                           capture_output=True, check=True).stdout
    nodes = re.findall(r"^node (\S+)", plain, re.M)
    edges = re.findall(r"^edge (\S+) (\S+)", plain, re.M)
    assert len(set(nodes)) == len(nodes) == len(graph["nodes"])
    assert len(edges) == len(graph["edges"])
    assert set(nodes) == {f"n{i}" for i in range(len(nodes))}
    assert draw(mreg, "dot") == dot


def test_svg_holds_shapes_and_texts(mreg, graph):
    page = ElementTree.fromstring(draw(mreg, "svg"))
    assert {e.tag for e in page.iter()} <= {
        SVG + t for t in ("svg", "g", "title", "polygon", "polyline", "path",
                          "ellipse", "text")}
    texts = [e.text for e in page.iter(f"{SVG}text")]
    assert "churn:v1" in texts and "production, latest" in texts or \
        any("production" in (t or "") for t in texts)
    assert any("<script>" in (t or "") for t in texts)


def test_a_line_of_mermaid_is_a_node_an_edge_or_a_style(mreg, graph):
    nodes = edges = 0
    head, *lines = draw(mreg, "mermaid").splitlines()
    assert head == "flowchart LR"
    for line in lines:
        if re.fullmatch(r"    style n\d+ [a-z0-9: -]+", line):
            continue
        node = re.fullmatch(r'    n(\d+)[\[({>/]+"([^"]*)"[\])}/\\]+', line)
        edge = re.fullmatch(r'    n\d+ -(?:-|\.-)>\|"[a-z_]+"\| n\d+', line)
        assert node or edge, line
        nodes, edges = nodes + bool(node), edges + bool(edge)
        if node:
            words = node[2].replace("<br/>", "")
            assert not re.search(r"[<>\[\]{}|`%\\;&\"](?<!\d;)",
                                 re.sub(r"#\d+;", "", words)), line
    assert (nodes, edges) == (len(graph["nodes"]), len(graph["edges"]))


def test_openlineage_has_a_run_for_each_version(mreg, graph):
    text = draw(mreg, "openlineage")
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        jsonschema.validate(event, EVENT)
        assert str(uuid.UUID(event["run"]["runId"])) == event["run"]["runId"]
        assert uuid.UUID(event["run"]["runId"]).variant == uuid.RFC_4122
    assert len({e["run"]["runId"] for e in events}) == len(events) == \
        sum(n["kind"] == "version" for n in graph["nodes"])
    digest = mreg.json("resolve", "churn:v1")["digest"]
    made = next(e for e in events if e["outputs"][0]["facets"]["version"]
                ["datasetVersion"] == digest)
    assert len(made["inputs"]) == 3  # two parents and the data
    registered = mreg.json("log", "churn")["events"][0]["time"]
    assert made["eventTime"] == registered
    assert draw(mreg, "openlineage") == text


def test_prov_names_each_thing_that_it_relates(mreg, graph):
    doc = json.loads(draw(mreg, "prov"))
    things = {k for part in ("entity", "activity", "agent")
              for k in doc.get(part, {})}
    for name in things:
        assert re.fullmatch(r"mreg:[a-z0-9-]+", name)
    for part, ends in {
            "wasGeneratedBy": ("prov:entity", "prov:activity"),
            "used": ("prov:activity", "prov:entity"),
            "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
            "wasAttributedTo": ("prov:entity", "prov:agent")}.items():
        assert doc[part]
        for relation in doc[part].values():
            assert {relation[e] for e in ends} <= things
    assert HOSTILE in {a["prov:label"] for a in doc["agent"].values()}
    assert doc["prefix"] == {"mreg": "urn:mreg:lineage:1:"}


@pytest.mark.parametrize("form", ["dot", "mermaid", "svg", "openlineage",
                                  "prov"])
def test_what_is_left_out_is_counted(mreg, graph, form):
    left = len(graph["nodes"]) - 2
    text = draw(mreg, form, "--most", "2")
    assert re.search(rf"and (at least )?\d+ more", text), text
    assert len(text) < len(draw(mreg, form))
    assert left > 0


def test_no_graphviz_no_svg(mreg, graph, tmp_path):
    run = mreg.run("lineage", "churn:v1", "--format", "svg", "-o",
                   tmp_path / "a.svg", env={"PATH": str(tmp_path)}, status=9)
    assert "graphviz" in run.stderr and "mermaid" in run.stderr
    assert not pathlib.Path(tmp_path / "a.svg").exists()
