"""subjects.py - what the sweeps (allocations, faults, kills, full disks) run
the commands on that read, judge and describe models, and that unpack what
others packed: the models, the words, and what has to be true afterwards."""
import json
import sys

import foreign
import harness
from harness import write

sys.path.append(str(harness.ROOT / "tests/cli"))

import weight_files  # noqa: E402
from images import Base  # noqa: E402

# -- a model whose files say something ----------------------------------------

POLICY = """\
policy: 1
require: [license, card]
patterns: {description: ".+"}
metrics: {auc: ">= 0.8"}
licenses: {allow: [MIT, Apache-2.0]}
formats: {deny: [hdf5]}
"""
# With which it passes.
PASSES = ("--description", "told", "--metric", "auc=0.9")
RUN_ID = "a3f81c0000000000000000000000beef"
RUN = {
    "meta.yaml": f"run_id: {RUN_ID}\nexperiment_id: '3'\n"
                 "run_name: calm-fox\nstatus: 3\nlifecycle_stage: active\n",
    "params/lr": "0.01", "params/epochs": "3",
    "metrics/auc": "1700000000000 0.5 1\n1700000001000 0.91 2\n",
    "tags/team": "growth",
    "tags/mlflow.source.git.commit": "5d41402abc4b2a76",
}
CARD = """\
---
license: mit
base_model: acme/base
datasets: [acme/data]
language: en
---
# Rich
"""


def rich_model(folder, seed):
    """Another for every seed, with weights in four formats."""
    w = folder / "weights"
    write(w / "model.safetensors", weight_files.safetensors(
        {"a.weight": ("F32", [4, seed + 1]), "a.bias": ("BF16", [4])},
        {"format": "pt"}))
    write(w / "model.gguf", weight_files.gguf(
        {"blk.0.weight": [8, seed + 1]}, general__architecture="llama",
        general__license="mit"))
    write(w / "model.onnx", weight_files.onnx(
        {"x": ("float32", ["batch", 2])}, {"y": ("float32", [1])},
        [("w", seed + 1)]))
    write(w / "model.pt", weight_files.pytorch({"epoch": seed}, b"\0" * 64))
    write(folder / "config.json", json.dumps(
        {"model_type": "bert", "architectures": ["BertModel"]}))
    write(folder / "README.md", CARD)
    write(folder / "data.csv.dvc",
          "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n"
          "  path: data.csv\n")
    return folder


def mlflow_run(folder):
    """An MLflow run as its file store has it."""
    for name, text in RUN.items():
        write(folder / RUN_ID / name, text)
    return folder / RUN_ID


# -- what is written about a version ------------------------------------------

DOCUMENTS = {
    "attach": lambda ref, file: ["attach", ref, file, "--type",
                                 "bias-report"],
    "evaluate": lambda ref, file: [
        "evaluate", ref, "--suite", "holdout", "--pass", "--metric",
        "auc=0.93", "--segment", "country=DE:auc=0.9", "--dataset",
        "data/churn", "--report", file],
}
KINDS = {"attach": "bias-report", "evaluate": "evaluation"}


def attached_wrong(who, ref, name, status):
    """What is wrong after the command `name` of DOCUMENTS, the only one that
    attaches to `ref`, ended with `status`."""
    found = [row["kind"] for row in who.json("inspect", ref)["attached"]]
    if found == [KINDS[name]] or (status != 0 and not found):
        return []
    return [f"attached are {found}"]


def policy_wrong(who, model, status):
    """The same of `policy set` with POLICY, of a model that had none."""
    found = [s["digest"] for s in who.json("policy", "show",
                                           model)["sources"]]
    if not found:
        return ["no policy"] if status == 0 else []
    r = who.run("policy", "show", model, "--raw", status=None)
    if len(found) > 1 or r.status != 0 or "hdf5" not in r.stdout:
        return [f"policies are {found}\n{r}"]
    return []


# -- other profiles -----------------------------------------------------------

# Words that make one of version 1 of a model that gguf_model() made, and the
# name that its tag ends with; `base` is what image_base() gave.
PROFILES = {
    "image": (lambda m, base: ["image", f"{m}:v1"], "image"),
    "image docker": (lambda m, base: ["image", f"{m}:v1", "--profile",
                                      "docker"], "docker"),
    "image base": (lambda m, base: ["image", f"{m}:v1", "--base", base],
                   "image"),
}
SUFFIXES = tuple(sorted({suffix for _, suffix in PROFILES.values()}))


def gguf_model(folder):
    """What may be an image, and a model of Docker's too."""
    write(folder / "model.gguf", weight_files.gguf(
        {"blk.0.weight": [8, 8]}, general__architecture="llama"))
    write(folder / "config.json", '{"model_type": "llama"}')
    return folder


def image_base(folder):
    """The reference of an image for --base."""
    Base(folder / "base")
    return f"oci:{folder}//base:1"


def prepare_canary(who, model, folders):
    """`model`:production gets two versions with images, and is split."""
    for folder in folders:
        who.run("push", folder, model, "--also", "image")
    who.run("alias", "set", f"{model}:v1", "production")
    who.run(*HISTORY["split"][0](model))


def siblings_wrong(tags, suffix, status):
    """What is wrong with the siblings among `tags`, {tag: digest}, after the
    command that makes `suffix` of a model's only version; and their digest,
    if there are any."""
    found = {tag: digest for tag, digest in tags.items()
             if tag.endswith(tuple(f"-{s}" for s in SUFFIXES))}
    expected = {f"v1-{suffix}", f"latest-{suffix}"}
    digests = set(found.values())
    if not set(found) <= expected or len(digests) > 1 or \
            (status == 0 and set(found) != expected):
        return [f"siblings are {found}"], digests
    return [], digests


# -- what others packed -------------------------------------------------------

PACKED = ("tar", "gzip", "zstd", "image", "select")
FILES = {"sub/m.bin": bytes(range(256)) * 20, "run.sh": (b"#!", 0o755),
         "c.json": b"{}", "sub/größe.txt": b"x"}


def packed(registry, files=None):
    """The same files (else FILES) under each tag of PACKED in a
    foreign.Registry, each time in two archives."""
    files = files or FILES
    names = sorted(files)
    halves = [{p: files[p] for p in names[n::2]} for n in (0, 1)]

    def modelpack(reference, suffix, pack):
        return registry.manifest(reference, [
            foreign.named(f"{foreign.MODELPACK}weight.v1.tar{suffix}",
                          pack(foreign.tar(half)), filepath=sorted(half)[0])
            for half in halves], artifact=foreign.MODEL)

    modelpack("tar", "", bytes)
    children = [modelpack("gzip", "+gzip", foreign.gz),
                modelpack("zstd", "+zstd", foreign.zstd)]
    foreign.image(registry, "image", [
        foreign.layer(foreign.LAYER + "+gzip", foreign.gz(
            foreign.tar(half, prefix="models/")))
        for half in halves])
    registry.index("select", [
        {**child, "modelMetadata": {"quantization": label}}
        for child, label in zip(children, ("q4_0", "q8_0"))],
        artifactType="application/vnd.kitops.modelkit.index.v1+json")


def pull_packed(model, how, out):
    """Words that pull what packed() made."""
    choice = ["--select", "quantization=q8_0"] if how == "select" else []
    return ["pull", f"{model}:{how}", "-o", out, *choice]


def unpacked(files=None):
    """What has to come of it, as harness.tree tells it."""
    files = files or FILES
    return {path: (foreign.digest(c[0] if isinstance(c, tuple) else c)[7:],
                   isinstance(c, tuple) and bool(c[1] & 0o100))
            for path, c in files.items()}


# -- what is written into the log ---------------------------------------------

# On a model of two versions that HISTORY_BEFORE prepared: the words, and the
# kind of the one event that comes of it.
HISTORY = {
    "alias set": (lambda m: ["alias", "set", f"{m}:v2", "canary"],
                  "alias_moved"),
    "promote": (lambda m: ["promote", f"{m}:v1", "staging"], "alias_moved"),
    "rollback": (lambda m: ["rollback", f"{m}:production", "--to", "v2"],
                 "alias_moved"),
    "release": (lambda m: ["release", f"{m}:v1", "1.0.0"], "release_named"),
    "edit": (lambda m: ["edit", m, "--owner", "risk"], "metadata_changed"),
    "request": (lambda m: ["request", f"{m}:v2", "production"],
                "approval_asked"),
    "approve": (lambda m: ["approve", f"{m}:v1", "staging"],
                "approval_granted"),
    "observe": (lambda m: ["observe", f"{m}:v1", "--metric", "drift=0.3"],
                "observed"),
    "deployed": (lambda m: ["deployed", f"{m}:v1", "--env", "prod"],
                 "deployed"),
    "incident": (lambda m: ["incident", f"{m}:v1", "--title", "slow"],
                 "incident"),
    "deprecate": (lambda m: ["deprecate", f"{m}:v1", "--reason", "old"],
                  "deprecated"),
    "archive": (lambda m: ["archive", f"{m}:v2"], "archived"),
    "split": (lambda m: ["split", f"{m}:production", "v1=90", "v2=10"],
              "split_recorded"),
}
HISTORY_BEFORE = (lambda m: ["alias", "set", f"{m}:v2", "production"],
                  lambda m: ["alias", "set", f"{m}:v1", "production"],
                  lambda m: ["request", f"{m}:v1", "staging", "--as", "eve"])
HISTORY_KINDS = {"alias_moved": 2, "approval_asked": 1}
# Two of these may well be meant: who is told of a failure after the event was
# written, and says it again, has said it twice.
HISTORY_ANEW = ("observe", "incident")


def prepare_history(who, model):
    """`model` has two versions already."""
    for words in HISTORY_BEFORE:
        who.run(*words(model))


def history_wrong(who, model, verb, status):
    """What is wrong after HISTORY's `verb`, the only thing that happened since,
    ended with `status`: the log is whole and has its event once (HISTORY_ANEW:
    or once for each time), or, after a failure, perhaps not at all; and tags
    are what the log says."""
    kind = HISTORY[verb][1]
    r = who.run("log", model, "--verify", "--json", status=None)
    if r.status != 0:
        return [f"the log is not whole\n{r}"]
    wrong = []
    n = sum(e["kind"] == kind for e in r.json["events"]) - \
        HISTORY_KINDS.get(kind, 0)
    most = 2 if verb in HISTORY_ANEW and status == 0 else 1
    if not (1 if status == 0 else 0) <= n <= most:
        wrong.append(f"{n} events {kind}")
    if status == 0:
        wrong += [f"{a['alias']} is {a['differs']}" for a in r.json["aliases"]
                  if a["differs"]]
    return wrong
