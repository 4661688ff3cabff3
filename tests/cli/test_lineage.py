"""test_lineage.py - mreg lineage answers what a plain walk over the manifests of
a local store finds; and what it says for people."""
import collections
import itertools
import json
import pathlib
import random
import re

import jsonschema
import pytest

import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
REF = "org.opencontainers.image.ref.name"
WEIGHT = "application/vnd.cncf.model.weight.v1."
ORDER = ("finetune", "quantized", "adapter", "merge", "distill", "convert",
         "retrain", "input", "base", "subject", "child", "profile", "run",
         "commit", "environment", "because", "deployed", "successor",
         "same_files", "shared_weights")
ALIKE = ORDER[-2:]


# -- models that come from each other --------------------------------------------


def build(mreg, folder):
    """Data, two bases, and what was made of them, here and in copies."""
    numbers = itertools.count(1)

    def push(name, *words, same=None, **kwargs):
        number = same or next(numbers)
        path = harness.small_model(folder / str(number), number)
        return mreg.json("push", path, name, *words)

    push("data/web", "--kind", "dataset")
    push("data/chat", "--kind", "dataset", "--input", "train=data/web:v1")
    push("base", "--input", "train=data/web:v1", "--run-id", "r1",
         "--source", "https://git.example/base", "--revision", "abc123")
    push("other/base", "--input", "train=s3://lake/books")
    push("churn", "--parent", "finetune=base:v1", "--run-id", "r2",
         "--input", "train=data/chat:v1")
    push("churn", "--parent", "finetune=churn:v1", "--run-id", "r2")
    push("churn-int8", "--parent", "quantized=churn:v2")
    push("lora", "--parent", "adapter=base:v1", "--input", "train=s3://lake/x")
    push("merged", "--parent", "merge=churn:v2", "--parent", "merge=lora:v1",
         "--parent", "merge=other/base:v1")
    push("small", "--parent", "distill=merged:v1",
         "--parent", "distill=hf://org/teacher@main")
    push("small", "--parent", "finetune=small:v1")
    push("twin", same=1, *("--metric", "auc=0.5"))  # data/web's files
    push("lost", "--parent", "finetune=gone:v1@sha256:" + "0" * 64)
    mreg.run("copy", "churn", "prod/churn")
    mreg.run("promote", "churn:v2", "production")
    mreg.run("alias", "set", "prod/churn:v1", "champion")
    mreg.run("promote", "merged:v1", "staging")
    mreg.run("deployed", "churn-int8:v1", "--env", "prod", "--workload", "api")
    mreg.run("deployed", "small:v2", "--env", "edge")
    (folder / "card.md").write_text("# card\n")
    mreg.run("attach", "churn:v2", folder / "card.md", "--type", "model-card")
    mreg.run("deprecate", "churn:v1", "--successor", "v2")
    mreg.run("index", "sync")


# -- what a plain walk finds ------------------------------------------------------


class Truth:
    """All edges, by reading every manifest of the store."""

    def __init__(self, store):
        self.edges, self.uses = set(), set()
        self.versions = collections.defaultdict(set)
        self.having = collections.defaultdict(set)
        self.tag = {}
        for path in sorted(store.rglob("index.json")):
            self.read(path.parent, str(path.parent.relative_to(store)))
        self.deploy("churn-int8", self.tag["churn-int8", "v1"], "prod", "api")
        self.deploy("small", self.tag["small", "v2"], "edge", "")
        self.edges.add((self.tag["churn", "v2"], self.tag["churn", "v1"],
                        "successor"))

    def deploy(self, model, digest, environment, workload):
        self.edges.add((f"{environment}/{workload}", digest, "deployed"))
        self.uses.add((model, digest, None, environment, workload))

    def read(self, layout, name):
        for entry in json.loads((layout / "index.json").read_text())["manifests"]:
            tag = entry.get("annotations", {}).get(REF, "")
            digest = entry["digest"]
            manifest = json.loads(
                (layout / "blobs/sha256" / digest[7:]).read_bytes())
            if "subject" in manifest:
                self.edges.add((digest, manifest["subject"]["digest"],
                                "subject"))
            elif re.fullmatch("v[0-9]+", tag):
                self.tag[name, tag] = digest
                self.versions[digest].add((name, int(tag[1:])))
                self.take(digest, manifest)
            elif re.fullmatch("[a-z]+", tag):
                self.uses.add((name, digest, tag, None, None))

    def take(self, digest, manifest):
        notes = manifest["annotations"]
        add = self.edges.add
        for p in json.loads(notes.get("org.mreg.parents", "[]")):
            add((digest, p.get("digest") or p["ref"], p["relation"]))
        for i in json.loads(notes.get("org.mreg.inputs", "[]")):
            add((digest, i.get("digest") or i["uri"], "input"))
        if "org.mreg.run.id" in notes:
            add((digest, notes["org.mreg.run.id"], "run"))
        source = notes.get("org.opencontainers.image.source")
        if source:
            add((digest, source + "@" +
                 notes["org.opencontainers.image.revision"], "commit"))
        self.having["same_files", notes["org.mreg.fileset.digest"]].add(digest)
        for layer in manifest["layers"]:
            if layer["mediaType"].startswith(WEIGHT):
                self.having["shared_weights", layer["digest"]].add(digest)

    def near(self, node, down, relations):
        for child, parent, relation in self.edges:
            if relation in relations and node == (parent if down else child):
                yield (child if down else parent), relation
        for (relation, _), group in self.having.items():
            if relation in relations and node in group:
                yield from ((other, relation) for other in group - {node})

    def walk(self, start, down, depth=99, relations=ORDER[:-2]):
        seen, level = {start: 0}, [start]
        for far in range(1, depth + 1):
            level = {n for at in level
                     for n, _ in self.near(at, down, relations)} - set(seen)
            seen.update(dict.fromkeys(level, far))
        return seen

    def impact(self, start):
        relations = [r for r in ORDER if r != "successor"]
        seen = self.walk(start, True, relations=relations)
        for model, digest, *use in self.uses:
            if digest not in seen:
                continue
            vias = [r for n, far in seen.items() if far == seen[digest] - 1
                    for other, r in self.near(n, True, relations)
                    if other == digest]
            number = dict(self.versions[digest])[model]
            yield (model, number, *use, min(vias, key=ORDER.index)
                   if vias else None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lineage")
    mreg = harness.Mreg(harness.program(), folder / "home",
                        env={"MREG_STORE": str(folder / "store")})
    build(mreg, folder)
    return mreg, Truth(folder / "store")


def ask(mreg, *words):
    result = mreg.json("lineage", *words)
    schema = json.loads((SPEC / "schemas/lineage.schema.json").read_text())
    jsonschema.validate(result, schema)
    nodes = {n["id"]: n["depth"] for n in result["nodes"]}
    assert len(nodes) == len(result["nodes"])
    edges = [(result["nodes"][e["child"]]["id"],
              result["nodes"][e["parent"]]["id"], e["relation"])
             for e in result["edges"]]
    assert len(set(edges)) == len(edges)
    return result, nodes, set(edges)


def every_start(truth):
    starts = {n for e in truth.edges for n in e[:2]} | set(truth.versions)
    for n in sorted(starts):
        known = n in truth.versions or n.startswith("sha256:") or "://" in n
        yield n, n if known and "@" not in n else {
            "r": "run:", "h": "commit:"}.get(n[0], "deployment:") + n


# -- the same answers ---------------------------------------------------------------


@pytest.mark.parametrize("way", ["--up", "--down"])
def test_each_node_is_as_far_as_a_plain_walk_finds_it(world, way):
    mreg, truth = world
    down = way == "--down"
    for start, word in every_start(truth):
        if start == "hf://org/teacher@main":
            word = start
        _, nodes, edges = ask(mreg, word, way)
        wanted = truth.walk(start, down)
        assert {n: abs(d) for n, d in nodes.items()} == wanted
        assert edges == {e for e in truth.edges
                         if e[0] in wanted and e[1] in wanted}


def test_a_depth_and_relations_limit_the_walk(world):
    mreg, truth = world
    rng = random.Random(4)
    for start in sorted(truth.versions):
        relations = rng.sample(ORDER, 6)
        depth = rng.randint(1, 3)
        words = [w for r in relations for w in ("-r", r)]
        for down in (False, True):
            _, nodes, edges = ask(mreg, start, "--down" if down else "--up",
                                  "--depth", depth, *words)
            wanted = truth.walk(start, down, depth, relations)
            assert {n: abs(d) for n, d in nodes.items()} == wanted
            assert {e for e in edges if e[2] not in ALIKE} == {
                e for e in truth.edges if e[2] in relations
                and e[0] in wanted and e[1] in wanted}


def test_both_ways_is_up_and_down(world):
    mreg, truth = world
    for start in sorted(truth.versions):
        up, down = truth.walk(start, False), truth.walk(start, True)
        wanted = {n: -d for n, d in down.items()}
        wanted.update({n: d for n, d in up.items()
                       if d <= down.get(n, 99)})
        _, nodes, _ = ask(mreg, start)
        assert nodes == wanted


def test_impact_is_everything_in_use_below(world):
    mreg, truth = world
    some = 0
    for start, word in every_start(truth):
        if start == "hf://org/teacher@main":
            word = start
        result, _, _ = ask(mreg, word, "--impact", "--most", "1")
        found = [(u["model"], u["number"], u["alias"], u["environment"],
                  u["workload"], u["via"]) for u in result["impact"]]
        assert set(found) == set(truth.impact(start))
        assert len(found) == len(set(found))
        assert all(result["nodes"][u["node"]]["versions"]
                   for u in result["impact"])
        some += len(found)
    assert some > 100


def test_the_same_files_lead_where_nobody_said_so(world):
    mreg, truth = world
    twin, web = truth.tag["twin", "v1"], truth.tag["data/web", "v1"]
    assert set(ask(mreg, "twin:v1", "--down")[1]) == {twin}
    _, nodes, edges = ask(mreg, "twin:v1", "--down", "--similar")
    assert nodes[web] == -1 and (web, twin, "same_files") in edges
    # Whoever has the files has the weights: that is told once.
    assert (web, twin, "shared_weights") not in edges
    assert truth.tag["churn", "v1"] in nodes


# -- what it says -------------------------------------------------------------------


def test_the_tree_shows_each_node_once(world):
    mreg, truth = world
    r = mreg.run("lineage", "merged:v1", "--up")
    assert r.stderr.startswith("from the index, synced ")
    head, made, *lines = r.stdout.splitlines()
    assert head == "merged:v1@" + truth.tag["merged", "v1"]
    assert made == "made from"
    assert sum("base:v1 (latest)" in x for x in lines) == 2  # and other/base
    # Both lora and churn come from base.
    assert sum(re.search(r" base:v1 \((above|below)\)$", x) is not None
               for x in lines) == 1
    assert "also prod/churn:v2" in r.stdout


def test_a_line_of_versions_is_one_column(mreg, tmp_path):
    for i in range(1, 31):
        path = harness.small_model(tmp_path / str(i), i)
        parent = ("--parent", f"finetune=line:v{i - 1}") if i > 1 else ()
        mreg.run("push", path, "line", "--run-id", str(i), *parent)
    mreg.run("index", "sync")
    lines = mreg.run("lineage", "line:v30", "--up").stdout.splitlines()
    assert len(lines) == 2 + 30 + 29
    assert max(map(len, lines[2:])) < 40
    assert lines[3] == "* finetune line:v29"
    assert lines[-1] == "`-- run 1"
    cut = mreg.run("lineage", "line:v30", "--up", "--most", "10").stdout
    assert cut.splitlines()[-1] == "and at least 1 more (--most)"
    result, nodes, _ = ask(mreg, "line:v30", "--up", "--most", "10")
    assert len(nodes) == 10 and result["cut"] and result["left"] == 1


def test_what_is_in_use_is_whole_where_the_nodes_are_cut(world):
    mreg, _ = world
    words = ("lineage", "base:v1", "--impact")
    whole, cut = (mreg.run(*words, *more).stdout
                  for more in ((), ("--most", "1")))
    assert cut == whole and "--most" not in whole
    assert "(--most)" in mreg.run(*words, "--most", "1", "-f", "tree").stdout


def test_what_nobody_indexed_is_a_gap_with_its_name(world):
    mreg, _ = world
    out = mreg.run("lineage", "lost:v1", "--up").stdout
    assert "`-- finetune gone:v1, not in the index\n" in out
    result, _, _ = ask(mreg, "lost:v1", "--up")
    gap, = (n for n in result["nodes"] if n["kind"] == "gap")
    assert gap["label"] == "gone:v1" and gap["id"] == "sha256:" + "0" * 64
    assert "lost:v1" in mreg.run("lineage", gap["id"], "--down").stdout


def test_nothing_in_use_is_said(world):
    mreg, _ = world
    r = mreg.run("lineage", "sha256:" + "0" * 64, "--impact")
    assert re.search(r"^lost +v1 +latest +- +- +finetune$", r.stdout, re.M)
    r = mreg.run("lineage", "deployment:edge/", "--impact")
    assert r.stdout == "nothing in use comes from deployment:edge/\n"


def test_a_table_tells_why_each_is_there(world):
    mreg, _ = world
    out = mreg.run("lineage", "churn-int8:v1", "-f", "table").stdout
    assert re.search(r"^\+1 +quantized +version +production +- +churn:v2 "
                     r"\(latest, production\), also prod/churn:v2", out, re.M)
    assert re.search(r"^-1 +deployed +deployment +- +- +prod/api$", out, re.M)


@pytest.mark.parametrize("form", ["tree", "table", "json", "dot", "mermaid",
                                  "openlineage", "prov"])
def test_it_goes_to_a_file(world, tmp_path, form):
    mreg, _ = world
    said = mreg.run("lineage", "churn:v2", "-f", form).stdout
    r = mreg.run("lineage", "churn:v2", "-f", form, "-o", tmp_path / "out")
    assert r.stdout == "" and (tmp_path / "out").read_text() == said


@pytest.mark.parametrize("end, form", [
    ("svg", "svg"), ("dot", "dot"), ("gv", "dot"), ("mmd", "mermaid"),
    ("json", "json"), ("txt", "tree")])
def test_the_end_of_a_name_tells_the_format(world, tmp_path, end, form):
    mreg, _ = world
    said = mreg.run("lineage", "churn:v2", "-f", form).stdout
    path = tmp_path / f"out.{end}"
    mreg.run("lineage", "churn:v2", "-o", path)
    assert path.read_text() == said
    mreg.run("lineage", "churn:v2", "-o", path, "-f", "table")
    assert path.read_text().startswith("DEPTH")


def test_a_wrong_word_is_told_with_the_nearest(world):
    mreg, _ = world
    error = mreg.fails(2, "lineage", "churn:v1", "-r", "fine-tune")
    assert "'fine-tune' is no relation" in error["message"]
    assert error["hint"] == "did you mean 'finetune'?"
    error = mreg.fails(3, "lineage", "churn:v99")
    assert error["message"] == "the index does not know 'churn:v99'"
    for outside in ("run:nobody", "deployment:edge/nobody", "input:a b",
                    "commit:https://git.example.com/x@1"):
        mreg.fails(3, "lineage", outside)
    mreg.fails(3, "lineage", "s3://nowhere/x")
    mreg.run("lineage", "churn", "--json", "--format", "dot", status=2)


def test_without_an_index_it_says_how_to_make_one(mreg, pushed):
    error = mreg.fails(3, "lineage", "churn:v1")
    assert "index sync" in error["hint"]


def test_circles_end(mreg, tmp_path):
    for i in (1, 2):
        mreg.run("push", harness.small_model(tmp_path / str(i), i), "a")
    mreg.run("deprecate", "a:v1", "--successor", "v2")
    mreg.run("deprecate", "a:v2", "--successor", "v1")
    mreg.run("index", "sync")
    _, nodes, edges = ask(mreg, "a:v1")
    one, two = nodes
    assert edges == {(one, two, "successor"), (two, one, "successor")}
    assert mreg.run("lineage", "a:v1", "--up").stdout.splitlines()[1:] == [
        "made from", "* successor a:v2 (latest)", "`-- successor a:v1 (above)"]
