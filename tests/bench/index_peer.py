"""index_peer.py - the versions of index_bench in MLflow's own SQL store, and
the questions that both know.  Runs in MLflow's environment.
usage: index_peer.py fill DATABASE VERSIONS
       index_peer.py ask DATABASE VERSIONS TIMES SECONDS

Versions are put into MLflow's tables as its API would have put them (which
takes 10 ms each), and asked for through its store.  Its versions have no
metrics: those are of runs, of which it is not asked.  Times are those of the
store, in process: no server, no client."""
import json
import os
import resource
import sys
import time

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import sqlalchemy  # noqa: E402
from mlflow.store.model_registry.dbmodels import models  # noqa: E402
from mlflow.store.model_registry.sqlalchemy_store import (  # noqa: E402
    SqlAlchemyStore)

MODELS, TEAMS, TASKS = 1000, 50, 40
EPOCH_MS = 1735689600000
MASK = (1 << 64) - 1
LEAST = 5
WARM_UP = 1


def bench_hash(i, what):
    z = ((i + 1) * 0x9e3779b97f4a7c15 + what * 0xd1342543de82ef95) & MASK
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return z ^ (z >> 31)


def task_of(i):
    h = bench_hash(i, 26)
    return min(h % TASKS, (h >> 32) % TASKS)


def model_name(model):
    return f"team{model % TEAMS:02}.model-{model:04}"


def fill(store, versions):
    per_model = -(-versions // MODELS)
    used = range(-(-versions // per_model))
    common = {"workspace": "default"} if hasattr(
        models.SqlRegisteredModel, "workspace") else {}
    with store.engine.begin() as db:
        db.execute(sqlalchemy.insert(models.SqlRegisteredModel), [
            {**common, "name": model_name(m), "creation_time": EPOCH_MS,
             "last_updated_time": EPOCH_MS, "description": ""}
            for m in used])
        db.execute(sqlalchemy.insert(models.SqlRegisteredModelAlias), [
            {**common, "name": model_name(m), "alias": "production",
             "version": per_model // 2 + 1} for m in used])
        for begin in range(0, versions, 5000):
            part = range(begin, min(begin + 5000, versions))
            db.execute(sqlalchemy.insert(models.SqlModelVersion), [
                {**common, "name": model_name(i // per_model),
                 "version": i % per_model + 1,
                 "creation_time": EPOCH_MS + i,
                 "last_updated_time": EPOCH_MS + i, "description": "",
                 "user_id": "ci@example.com", "current_stage": "None",
                 "source": f"s3://models/{i}", "run_id": f"{i:032x}",
                 "status": "READY"} for i in part])
            db.execute(sqlalchemy.insert(models.SqlModelVersionTag), [
                {**common, "name": model_name(i // per_model),
                 "version": i % per_model + 1, "key": key, "value": value}
                for i in part for key, value in (
                    ("task", f"task-{task_of(i):02}"),
                    ("team", f"team-{bench_hash(i, 27) % TEAMS:02}"))])


def questions(store, versions):
    per_model = -(-versions // MODELS)
    count = -(-versions // per_model)

    def find(text, order=None):
        return len(store.search_model_versions(
            text, max_results=100, order_by=order and [order]))

    return [
        ("version by alias", 1, lambda s: 1 if
         store.get_model_version_by_alias(model_name(s % count), "production")
         else 0),
        ("version by name and number", 18, lambda s: 1 if
         store.get_model_version(model_name(s % count),
                                 s // count % per_model + 1) else 0),
        ("models", 2,
         lambda s: len(store.search_registered_models(max_results=1000))),
        ("by name, 100", 11, lambda s: find(f"name = '{model_name(s % count)}'")),
        ("by one tag, 100", 12,
         lambda s: find(f"tags.team = 'team-{s % TEAMS:02}'")),
        ("by two tags, 100", 13,
         lambda s: find(f"tags.team = 'team-{s % TEAMS:02}' AND tags.task = "
                        f"'task-{s // TEAMS % TASKS:02}'")),
        ("by run", 21, lambda s: find(f"run_id = '{s % versions:032x}'")),
        ("names that begin alike, 100", 22,
         lambda s: find(f"name LIKE 'team{s % TEAMS:02}.%'")),
        ("all, 100", 23, lambda s: find("")),
        ("all by name, 100", 24, lambda s: find("", "name")),
        ("all by number, last first, 100", 25,
         lambda s: find("", "version_number DESC")),
        ("all by registered, last first, 100", 26,
         lambda s: find("", "creation_timestamp DESC")),
        ("a tag's by name, 100", 27,
         lambda s: find(f"tags.team = 'team-{s % TEAMS:02}'", "name")),
        ("a name's by number, last first, 100", 28,
         lambda s: find(f"name = '{model_name(s % count)}'",
                        "version_number DESC")),
    ]


def peak():
    return {"max_rss_kib":
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def ask_kind(kind, at, ask, times, seconds):
    """As often as `times` says, or as `seconds` allow."""
    for i in range(WARM_UP):
        ask(bench_hash(times + i, 1000 + at))
    took, used, rows = [], [], 0
    began = time.monotonic()
    while len(took) < times and (len(took) < LEAST or
                                 time.monotonic() - began < seconds):
        seed = bench_hash(len(took), 1000 + at)
        work, before = time.process_time(), time.perf_counter()
        rows += ask(seed)
        took.append((time.perf_counter() - before) * 1e3)
        used.append((time.process_time() - work) * 1e3)
    took.sort()
    used.sort()
    n = len(took)
    print(json.dumps({
        "kind": kind, "times": n, "rows": rows / n, "warm_up": WARM_UP,
        "p50_ms": took[n // 2], "p99_ms": took[n * 99 // 100],
        "max_ms": took[-1], "cpu_p50_ms": used[n // 2],
        "cpu_p99_ms": used[n * 99 // 100]}), flush=True)


def main():
    what, path, versions = sys.argv[1], sys.argv[2], int(sys.argv[3])
    began = time.monotonic()
    store = SqlAlchemyStore(f"sqlite:///{path}")
    if what == "fill":
        fill(store, versions)
        print(json.dumps({"versions": versions,
                          "write_s": time.monotonic() - began,
                          "bytes": os.path.getsize(path), **peak()}))
        return
    for kind, at, ask in questions(store, versions):
        ask_kind(kind, at, ask, int(sys.argv[4]), float(sys.argv[5]))
    print(json.dumps(peak()))


if __name__ == "__main__":
    main()
