"""test_alloc.py - each allocation fails in its turn, once and for good: an
error that says so, no crash, no hang, no leak, and a store, a registry, a
folder that are whole.

All of them with MREG_TEST_FULL=1 (for good: every third; more than 20,000: in
steps), samples without.  In an ASan build what leaks is an error too."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

import fake
import faults
import foreign
import harness
import subjects
from harness import MIB, ROOT, assert_pulled, small_model, tree

# Numbers in the sample: once, for good.
SAMPLES = {"": 4, "+": 1}
MOST = 20000
FOR_GOOD = 3
COMMANDS = ("push", "pull", "ls", "inspect", "alias set", "copy", "export",
            "import")
# These take turns in the sample: one in the store, the next in a registry.
MORE = ("push policy", "push run", "attach", "evaluate", "policy set",
        "policy show", "policy check", "policy files", "inspect tensors",
        "inspect image", "inspect index", "diff", "check", "card",
        *(f"pull {how}" for how in subjects.PACKED))
# And these, which write into the log.
TOLD = tuple(name for name in subjects.HISTORY if name not in COMMANDS)
# Those of other profiles, and those who serve models.
SERVED = (*subjects.PROFILES, "push image", "storage-initializer")
# A cluster is given nothing out of a store on this machine.
AWAY = ("resolve kserve",)
# Those that have a file of which ranges are fetched, and whose upload and
# download are recorded, so that they go on; the copy sends it in pieces.
LARGE = ("push large", "pull large", "copy large")
PIECES = {"MREG_LIMIT_REQUEST": "6MiB"}
# What a registry holds of runs before it is replaced by a new one.
RUNS, LARGE_RUNS = 60, 10
TIMEOUT_S = 60
# Which write to a short model that is theirs.
CHANGES = ("alias set", "attach", "evaluate", "policy set")
# What inspect has from the log, which it does without.
FROM_LOG = re.compile("^(pushed|by|stage|tags) .*\n|:v[0-9]+$", re.MULTILINE)
# ASan's own exit statuses, told apart from ours.
SANITIZERS = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1:"
                              "verify_asan_link_order=0",
              "UBSAN_OPTIONS": "halt_on_error=1:exitcode=98",
              "LSAN_OPTIONS": "exitcode=97"}


def newest_source():
    return max(p.stat().st_mtime for folder in ("src", "include")
               for p in (ROOT / folder).rglob("*.[ch]"))


def program():
    """The ASan build where there is a current one."""
    asan = ROOT / "build/asan/mreg"
    if asan.exists() and asan.stat().st_mtime > newest_source():
        return asan
    return harness.program()


def guarded(**options):
    """With tokens, and blobs from storage elsewhere."""
    return fake.Fake(username="ada", password="s3cret", bearer=True,
                     redirect_blobs=True, **options)


class Place:
    """Somebody with a model of two versions, `m`, a short one, `short`, and in
    a registry `large`."""

    def __init__(self, folder, env):
        self.folder = folder
        self.who = harness.Mreg(program(), folder / "home", {
            **env, **SANITIZERS, "MREG_JOBS": "1"})
        self.models = [small_model(folder / f"m{n}", n) for n in (1, 2)]
        self.runs, self.pushed, self.made = 0, set(), set()
        self.archive = folder / "m.tar"
        self.rich = [subjects.rich_model(folder / f"r{n}", n)
                     for n in (1, 2)]
        self.policy = harness.write(folder / "policy.yaml", subjects.POLICY)
        self.run = subjects.mlflow_run(folder / "runs")
        self.gguf = subjects.gguf_model(folder / "gguf")
        self.base = subjects.image_base(folder)
        self.said = {}

    def fill(self, prefix):
        for m in self.models:
            self.who.run("push", m, f"{prefix}m")

    def fill_more(self, packing):
        """What MORE works on; `packing`: a foreign.Registry."""
        name = f"{self.source}rich"
        self.who.run("push", self.rich[0], name)
        self.who.run("push", self.rich[1], name, *subjects.PASSES)
        self.who.run("policy", "set", name, self.policy)
        subjects.packed(packing)
        for m in self.models:
            self.who.run("push", m, f"{self.source}told")
        subjects.prepare_history(self.who, f"{self.source}told")
        self.who.run("push", self.gguf, f"{self.source}gguf")

    def alone(self, n, name):
        """What the n-th run gets for itself: environment, folder."""
        out = self.folder / f"{name.replace(' ', '-')}{n}"
        return {}, out

    def stop(self):
        pass


class Store(Place):
    """In the local store."""
    source, target = "", ""

    def __init__(self, folder, env):
        super().__init__(folder, env)
        self.fill("")
        self.who.run("push", self.models[0], "short")
        self.fill_more(foreign.Layout(self.who.store, "foreign"))
        self.documents = set()
        self.who.run("export", "m", self.archive)
        self.versions = self.whole("m")[0]

    def whole(self, repository):
        if not (self.who.store / repository).exists():
            return {}, []
        return faults.look(self.who, repository)

    def tags(self, repository):
        return faults.layout_tags(self.who.store / repository)

    def lacks(self, repository):
        return set()


class Registry(Place):
    """In a registry with tokens and the referrers API; what is written goes
    to another one, that has none."""

    def __init__(self, folder, env):
        super().__init__(folder, env)
        first = fake.Fake(referrers=True)
        self.servers = [first, guarded(referrers=True)]
        self.fill(f"{first.host}/")
        there = first.content("m")
        self.documents = {
            fake.attach(first, "m", there["manifests"][there["tags"]["v1"]],
                        kind) for kind in ("card", "report")}
        self.from_server = self.servers[1]
        self.source = f"{self.from_server.host}/"
        self.renew()
        self.who.run("copy", f"{first.host}/m", f"{self.source}m")
        self.fill_more(foreign.Registry(first.host, "foreign"))
        self.who.run("copy", f"{first.host}/foreign", f"{self.source}foreign")
        self.who.run("push", self.models[0], f"{self.source}short")
        subjects.prepare_canary(self.who, f"{self.source}served", self.models)
        self.big = small_model(folder / "large", 3, 20 * MIB)
        self.who.run("push", self.big, f"{self.source}large")
        self.who.run("export", f"{self.source}m", self.archive)
        self.versions = self.from_server.whole("m")[0]
        self.large_versions = self.from_server.whole("large")[0]

    def renew(self):
        """Another registry to write to."""
        if len(self.servers) > 2:
            assert self.servers.pop().stop() == 0
        self.servers.append(guarded())
        self.target = f"{self.servers[-1].host}/"
        hosts = {}
        for s in self.servers[1:]:
            hosts.update(harness.docker_auth(s.host, s.user,
                                             s.password)["auths"])
        harness.write(self.who.home / "docker/config.json",
                      json.dumps({"auths": hosts}))

    def alone(self, n, name):
        """A memory of its own too: what a registry can do is learned again."""
        self.runs += 1
        if self.runs % (LARGE_RUNS if name in LARGE else RUNS) == 0:
            self.renew()
        _, out = super().alone(n, name)
        return {"XDG_CACHE_HOME": str(self.folder / "cache" / out.name)}, out

    def whole(self, repository):
        return self.servers[-1].whole(repository)

    def tags(self, repository):
        return self.servers[-1].content(repository)["tags"]

    def lacks(self, repository):
        """Documents that a reader without the referrers API does not find."""
        there = self.servers[-1].content(repository)
        found = set()
        for tag, digest in there["tags"].items():
            if tag.startswith("sha256-"):
                found |= {d["digest"] for d in json.loads(
                    there["manifests"][digest])["manifests"]}
        return self.documents - (found & set(there["manifests"]))

    def stop(self):
        for s in self.servers:
            assert s.stop() == 0


@pytest.fixture(scope="module")
def places(work):
    made = {}

    def get(where):
        if where not in made:
            folder = pathlib.Path(work) / "alloc" / where
            made[where] = Store(folder, {}) if where == "store" else \
                Registry(folder, fake.quick(work))
        return made[where]

    yield get
    for place in made.values():
        place.stop()


# -- the commands -------------------------------------------------------------


def words_of(text):
    """Of an output, but for how long ago something was."""
    return re.sub("just now|[0-9]+ [a-z]+ ago", "", text).split()


class Run:
    """The n-th run of a command, and what has to be true after it."""

    def __init__(self, place, name, n):
        self.place, self.name = place, name
        self.env, self.out = place.alone(n, name)
        if name == "copy large":
            self.env.update(PIECES)
        # Named as its model: its name is part of a manifest.
        self.to = f"{self.out.name}/m"
        source, target = place.source, place.target
        self.words = {
            "push": ["push", place.models[0], f"{target}{self.to}"],
            "pull": ["pull", f"{source}m:v2", "-o", self.out],
            "ls": ["ls", f"{source}m"],
            "inspect": ["inspect", f"{source}m"],
            "alias set": ["alias", "set", f"{target}{self.to}:v1", "prod"],
            "copy": ["copy", f"{source}m", f"{target}{self.to}"],
            "export": ["export", f"{source}m", self.out / "m.tar"],
            "import": ["import", place.archive, f"{target}{self.to}"],
        }.get(name) or {
            "push large": lambda: ["push", place.big, f"{target}{self.to}"],
            "pull large": lambda: ["pull", f"{source}large:v1", "-o",
                                   self.out],
            "copy large": lambda: ["copy", f"{source}large",
                                   f"{target}{self.to}"],
        }.get(name, self.more)()
        self.check = self.check_told if name in TOLD else \
            getattr(self, "check_" + name.split()[0].replace("-", "_"))
        if name == "export":
            self.out.mkdir(parents=True)
        origin = "told" if name in TOLD else "short" if name in CHANGES else \
            "gguf" if name in subjects.PROFILES else None
        if origin:
            # Its log has nothing of the other runs.
            place.who.run("copy", source + origin, f"{target}{self.to}",
                          env=self.env)

    def more(self):
        """The words of MORE, TOLD, SERVED and AWAY."""
        place, (verb, _, what) = self.place, self.name.partition(" ")
        source, to = place.source, f"{place.target}{self.to}"
        if self.name in TOLD:
            return subjects.HISTORY[self.name][0](to)
        if self.name in subjects.PROFILES:
            return subjects.PROFILES[self.name][0](to, place.base)
        if verb == "pull":
            return subjects.pull_packed(f"{source}foreign", what, self.out)
        if verb in subjects.DOCUMENTS:
            return subjects.DOCUMENTS[verb](f"{to}:v1", place.policy)
        rich = f"{source}rich"
        return {
            "push policy": ["push", place.rich[1], to, "--policy",
                            place.policy, *subjects.PASSES],
            "push image": ["push", place.gguf, to, "--also", "image"],
            "storage-initializer": ["storage-initializer",
                                    f"mreg://{source}m:v2", self.out],
            "resolve kserve": ["resolve", f"{source}served:production",
                               "--format", "kserve"],
            "push run": ["push", place.rich[0], to, "--from-run", place.run],
            "policy set": ["policy", "set", to, place.policy],
            "policy show": ["policy", "show", rich],
            "policy check": ["policy", "check", f"{rich}:v2"],
            "policy files": ["policy", "check", place.rich[0], rich,
                             *subjects.PASSES],
            "inspect tensors": ["inspect", rich, "--tensors"],
            "inspect image": ["inspect", f"{source}foreign:image", "--files"],
            "inspect index": ["inspect", f"{source}foreign:select"],
            "diff": ["diff", f"{rich}:v1", f"{rich}:v2", "--tensors"],
            # How much was read is told: all of it, always.
            "check": ["check", place.rich[1], f"{rich}:v2", "--verify-files"],
            "card": ["card", rich],
        }[self.name]

    def once(self, fail=None):
        env = {**self.env, **({"MREG_FAIL_ALLOC": fail} if fail else {})}
        try:
            self.result = self.place.who.run(*self.words, status=None,
                                             env=env, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as e:
            self.result = harness.Result(e.cmd, "none: it hangs", "", "")
        return self.result

    def done(self):
        shutil.rmtree(self.out, ignore_errors=True)
        if self.env:
            shutil.rmtree(self.env["XDG_CACHE_HOME"], ignore_errors=True)

    def check_push(self, status):
        found, wrong = self.place.whole(self.to)
        self.place.pushed |= {(self.name, d) for d in found.values()}
        if status == 0 and list(found) != [1]:
            wrong.append(f"versions are {found}")
        if self.name == "push image":
            wrong += self.check_image(status)
        return wrong + self.same_bytes(self.place.pushed)

    def same_bytes(self, all_made):
        made = [d for name, d in all_made if name == self.name]
        return [f"other bytes: {made}"] if len(made) > 1 else []

    def check_image(self, status):
        _, wrong = self.place.whole(self.to)
        _, suffix = subjects.PROFILES.get(self.name, ("", "image"))
        # A push is done when its version is there, and tells what is not.
        if "'latest' was not moved" in self.result.stderr:
            status = None
        bad, digests = subjects.siblings_wrong(self.place.tags(self.to),
                                               suffix, status)
        self.place.made |= {(self.name, d) for d in digests}
        return wrong + bad + self.same_bytes(self.place.made)

    def check_pull(self, status):
        if self.name in MORE:
            expected = subjects.unpacked()
        else:
            expected = tree(self.place.big if self.name in LARGE else
                            self.place.models[1])
        found = {p: what for p, what in tree(self.out).items()
                 if not p.startswith(".mreg-")}
        wrong = [f"{p} has other bytes" for p, what in found.items()
                 if what != expected.get(p)]
        if status == 0:
            assert_pulled(self.out, expected,
                          noted=self.name == "storage-initializer")
        return wrong

    check_storage_initializer = check_pull

    def check_ls(self, status):
        """The same as when nothing fails, but for what it says is missing."""
        said = self.place.said
        if self.name not in said:
            said[self.name] = self.place.who.run(*self.words).stdout
        both = [self.result.stdout, said[self.name]]
        if "warning: the log was not read: " in self.result.stderr:
            both = [FROM_LOG.sub("", text) for text in both]
        if status == 0 and words_of(both[0]) != words_of(both[1]):
            return [f"it says something else\n{self.result}"]
        return []

    check_inspect = check_diff = check_check = check_card = check_ls
    check_resolve = check_ls

    def check_attach(self, status):
        name = f"{self.place.target}{self.to}"
        return self.place.whole(self.to)[1] + subjects.attached_wrong(
            self.place.who, name, self.name, status)

    check_evaluate = check_attach

    def check_policy(self, status):
        if self.name != "policy set":
            return self.check_ls(status)
        name = f"{self.place.target}{self.to}"
        return self.place.whole(self.to)[1] + subjects.policy_wrong(
            self.place.who, name, status)

    def check_told(self, status):
        name = f"{self.place.target}{self.to}"
        return self.place.whole(self.to)[1] + subjects.history_wrong(
            self.place.who, name, self.name, status)

    def check_alias(self, status):
        if status == 0:
            self.place.who.run("resolve", f"{self.place.target}{self.to}:prod")
        return self.place.whole(self.to)[1]

    def check_copy(self, status):
        found, wrong = self.place.whole(self.to)
        if status != 0:
            return wrong
        large = self.name in LARGE
        if found != (self.place.large_versions if large else
                     self.place.versions):
            wrong.append(f"versions are {found}")
        lacks = set() if large else self.place.lacks(self.to)
        return wrong + [f"without {d}" for d in lacks]

    check_import = check_copy

    def check_export(self, status):
        """Nothing, or a whole archive: it may be there before its command
        fails to say so."""
        left = sorted(p.name for p in self.out.iterdir())
        if status != 0 and not left:
            return []
        if left != ["m.tar"]:
            return [f"files are {left}"]
        with tarfile.open(self.out / "m.tar") as archive:
            held = {m.name: archive.extractfile(m).read()
                    for m in archive.getmembers() if m.isfile()}
        blobs = {name.rpartition("/")[2]: data
                 for name, data in held.items() if name.startswith("blobs/")}
        wrong = [f"bytes of {name}" for name, data in blobs.items()
                 if hashlib.sha256(data).hexdigest() != name]
        tags = {e["annotations"]["org.opencontainers.image.ref.name"]:
                e["digest"] for e in json.loads(held["index.json"])
                ["manifests"] if "annotations" in e}
        found = faults.versions_whole(
            lambda: [t for t in tags if re.fullmatch("v[0-9]+|latest", t)],
            lambda tag: (tags[tag], blobs.get(tags[tag][7:])),
            lambda digest, size: len(blobs.get(digest[7:], "")) == size,
            wrong)
        if found != self.place.versions:
            wrong.append(f"versions are {found}")
        return wrong + [f"without {d}" for d in self.place.documents
                        if d[7:] not in blobs]


def count(place, name):
    """How many allocations the command makes: the first N from which on
    nothing fails.  Threads make it vary by a few."""
    serial = [0]

    def fine(n):
        serial[0] += 1
        run = Run(place, name, f"count{serial[0]}")
        r = run.once(f"{n}+")
        run.done()
        assert r.status == 0 or n < 1 << 24, r
        return r.status == 0

    high = 256
    while not fine(high):
        high *= 2
    low = high // 2
    while high - low > (1 if faults.FULL else high // 3):
        middle = (low + high) // 2
        low, high = (low, middle) if fine(middle) else (middle, high)
    return high + 16 # what is tolerated at the end, and threads


def numbers(total, plan):
    """Which allocations fail."""
    if not faults.FULL:
        return faults.points(total, SAMPLES[plan])
    step = (total + MOST - 1) // MOST * (FOR_GOOD if plan else 1)
    return range(1, total + 1, step)


@pytest.mark.parametrize("where, name", [
    *(("store", name) for name in COMMANDS),
    *(("registry", name) for name in (*COMMANDS, *LARGE, *AWAY)),
    *((where, name) for i, name in enumerate((*MORE, *TOLD, *SERVED))
      for turn, where in enumerate(("store", "registry"))
      if faults.FULL or i % 2 == turn)])
def test_no_allocation_matters_more_than_its_command(places, where, name,
                                                     capsys):
    place = places(where)
    total = count(place, name)
    tried, failed, wrong = 0, 0, []
    for plan in ("", "+"):
        for n in numbers(total, plan):
            run = Run(place, name, f"{n}{plan and 'on'}")
            r = run.once(f"{n}{plan}")
            tried += 1
            failed += r.status == 1
            bad = run.check(r.status)
            if r.status not in (0, 1):
                bad.append(str(r))
            elif r.status == 1 and ("out of memory" not in r.stderr or
                                    "hint: " not in r.stderr or r.stdout):
                bad.append(f"no clear error\n{r}")
            if r.status != 0 and (n % 3 == 0 or not faults.FULL):
                if name == "export": # never replaces a file
                    (run.out / "m.tar").unlink(missing_ok=True)
                again = run.once()
                if again.status != 0:
                    bad.append(f"and not the second time\n{again}")
                bad += run.check(again.status)
            run.done()
            wrong += [f"{n}{plan}: {b}" for b in bad]
    faults.tell(capsys, f"allocations failed: {tried} ({name}, {where}, of "
                        f"{total}), errors: {failed}, violations: "
                        f"{len(wrong)}")
    assert not wrong, "\n\n".join(wrong)
    assert failed


def test_running_out_of_memory_is_told_in_json(places):
    """Also when no memory is left to tell it."""
    error = places("store").who.fails(1, "ls", "m",
                                      env={"MREG_FAIL_ALLOC": "30+"})
    assert error["code"] == "no_memory"
    assert error["message"] == "out of memory"
    assert error["hint"]
