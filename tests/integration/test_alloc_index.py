"""test_alloc_index.py - of commands about the index each allocation fails in
its turn, once and for good: an error that says so, no crash, no hang, no leak;
what asks says nothing wrong, and what writes leaves an index that the next run
makes whole.

All of them with MREG_TEST_FULL=1 (for good: every third), samples without."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest

import faults
import harness
from index_life import assert_same, dump
from test_alloc import SANITIZERS, numbers, program

TIMEOUT_S = 60
NOTICE = json.dumps({"events": [{
    "id": "1", "action": "push",
    "target": {"repository": "acme/churn", "digest": "sha256:" + "a" * 64,
               "mediaType": "application/vnd.oci.image.manifest.v1+json",
               "tag": "v1"},
    "request": {"host": "registry.example.com"}}]})
SPEECH = {
    "search": ["search", "descends_from('base:v1') AND NOT text('nothing') "
               "AND metrics.auc > 0.5", "--order-by", "metrics.auc DESC",
               "--columns", "name,tags.team"],
    "search all": ["search", "--all", "--jsonl", "--limit", "1"],
    "search models": ["search", "--models", "name ILIKE 'c%'", "--count"],
    "lineage": ["lineage", "base:v1"],
    "lineage dot": ["lineage", "churn:v2", "--format", "dot"],
    "impact": ["lineage", "base:v1", "--impact"],
    "query": ["query", "SELECT model, count(*) FROM versions GROUP BY 1"],
    "report": ["report", "churn", "--json"],
    "report page": ["report", "churn:v1", "--format", "html"],
    "report all": ["report", "--all"],
    "status": ["index", "status"],
}
WRITING = {
    "sync": ["index", "sync"],
    "sync again": ["index", "sync", "--sweep"],
    "rebuild": ["index", "rebuild"],
    "ingest": ["index", "ingest", "--no-sync"],
}


@pytest.fixture(scope="module")
def place(work):
    """Somebody with two models and an index of them."""
    folder = pathlib.Path(work) / "alloc-index"
    who = harness.Mreg(program(), folder / "home", {
        **SANITIZERS, "MREG_JOBS": "1", "MREG_STORE": str(folder / "store"),
        "MREG_INDEX": str(folder / "index.db"), "MREG_ACTOR": "ada"})
    for seed, name in enumerate(("base", "churn", "churn")):
        who.run("push", harness.small_model(folder / f"m{seed}", seed), name,
                "--metric", f"auc=0.{7 + seed}", "--tag", "team=risk",
                *(["--parent", "finetune=base:v1", "--input",
                   "train=s3://b/t.csv"] if seed else []))
    who.run("alias", "set", "churn:v1", "production")
    who.run("evaluate", "churn:v1", "--suite", "s", "--pass")
    who.run("deployed", "churn:v1", "--env", "prod")
    who.run("incident", "churn:v2", "--title", "slow")
    who.run("index", "sync")
    return who, folder, dump(folder / "index.db")


def once(who, words, fail=None, **env):
    if fail:
        env["MREG_FAIL_ALLOC"] = fail
    try:
        return who.run(*words, status=None, env=env, timeout=TIMEOUT_S,
                       input=NOTICE)
    except subprocess.TimeoutExpired as e:
        return harness.Result(e.cmd, "none: it hangs", "", "")


def count(run):
    """The first N from which on nothing fails, or a little more."""
    high = 256
    while run(f"{high}+").status != 0:
        high *= 2
        assert high < 1 << 24
    low = high // 2
    while high - low > (1 if faults.FULL else high // 3):
        middle = (low + high) // 2
        low, high = (low, middle) if run(f"{middle}+").status == 0 \
            else (middle, high)
    return high + 16


def sweep(run, check, name, capsys):
    total, tried, failed, wrong = count(run), 0, 0, []
    for plan in ("", "+"):
        for n in numbers(total, plan):
            r = run(f"{n}{plan}")
            tried += 1
            failed += r.status == 1
            bad = check(r)
            if r.status not in (0, 1):
                bad.append(str(r))
            elif r.status == 1 and ("out of memory" not in r.stderr or
                                    "hint" not in r.stderr or r.stdout and
                                    "--jsonl" not in r.args):
                bad.append(f"no clear error\n{r}")
            wrong += [f"{n}{plan}: {b}" for b in bad]
    faults.tell(capsys, f"allocations failed: {tried} ({name}, of {total}), "
                        f"errors: {failed}, violations: {len(wrong)}")
    assert not wrong, "\n\n".join(wrong)
    assert failed


def timeless(text):
    text = re.sub("[0-9-]+T[0-9:]+Z", "", text)
    return re.sub("just now|[0-9.]+ [a-z]+( ago)?", "", text).split()


@pytest.mark.parametrize("name", SPEECH)
def test_what_asks_says_the_same_or_that_it_cannot(place, name, capsys):
    who, _, _ = place
    words = SPEECH[name]
    said = timeless(who.run(*words).stdout)

    def check(r):
        # A report names what it does without.
        if r.status != 0 or timeless(r.stdout) == said or \
                words[0] == "report" and "memory" in r.stdout:
            return []
        return [f"it says something else\n{r}"]

    sweep(lambda fail: once(who, words, fail), check, name, capsys)


@pytest.mark.parametrize("name", WRITING)
def test_what_writes_leaves_what_the_next_one_mends(place, name, capsys):
    who, folder, whole = place
    words, serial = WRITING[name], [0]

    def run(fail):
        serial[0] += 1
        top = folder / f"{name.replace(' ', '-')}{serial[0]}"
        top.mkdir()
        env = {"MREG_INDEX": str(top / "index.db"),
               "XDG_CACHE_HOME": str(top / "cache")}
        if name != "sync":
            shutil.copy(folder / "index.db", top)
        r = once(who, words, fail, **env)
        r.mended = once(who, ["index", "sync"], **env)
        r.said = dump(top / "index.db") if r.mended.status == 0 else None
        shutil.rmtree(top)
        return r

    def check(r):
        if r.mended.status != 0:
            return [f"and not the second time\n{r.mended}"]
        try:
            assert_same(r.said, whole)
        except AssertionError as e:
            return [f"another index: {e}"]
        return []

    sweep(run, check, name, capsys)
