"""A platform's registry in the index: every answer of it, compared with one
that is computed from what was written, slowly and without mreg."""
import collections
import json
import os
import pathlib
import shutil
import tempfile

import pytest

import harness
import world

FULL = bool(os.environ.get("MREG_TEST_FULL"))


@pytest.fixture(scope="module")
def memory(work):
    """A folder for many small files, in memory where there is room."""
    shm = pathlib.Path("/dev/shm")
    room = shm.is_dir() and shutil.disk_usage(shm).free > 2 << 30
    folder = pathlib.Path(tempfile.mkdtemp(dir=shm if room else work))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def there(memory):
    """200 repositories as a local store."""
    made = world.World()
    made.place = memory / "world"
    made.write_store(made.place)
    yield made


@pytest.fixture(scope="module")
def asked(there, binary, work):
    """Somebody whose index has all of it."""
    mreg = harness.Mreg(binary, work / "world-home",
                        env={"MREG_STORE": str(there.place)})
    done = mreg.json("index", "sync")
    assert done["versions"]["new"] == len(there.all)
    return mreg


# -- search -------------------------------------------------------------------


def like(text, pattern):
    """SQL's LIKE of one or two parts around a %."""
    parts = pattern.split("%")
    if len(parts) == 1:
        return text == pattern
    return (text.startswith(parts[0]) and text.endswith(parts[-1]) and
            len(text) >= len(pattern) - 1)


class Truth:
    """Answers, from what was written."""

    def __init__(self, made):
        self.made = made
        self.by_digest = collections.defaultdict(list)
        for v in made.all:
            self.by_digest[v.digest].append(v)
        self.repos = {r.name: r for r in made.repos}
        self.edges = collections.defaultdict(set)   # child -> parents
        self.below = collections.defaultdict(set)   # parent -> children
        for v in made.all:
            for parent, relation in self.origins(v):
                self.edges[v.digest].add((parent, relation))
                self.below[parent].add((v.digest, relation))

    @staticmethod
    def origins(v):
        for p in v.parents:
            yield p.get("digest", p["ref"]), p["relation"]
        for i in v.inputs:
            yield i.get("digest", i["uri"]), "input"

    def walk(self, start, down, depth=None, relations=None):
        """Node -> its distance; the start is 0."""
        ways = self.below if down else self.edges
        seen, level, front = {start: 0}, 0, [start]
        while front and (depth is None or level < depth):
            level += 1
            after = []
            for node in front:
                for other, relation in ways[node]:
                    if relations and relation not in relations:
                        continue
                    if other not in seen:
                        seen[other] = level
                        after.append(other)
            front = after
        return seen

    def aliases(self, v):
        repo = self.repos[v.repo]
        names = {a for a, d in repo.aliases.items() if d == v.digest}
        return names

    def stage(self, v):
        if v.archived:
            return "archived"
        has = self.aliases(v)
        for stage in reversed(world.STAGES):
            if stage in has:
                return stage
        return "experimental"

    def owner(self, v):
        return self.repos[v.repo].owner

    def ancestors(self, v):
        found = set(self.walk(v.digest, down=False)) - {v.digest}
        return [x for d in found for x in self.by_digest.get(d, ())[:1]]


def number(v, name, default=None):
    return float(v.metrics[name]) if name in v.metrics else default


FILTERS = [
    ("", lambda t, v: True),
    ("metrics.auc > 0.9", lambda t, v: number(v, "auc", 0) > 0.9),
    ("metrics.auc > 0.5 AND metrics.loss <= 0.75",
     lambda t, v: number(v, "auc", 0) > 0.5 and number(v, "loss", 9) <= .75),
    ("tags.team = 'risk'", lambda t, v: v.tags["team"] == "risk"),
    ("tags.team != 'risk' AND tags.tier = 'gold'",
     lambda t, v: v.tags["team"] != "risk" and v.tags.get("tier") == "gold"),
    ("tags.tier != 'gold'",
     lambda t, v: v.tags.get("tier", "gold") != "gold"),
    ("tags.tier = 'it''s \"odd\"; --'",
     lambda t, v: v.tags.get("tier") == "it's \"odd\"; --"),
    ("NOT (tags.team = 'risk' OR tags.team = 'ads')",
     lambda t, v: v.tags["team"] not in ("risk", "ads")),
    ("params.lr = '1e-3' and params.epochs = '3'",
     lambda t, v: v.params.get("lr") == "1e-3" and
     v.params.get("epochs") == "3"),
    ("alias = 'production'", lambda t, v: "production" in t.aliases(v)),
    ("alias = 'production' AND alias = 'canary'",
     lambda t, v: {"production", "canary"} <= t.aliases(v)),
    ("stage = 'staging'", lambda t, v: t.stage(v) == "staging"),
    ("stage = 'archived'", lambda t, v: t.stage(v) == "archived"),
    ("owner = 'growth'", lambda t, v: t.owner(v) == "growth"),
    ("license = 'MIT' OR license = 'GPL-3.0-only'",
     lambda t, v: v.license in ("MIT", "GPL-3.0-only")),
    ("license IS NULL", lambda t, v: v.license is None),
    ("name LIKE 'team1/%'", lambda t, v: v.repo.startswith("team1/")),
    ("name ILIKE 'TEAM2/%' AND version_number >= 30",
     lambda t, v: v.repo.startswith("team2/") and v.number >= 30),
    ("run_id = 'run-1' OR version_number < 2",
     lambda t, v: v.run == "run-1" or v.number < 2),
    ("kind = 'dataset'", lambda t, v: v.kind == "dataset"),
    ("author = 'ada' AND actor != 'ada'",
     lambda t, v: v.author == "ada" and v.actor != "ada"),
    ("registered >= '2026-01-10' AND registered < '2026-01-20'",
     lambda t, v: "2026-01-10" <= world.text_of(v.registered) < "2026-01-20"),
    ("text('fraud german')",
     lambda t, v: {"fraud", "german"} <= set(
         v.card.lower().replace(".", " ").split())),
    ("has_ancestor_license('GPL-3.0-only') AND metrics.auc > 0.8",
     lambda t, v: number(v, "auc", 0) > 0.8 and any(
         x.license == "GPL-3.0-only" for x in t.ancestors(v))),
    ("uses('s3://data/table-7')",
     lambda t, v: "s3://data/table-7" in t.walk(v.digest, down=False)),
]


@pytest.fixture(scope="module")
def truth(there):
    return Truth(there)


@pytest.mark.parametrize("text, wanted", FILTERS, ids=[f for f, _ in FILTERS])
def test_search_finds_what_a_loop_over_everything_finds(
        asked, truth, text, wanted):
    found = asked.json("search", text, "--all")["versions"]
    assert sorted((v["name"], v["number"]) for v in found) == sorted(
        (v.repo, v.number) for v in truth.made.all if wanted(truth, v))


def test_search_orders_and_pages(asked, truth):
    wanted = sorted((v for v in truth.made.all if v.metrics),
                    key=lambda v: -float(v.metrics["auc"]))
    found, token = [], []
    while True:
        page = asked.json("search", "metrics.auc >= 0", "--order-by",
                          "metrics.auc DESC", "--limit", "700", *token)
        found += page["versions"]
        if not page["nextPage"]:
            break
        token = ["--page", page["nextPage"]]
    aucs = [float(v["metrics"]["auc"]) for v in found]
    assert aucs == [float(v.metrics["auc"]) for v in wanted]
    assert len({(v["name"], v["number"]) for v in found}) == len(wanted)


def test_descendants_by_search_and_by_walk(asked, truth):
    busiest = sorted(truth.by_digest, key=lambda d: -len(truth.below[d]))[:5]
    for digest in busiest:
        below = set(truth.walk(digest, down=True)) - {digest}
        found = asked.json("search", f"descends_from('{digest}')",
                           "--all")["versions"]
        assert {v["digest"] for v in found} == below & set(truth.by_digest)


# -- lineage ------------------------------------------------------------------


def chosen(truth):
    """Roots: those with most below them, most above, and some of the rest."""
    digests = sorted(truth.by_digest)
    down = sorted(digests, key=lambda d: -len(truth.below[d]))[:6]
    up = sorted(digests, key=lambda d: -len(truth.edges[d]))[:6]
    return down + up + digests[::len(digests) // 12]


RELATIONS = ("finetune", "quantized", "adapter", "merge", "input")


def graph(asked, *words):
    out = asked.json("lineage", *words)
    nodes = {n["id"]: abs(n["depth"]) for n in out["nodes"]}
    edges = {(out["nodes"][e["child"]]["id"], out["nodes"][e["parent"]]["id"],
              e["relation"]) for e in out["edges"]}
    return nodes, edges


@pytest.mark.parametrize("way", ["--up", "--down"])
def test_lineage_is_what_a_walk_over_the_manifests_finds(asked, truth, way):
    limits = [x for r in RELATIONS for x in ("--relation", r)]
    for digest in chosen(truth):
        wanted = truth.walk(digest, way == "--down")
        nodes, edges = graph(asked, digest, way, *limits)
        assert nodes == wanted
        assert edges == {(c, p, r) for c in wanted for p, r in truth.edges[c]
                         if p in wanted}


def test_lineage_to_a_depth_along_one_relation(asked, truth):
    for digest in chosen(truth)[::3]:
        nodes, _ = graph(asked, digest, "--up", "--depth", "2",
                         "--relation", "finetune")
        assert nodes == truth.walk(digest, False, 2, {"finetune"})


def impact_of(truth, start):
    """Aliases and deployments of whatever comes from it, by any way, those with
    the same files or weights too."""
    files, weights = (collections.defaultdict(set) for _ in range(2))
    for v in truth.made.all:
        files[v.fileset].add(v.digest)
        for blob in v.weights:
            weights[blob].add(v.digest)
    seen, front = {start}, [start]
    while front:
        node = front.pop()
        near = {d for d, _ in truth.below[node]}
        for v in truth.by_digest.get(node, ())[:1]:
            near |= files[v.fileset]
            for blob in v.weights:
                near |= weights[blob]
        front += near - seen
        seen |= near
    found = set()
    for v in (v for d in seen for v in truth.by_digest.get(d, ())):
        repo = truth.repos[v.repo]
        found |= {(v.repo, v.number, a, None, None)
                  for a, d in repo.aliases.items() if d == v.digest}
        found |= {(v.repo, v.number, None, *p)
                  for p, d in repo.deployments.items() if d == v.digest}
    return found


def test_impact_names_every_alias_and_deployment_below(asked, truth):
    data = [v.digest for v in truth.made.all if v.kind == "dataset"]
    for start in [*data[:40:5], "s3://data/table-3"]:
        out = asked.json("lineage", start, "--impact")
        found = {(i["model"], i["number"], i["alias"], i["environment"],
                  i["workload"]) for i in out["impact"]
                 if i["alias"] != "latest"}
        assert found == impact_of(truth, start)


# -- history and lists --------------------------------------------------------


def rows(asked, sql):
    return asked.json("query", sql, "--limit", "100000")["rows"]


def test_every_event_of_every_log(asked, truth):
    found = rows(asked, "SELECT model, seq, digest, kind, time_s, actor "
                 "FROM events")
    assert sorted((name.split("//")[1], *rest) for name, *rest in found) == \
        sorted((r.name, e["seq"], e["digest"], e["kind"],
                world.seconds_of(e["seconds"]), e["actor"])
               for r in truth.made.repos for e in r.events)


def test_history_of_every_alias(asked, truth):
    found = rows(asked, "SELECT model, alias, version_digest, time_s, actor "
                 "FROM events WHERE kind = 'alias_moved' "
                 "ORDER BY model, time_s")
    wanted = sorted((r.name, alias, digest, world.seconds_of(at), actor)
                    for r in truth.made.repos
                    for alias, _, digest, at, actor in r.moves)
    assert sorted((name.split("//")[1], *rest)
                  for name, *rest in found) == wanted


def test_lists_from_the_index_are_those_of_the_store(asked, truth):
    for repo in truth.made.repos[::17]:
        if not repo.versions:
            continue
        here = asked.json("ls", repo.name, "--index")
        there = asked.json("ls", repo.name, "--no-index")
        here.pop("index"), there.pop("index", None)
        assert here == there


# -- a registry ---------------------------------------------------------------


def test_the_same_from_a_registry(mreg, memory, box):
    made = world.World(200 if FULL else 30, 5000 if FULL else 400,
                       2000 if FULL else 150, seed=3)
    registry = harness.Registry(memory / "registry")
    try:
        made.write_registry("127.0.0.1", registry.port)
        mreg.json("index", "sync", registry.host)
    finally:
        registry.stop()
    made.write_store(memory / "store")
    near = mreg.clone(box / "near", MREG_STORE=str(memory / "store"))
    near.json("index", "sync")

    def all_of(who, cut):
        found = who.json("search", "", "--all")["versions"]
        assert len(found) == len(made.all)
        for v in found:
            v["name"] = v["name"].removeprefix(cut)
            v.pop("model")  # has the place in it
        return sorted((json.dumps(v, sort_keys=True) for v in found))

    assert all_of(mreg, registry.host + "/") == all_of(near, "")
