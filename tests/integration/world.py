"""world.py - a platform's registry, made up from a seed and written by nothing
of mreg's: models, data sets, fine-tunes, adapters, quantizations, merges, and
what happened to them; as plain values that a test can compute answers from."""
import dataclasses
import datetime
import hashlib
import http.client
import json
import os
import random

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MODEL = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
EVENT = "application/vnd.mreg.event.v1+json"
EMPTY = b"{}"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
STAGES = ("staging", "production")
ALIASES = ("production", "staging", "canary", "champion")
LICENSES = ("Apache-2.0", "MIT", "GPL-3.0-only", "CC-BY-NC-4.0", None)
TEAMS = ("risk", "growth", "ads", "search")
PEOPLE = ("ada", "bob", "carol", "dan", "eve")
WORDS = ("fraud churn ranking speech vision tabular german english drift "
         "fairness audit distilled quantized weekly nightly holdout").split()


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":"),
                      ensure_ascii=False).encode()


def text_of(seconds):
    at = START + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(seconds):
    return int(START.timestamp()) + seconds


@dataclasses.dataclass
class Version:
    repo: str
    number: int
    digest: str
    manifest: bytes
    kind: str
    license: str
    author: str
    run: str
    revision: str
    metrics: dict
    params: dict
    tags: dict
    parents: list
    inputs: list
    weights: list
    fileset: str
    card: str
    registered: int = 0
    actor: str = ""
    archived: bool = False
    deprecated: bool = False
    bytes: int = 0


@dataclasses.dataclass
class Repo:
    name: str
    kind: str
    versions: list = dataclasses.field(default_factory=list)
    events: list = dataclasses.field(default_factory=list)
    tags: dict = dataclasses.field(default_factory=dict)
    aliases: dict = dataclasses.field(default_factory=dict)
    moves: list = dataclasses.field(default_factory=list)
    deployments: dict = dataclasses.field(default_factory=dict)
    owner: str = None
    blobs: dict = dataclasses.field(default_factory=dict)
    head: str = None
    seq: int = 0

    def version(self, digest):
        return next(v for v in self.versions if v.digest == digest)


class World:
    """`repos` repositories with some `versions` in all, whose aliases were
    moved `moves` times; `host` stands in references."""

    def __init__(self, repos=200, versions=5000, moves=2000, seed=7,
                 host="models.example.com"):
        self.random = random.Random(seed)
        self.host = host
        self.clock = 0
        self.repos = [Repo(f"team{i % 7}/{kind}-{i:03d}", kind)
                      for i, kind in enumerate(self.kinds(repos))]
        self.all = []
        for repo in self.repos:
            if self.random.random() < 0.7:
                repo.owner = self.random.choice(TEAMS)
                self.event(repo, "record_written",
                           set={"owner": repo.owner})
        for _ in range(versions):
            self.add_version(self.random.choice(self.repos))
        for _ in range(versions // 50):
            self.copy_version()
        busy = [r for r in self.repos if r.versions]
        while sum(len(r.moves) for r in self.repos) < moves:
            self.move(self.random.choice(busy))
        for _ in range(versions // 25):
            self.happen(self.random.choice(busy))
        for repo in busy:
            self.point_latest(repo)

    @staticmethod
    def kinds(n):
        kinds = ["dataset"] * (n // 10) + ["base"] * (n // 10)
        kinds += ["adapter"] * (n // 10) + ["quantized"] * (n // 10)
        kinds += ["merge"] * (n // 10)
        return kinds + ["finetune"] * (n - len(kinds))

    def tick(self):
        self.clock += self.random.randint(1, 600)
        return self.clock

    # -- manifests ----------------------------------------------------------

    def parents_of(self, repo):
        models = [v for v in self.all[-400:] if v.kind == "model"]
        if repo.kind in ("dataset", "base") or not models:
            return []
        count = self.random.randint(2, 4) if repo.kind == "merge" else 1
        found = []
        for v in self.random.sample(models, min(count, len(models))):
            ref = f"{self.host}/{v.repo}:v{v.number}"
            roll = self.random.random()
            if roll < 0.03:
                found.append({"relation": repo.kind, "ref": "hf://org/outside"
                              f"-{self.random.randint(0, 20)}"})
            elif roll < 0.06:
                gone = digest_of(b"gone%d" % self.random.randint(0, 30))
                found.append({"relation": repo.kind,
                              "ref": f"{self.host}/gone:v1", "digest": gone})
            else:
                found.append({"relation": repo.kind, "ref": ref,
                              "digest": v.digest})
        return found

    def inputs_of(self, repo):
        if repo.kind == "dataset":
            return []
        data = [v for v in self.all[-400:] if v.kind == "dataset"]
        found = []
        for v in self.random.sample(data, min(len(data),
                                              self.random.randint(0, 2))):
            found.append({"role": "train",
                          "uri": f"{self.host}/{v.repo}:v{v.number}",
                          "digest": v.digest,
                          "classification": self.random.choice(
                              ("public", "internal"))})
        if self.random.random() < 0.3:
            found.append({"role": "test", "uri":
                          f"s3://data/table-{self.random.randint(0, 40)}"})
        return found

    def layers_of(self, repo, number):
        """Weights that some others have too, and a card."""
        same = self.all and self.random.random() < 0.05
        if same:
            like = self.random.choice(self.all[-200:])
            layers = json.loads(like.manifest)["layers"]
            return layers, like.weights, like.fileset, like.card, {}
        shared = self.random.random() < 0.05
        body = (b"weights %d" % self.random.randint(0, 20) if shared else
                f"weights of {repo.name} {number}".encode())
        words = " ".join(self.random.choices(WORDS, k=6))
        card = f"# {repo.name} {number}\n\nIt does {words}.\n"
        blobs, layers = {}, []
        role = "dataset" if repo.kind == "dataset" else "weight"
        for path, role, data in (("model.safetensors", role, body),
                                 ("README.md", "doc", card.encode())):
            blobs[digest_of(data)] = data
            layers.append({
                "mediaType": f"application/vnd.cncf.model.{role}.v1.raw",
                "digest": digest_of(data), "size": len(data),
                "annotations": {
                    "org.cncf.model.filepath": path,
                    "org.opencontainers.image.title": path}})
        fileset = digest_of("".join(sorted(
            f"{x['digest'][7:]}  {x['annotations']['org.cncf.model.filepath']}"
            "\n" for x in layers)).encode())
        weights = [] if repo.kind == "dataset" else [layers[0]["digest"]]
        return layers, weights, fileset, card, blobs

    def add_version(self, repo):
        r = self.random
        number = repo.versions[-1].number + 1 if repo.versions else 1
        parents, inputs = self.parents_of(repo), self.inputs_of(repo)
        layers, weights, fileset, card, blobs = self.layers_of(repo, number)
        kind = "dataset" if repo.kind == "dataset" else "model"
        license_id, author = r.choice(LICENSES), r.choice(PEOPLE)
        run = f"run-{r.randint(0, 10 ** 6)}"
        revision = f"{r.randint(0, 300):040x}"
        metrics = {} if kind == "dataset" else {
            "auc": f"{r.random():.4f}", "loss": f"{r.random() * 3:.3f}"}
        params = {} if kind == "dataset" else {
            "lr": r.choice(("0.1", "0.01", "1e-3")),
            "epochs": str(r.randint(1, 9))}
        tags = {"team": r.choice(TEAMS)}
        if r.random() < 0.4:
            tags["tier"] = r.choice(("gold", "silver", "it's \"odd\"; --"))
        config = compact({
            "descriptor": {"createdAt": "1970-01-01T00:00:00Z",
                           "name": repo.name.split("/")[-1]},
            "config": {"architecture": r.choice(("bert", "resnet",
                                                 "unknown")),
                       "format": "safetensors"},
            "modelfs": {"type": "layers",
                        "diffIds": [x["digest"] for x in layers]}})
        notes = {"org.mreg.schema": "1", "org.mreg.fileset.digest": fileset,
                 "org.mreg.run.id": run,
                 "org.opencontainers.image.revision": revision,
                 "org.opencontainers.image.source": "https://git.example.com/"
                 + repo.name, "org.opencontainers.image.authors": author,
                 "org.opencontainers.image.title": repo.name.split("/")[-1],
                 "org.example.nonce": f"{repo.name} {number}"}
        if kind != "model":
            notes["org.mreg.kind"] = kind
        if license_id:
            notes["org.opencontainers.image.licenses"] = license_id
        for prefix, values in (("metric", metrics), ("param", params),
                               ("tag", tags)):
            for name, value in values.items():
                notes[f"org.mreg.{prefix}.{name}"] = value
        if parents:
            notes["org.mreg.parents"] = compact(parents).decode()
            notes["org.opencontainers.image.base.name"] = parents[0]["ref"]
            if "digest" in parents[0]:
                notes["org.opencontainers.image.base.digest"] = \
                    parents[0]["digest"]
        if inputs:
            notes["org.mreg.inputs"] = compact(inputs).decode()
        manifest = compact({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": MODEL,
            "config": {"mediaType": CONFIG, "digest": digest_of(config),
                       "size": len(config)},
            "layers": layers, "annotations": dict(sorted(notes.items()))})
        repo.blobs[digest_of(config)] = config
        for layer in layers:
            repo.blobs[layer["digest"]] = blobs.get(layer["digest"]) or next(
                x.blobs[layer["digest"]] for x in self.repos
                if layer["digest"] in x.blobs)
        v = Version(repo.name, number, digest_of(manifest), manifest, kind,
                    license_id, author, run, revision, metrics, params, tags,
                    parents, inputs, weights, fileset, card,
                    bytes=sum(x["size"] for x in layers))
        self.register(repo, v)

    def copy_version(self):
        """The same manifest in another repository."""
        v = self.random.choice(self.all)
        repo = self.random.choice(self.repos)
        if any(x.digest == v.digest for x in repo.versions):
            return
        number = repo.versions[-1].number + 1 if repo.versions else 1
        source = next(r for r in self.repos if r.name == v.repo)
        doc = json.loads(v.manifest)
        for part in (doc["config"], *doc["layers"]):
            repo.blobs[part["digest"]] = source.blobs[part["digest"]]
        self.register(repo, dataclasses.replace(
            v, repo=repo.name, number=number, tags=dict(v.tags),
            archived=False, deprecated=False))

    # -- what happens -------------------------------------------------------

    def event(self, repo, kind, version=None, **fields):
        seconds = self.tick()
        actor = self.random.choice(PEOPLE)
        repo.seq += 1
        value = {"actor": actor, "kind": kind,
                 "prev": [repo.head] if repo.head else [], "seq": repo.seq,
                 "time": text_of(seconds), **fields}
        if version:
            value["version"] = version
        notes = {"org.mreg.event": json.dumps(
            value, separators=(",", ":"), sort_keys=True,
            ensure_ascii=False)}
        if version:
            notes["org.mreg.event.version"] = version
        empty = {"mediaType": "application/vnd.oci.empty.v1+json",
                 "digest": digest_of(EMPTY), "size": 2}
        manifest = compact({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": EVENT,
            "config": {**empty, "data": "e30="}, "layers": [empty],
            "annotations": notes})
        repo.blobs[digest_of(EMPTY)] = EMPTY
        repo.head = digest_of(manifest)
        repo.tags[f"mreg.log.{repo.seq:08d}.{repo.head[7:39]}"] = manifest
        repo.events.append({**value, "digest": repo.head, "seconds": seconds})
        return repo.events[-1]

    def register(self, repo, v):
        fields = {"number": v.number, "run": v.run}
        e = self.event(repo, "version_registered", v.digest, **fields)
        v.registered, v.actor = e["seconds"], e["actor"]
        repo.versions.append(v)
        repo.tags[f"v{v.number}"] = v.manifest
        self.all.append(v)

    def move(self, repo):
        alias = self.random.choice(ALIASES)
        live = [v for v in repo.versions if not v.archived]
        if not live:
            return
        v = self.random.choice(live[-6:])
        was = repo.aliases.get(alias)
        if was == v.digest:
            return
        fields = {"alias": alias, "by": "set"}
        if was:
            fields["was"] = was
        e = self.event(repo, "alias_moved", v.digest, **fields)
        repo.aliases[alias] = v.digest
        repo.tags[alias] = v.manifest
        repo.moves.append((alias, was, v.digest, e["seconds"], e["actor"]))

    def happen(self, repo):
        v = self.random.choice(repo.versions)
        what = self.random.choice(("archive", "deprecate", "edit", "deploy",
                                   "deploy", "incident"))
        if what == "archive" and v.digest not in repo.aliases.values():
            if not v.archived:
                self.event(repo, "archived", v.digest)
                v.archived = True
        elif what == "deprecate":
            self.event(repo, "deprecated", v.digest, reason="old")
            v.deprecated = True
        elif what == "edit":
            team = self.random.choice(TEAMS)
            self.event(repo, "metadata_changed", v.digest,
                       set={"tags.team": team})
            v.tags["team"] = team
        elif what == "deploy":
            place = (self.random.choice(("prod", "eu", "test")),
                     self.random.choice(("api", "batch")))
            self.event(repo, "deployed", v.digest, environment=place[0],
                       workload=place[1])
            repo.deployments[place] = v.digest
        elif what == "incident":
            self.event(repo, "incident", v.digest, title="it drifted")

    def point_latest(self, repo):
        live = [v for v in repo.versions if not v.archived]
        repo.tags["latest"] = (live or repo.versions)[-1].manifest

    # -- writing it ---------------------------------------------------------

    def write_store(self, root):
        """As a local store: an OCI layout for each repository."""
        for repo in self.repos:
            folder = root / repo.name
            blobs = folder / "blobs/sha256"
            os.makedirs(blobs)
            (folder / "oci-layout").write_text(
                '{"imageLayoutVersion":"1.0.0"}')
            for digest, data in repo.blobs.items():
                (blobs / digest[7:]).write_bytes(data)
            entries = []
            for tag, manifest in sorted(repo.tags.items()):
                digest = digest_of(manifest)
                (blobs / digest[7:]).write_bytes(manifest)
                doc = json.loads(manifest)
                entries.append({
                    "mediaType": MANIFEST, "digest": digest,
                    "size": len(manifest),
                    "artifactType": doc["artifactType"], "annotations":
                    {"org.opencontainers.image.ref.name": tag}})
            (folder / "index.json").write_bytes(compact(
                {"schemaVersion": 2, "manifests": entries}))

    def write_registry(self, host, port):
        """Into a registry that takes pushes from anybody, over HTTP."""
        http_ = http.client.HTTPConnection(host, port)

        def ask(method, path, body=None, kind=None):
            http_.request(method, path, body,
                          {"Content-Type": kind} if kind else {})
            answer = http_.getresponse()
            answer.read()
            assert answer.status in (201, 202), (method, path, answer.status)
            return answer

        for repo in self.repos:
            for digest, data in repo.blobs.items():
                there = ask("POST", f"/v2/{repo.name}/blobs/uploads/")
                there = there.headers["Location"]
                there = there[there.index("/v2/"):]
                there += ("&" if "?" in there else "?") + "digest=" + digest
                ask("PUT", there, data, "application/octet-stream")
            for tag, manifest in sorted(repo.tags.items()):
                ask("PUT", f"/v2/{repo.name}/manifests/{tag}", manifest,
                    MANIFEST)
