"""index_life.py - what tests of the index share: all that one says, for
comparison with another; and a platform on which things happen by chance."""
import contextlib
import shutil
import sqlite3

from harness import small_model

# Says when was looked, not what is there.
WHEN = ("syncs",)


def dump(path):
    """Every row of every view, but for when it was looked at."""
    said = {}
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'view' "
            "ORDER BY name")]
        for name in names:
            if name not in WHEN:
                rows = db.execute(f"SELECT * FROM {name}").fetchall()
                said[name] = sorted(rows, key=repr)
        cards = db.execute(
            "SELECT m.name, v.number, c.words FROM ix_cards c "
            "JOIN ix_versions v ON v.id = c.rowid "
            "JOIN ix_models m ON m.id = v.model").fetchall()
        said["cards"] = sorted(cards, key=repr)
    return said


def rows(path, view):
    """Of one view, each by the names of its columns."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {view}")]


def assert_same(one, other):
    """Of two dumps."""
    assert one.keys() == other.keys()
    for name in one:
        lacks = [row for row in other[name] if row not in one[name]]
        more = [row for row in one[name] if row not in other[name]]
        assert not lacks and not more, f"{name}: lacks {lacks}, has {more}"


def anew(mreg, folder, *places):
    """What an index made from nothing by somebody else says."""
    other = mreg.clone(folder)
    for key in ("MREG_STORE", "MREG_REGISTRY"):
        if key in mreg.env:
            other.env[key] = mreg.env[key]
    other.run("index", "sync", *places)
    return dump(index_of(other))


def index_of(mreg):
    return mreg.home / "data/mreg/index.db"


def is_whole(path):
    """Whether SQLite finds nothing wrong."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Platform:
    """Models of a place, `prefix` in front of their names, to which things
    happen that are decided by a random generator."""

    NAMES = ("churn", "fraud", "nlp")
    ALIASES = ("staging", "production", "canary")

    def __init__(self, mreg, folder, rng, prefix="", remove=None):
        self.mreg, self.folder, self.rng = mreg, folder, rng
        self.prefix, self.remove = prefix, remove
        self.models = {}   # name -> numbers
        self.archived = set()
        self.made = 0

    def ref(self, name, tag=None):
        return f"{self.prefix}{name}" + (f":{tag}" if tag else "")

    def some(self):
        name = self.rng.choice(sorted(self.models))
        return name, self.rng.choice(self.models[name])

    def push(self):
        name = self.rng.choice(self.NAMES)
        self.made += 1
        folder = small_model(self.folder / f"m{self.made}", self.made)
        args = ["--metric", f"auc=0.{self.made}", "--tag", "team=a",
                "--param", f"lr={self.made}"]
        if self.models and self.rng.random() < 0.5:
            parent, number = self.some()
            args += ["--parent", self.ref(parent, f"v{number}")]
        if self.rng.random() < 0.5:
            (folder / "README.md").write_text(f"# {name}\nwords {self.made}\n")
        done = self.mreg.json("push", folder, self.ref(name), *args)
        self.models.setdefault(name, []).append(done["number"])

    def alias(self):
        name, number = self.some()
        # An archived version gets none.
        self.mreg.run("alias", "set", self.ref(name, f"v{number}"),
                      self.rng.choice(self.ALIASES), status=None)

    def unalias(self):
        name, _ = self.some()
        self.mreg.run("alias", "rm",
                      self.ref(name, self.rng.choice(self.ALIASES)),
                      status=None)

    def archive(self):
        name, number = self.some()
        # What an alias has stays in sight.
        self.mreg.run(self.rng.choice(("archive", "restore")),
                      self.ref(name, f"v{number}"), status=None)

    def deprecate(self):
        name, number = self.some()
        self.mreg.run("deprecate", self.ref(name, f"v{number}"),
                      "--reason", "old")

    def evaluate(self):
        name, number = self.some()
        self.mreg.run("evaluate", self.ref(name, f"v{number}"), "--suite",
                      self.rng.choice(("speed", "safety")),
                      self.rng.choice(("--pass", "--fail")), "--metric",
                      f"score=0.{self.rng.randrange(100)}")

    def attach(self):
        name, number = self.some()
        self.made += 1
        card = self.folder / f"card{self.made}.md"
        card.write_text(f"# a card\nmore words {self.made}\n")
        self.mreg.run("attach", self.ref(name, f"v{number}"), card, "--type",
                      "model-card")

    def edit(self):
        name, number = self.some()
        tag = self.rng.choice((None, f"v{number}"))
        self.mreg.run("edit", self.ref(name, tag), "--owner",
                      self.rng.choice(("risk", "growth")), "--tag",
                      f"area={self.rng.randrange(9)}", "--description",
                      f"text {self.rng.randrange(9)}")

    def release(self):
        name, number = self.some()
        self.mreg.run("release", self.ref(name, f"v{number}"),
                      f"1.{self.rng.randrange(4)}.0", status=None)

    def deploy(self):
        name, number = self.some()
        self.mreg.run("deployed", self.ref(name, f"v{number}"), "--env",
                      self.rng.choice(("prod", "test")))

    def incident(self):
        name, number = self.some()
        self.mreg.run("incident", self.ref(name, f"v{number}"), "--title",
                      "it fell over")

    def request(self):
        name, number = self.some()
        self.mreg.run("request", self.ref(name, f"v{number}"), "production",
                      status=None)

    def judge(self):
        """Another policy, of a model or of all."""
        name = self.rng.choice(("mreg-policy", self.some()[0]))
        self.made += 1
        file = self.folder / f"policy{self.made}.yaml"
        file.write_text(
            f"policy: 1\nreview: {self.rng.randrange(1, 9)}d\nstages: "
            f"[{', '.join(self.rng.sample(self.ALIASES, 2))}]\n")
        self.mreg.run("policy", "set", self.ref(name),
                      self.rng.choice((file, file, "--none")))

    def collect(self):
        """Archive one, and remove for good what may go."""
        self.archive()
        name, _ = self.some()
        self.mreg.run("gc", self.ref(name), "--apply", status=None)
        kept = [v["number"] for v in self.mreg.json(
            "ls", self.ref(name), "--archived")["versions"]]
        self.models[name] = kept
        if not kept:
            del self.models[name]

    def copy(self):
        name, number = self.some()
        to = f"{name}-copy"
        done = self.mreg.run("copy", self.ref(name, f"v{number}"),
                             self.ref(to), status=None)
        if done.status == 0:
            rows = self.mreg.json("ls", self.ref(to), "-a")["versions"]
            self.models[to] = [v["number"] for v in rows]

    def delete(self):
        """A whole model, by whoever runs the place."""
        if self.remove and len(self.models) > 1:
            name, _ = self.some()
            self.remove(name)
            del self.models[name]

    HAPPENS = (push, push, push, alias, alias, unalias, archive, deprecate,
               evaluate, edit, release, deploy, incident, request, judge,
               collect, copy, delete)

    def step(self, more=()):
        happens = self.HAPPENS + tuple(more)
        if not self.models:
            self.push()
        else:
            self.rng.choice(happens)(self)


def remove_folder(store):
    return lambda name: shutil.rmtree(store / name)
