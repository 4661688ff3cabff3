"""index.py - fill indexes of several sizes on both databases, ask them, and
MLflow's store beside them; one table.  scripts/bench-index starts it.

The work is in steps; what a finished one found is kept in results.json, so
that a long run goes on where it was interrupted (--continue)."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import index_sync
import index_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
BENCH = BUILD / "tests/bench/index_bench"
PARTS = ("sqlite", "postgres", "mlflow", "sync")
SIZES = (20000, 100000, 1000000)
COMMANDS_TIMES = 51


def lines(*words):
    """What a program says, line by line."""
    done = subprocess.run(list(map(str, words)), check=True, text=True,
                          stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()
            if line.startswith("{")]


def by_kind(rows):
    found = {row["kind"]: row for row in rows if "kind" in row}
    return {"kinds": found, "max_rss_kib": rows[-1]["max_rss_kib"]}


class Steps:
    """What is done, by name, and what it found; on disk after each."""

    def __init__(self, folder):
        self.path = folder / "results.json"
        self.found = json.loads(self.path.read_text()) \
            if self.path.exists() else {}

    def forget_without(self, path, name):
        """A database that is gone is filled again."""
        if not path.exists():
            self.found.pop(name, None)

    def take(self, name, work, *args):
        if name in self.found:
            return
        print(f"  {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        found = work(*args)
        found["step_s"] = time.monotonic() - began
        self.found[name] = found
        partial = self.path.with_suffix(".part")
        partial.write_text(json.dumps(self.found, indent=1))
        partial.replace(self.path)


# -- steps --------------------------------------------------------------------


def fill_file(path, versions, cards):
    for end in "", "-wal", "-shm", ".graph":
        pathlib.Path(f"{path}{end}").unlink(missing_ok=True)
    return lines(BENCH, "fill", path, versions,
                 *([] if cards else ["no-cards"]))[0]


def fill_schema(server, uri, versions):
    subprocess.run(["psql", "--quiet", "--no-psqlrc", server, "--command",
                    "SET client_min_messages = warning; "
                    f"DROP SCHEMA IF EXISTS bench{versions} CASCADE"],
                   check=True)
    return lines(BENCH, "fill", uri, versions)[0]


def ask(where, versions, times):
    return by_kind(lines(BENCH, "ask", where, versions, times))


def one_command(words, env):
    """(milliseconds from start to end, those at work)"""
    before = time.perf_counter()
    child = subprocess.Popen([BUILD / "mreg", *words], env=env,
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = child.stdout.read(), child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - before
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    child.stderr.close()
    if child.returncode or not out:
        raise SystemExit(f"mreg {' '.join(words)}: {err.decode()}")
    return took * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def ask_commands(where, folder):
    """Commands, from their start to their last line."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder),
           "LC_ALL": "C.UTF-8", "MREG_INDEX": str(where)}
    model = "registry.example/team07/model-0007"
    found = {}
    for text, words in (
            ("search, two tags", ["search", "tags.team = 'team-07' AND "
                                  "tags.task = 'task-03'"]),
            ("search, metric, top 20", ["search", "metrics.auc > 0.5",
                                        "--order-by", "metrics.auc DESC",
                                        "--limit", "20"]),
            ("search, full text", ["search", "text('w1 w2')", "--limit",
                                   "20"]),
            ("search, name", ["search", f"name = '{model}'", "--limit",
                              "20"]),
            ("lineage", ["lineage", f"{model}:latest", "--depth", "10"])):
        took = [one_command(words, env) for _ in range(COMMANDS_TIMES + 1)][1:]
        wall = sorted(t[0] for t in took)
        found[text] = {"p50_ms": statistics.median(wall), "max_ms": wall[-1],
                       "cpu_p50_ms": statistics.median(t[1] for t in took),
                       "times": len(took)}
    return {"commands": found}


# -- all of them --------------------------------------------------------------


def measure_sqlite(steps, args, n):
    path = args.folder / f"index-{n}.db"
    bare = args.folder / f"bare-{n}.db"
    steps.forget_without(path, f"fill SQLite {n}")
    steps.take(f"fill SQLite {n}", fill_file, path, n, True)
    steps.take(f"ask SQLite {n}", ask, path, n, args.times)
    steps.take(f"commands SQLite {n}", ask_commands, path, args.folder)
    steps.take(f"fill bare {n}", fill_file, bare, n, False)
    bare.unlink(missing_ok=True)


def measure_postgres(steps, args, n):
    server = os.environ.get("MREG_TEST_POSTGRES")
    if not server:
        steps.missing["PostgreSQL"] = "no server"
        return
    sign = "&" if "?" in server else "?"
    uri = f"{server}{sign}options=-csearch_path%3Dbench{n}"
    steps.take(f"fill PostgreSQL {n}", fill_schema, server, uri, n)
    steps.take(f"ask PostgreSQL {n}", ask, uri, n, args.times)
    steps.take(f"commands PostgreSQL {n}", ask_commands, uri, args.folder)


def measure_mlflow(steps, args, n):
    if not args.mlflow:
        steps.missing["MLflow"] = "it could not be installed"
        return
    peer = ROOT / "tests/bench/index_peer.py"
    path = args.folder / f"mlflow-{n}.db"

    def fill():
        path.unlink(missing_ok=True)
        return lines(args.mlflow, peer, "fill", path, n)[0]

    steps.forget_without(path, f"fill MLflow {n}")
    steps.take(f"fill MLflow {n}", fill)
    steps.take(f"ask MLflow {n}", lambda: by_kind(
        lines(args.mlflow, peer, "ask", path, n, args.times,
              args.mlflow_seconds)))


def measure_sync(steps, args):
    program, why = index_sync.registry_program()
    if not program:
        steps.missing["sync"] = why
        return
    steps.take("sync", index_sync.measure, BUILD / "mreg",
               program, args.folder / "sync", args.repositories,
               args.synced_versions)


def main():
    p = argparse.ArgumentParser(
        description="measure the index beside MLflow's store")
    p.add_argument("--versions", type=int, action="append",
                   help="how many; may be given again (20000, 100000, "
                   "1000000)")
    p.add_argument("--only", default=",".join(PARTS),
                   help="some of " + ",".join(PARTS))
    p.add_argument("--continue", action="store_true", dest="goes_on",
                   help="go on with what is there: what was measured is not "
                   "measured again")
    p.add_argument("--times", type=int, default=1000, help="each question")
    p.add_argument("--mlflow-most", type=int, default=1000000,
                   help="versions in MLflow's store")
    p.add_argument("--mlflow-seconds", type=float, default=30,
                   help="for each question put to MLflow, 5 times at least")
    p.add_argument("--repositories", type=int, default=200,
                   help="of the registry that is synced")
    p.add_argument("--synced-versions", type=int, default=5000)
    p.add_argument("--mlflow", help="python with MLflow")
    p.add_argument("--folder", type=pathlib.Path, required=True)
    args = p.parse_args()
    only = args.only.split(",")
    if not set(only) <= set(PARTS):
        p.error("--only takes some of " + ",".join(PARTS))
    if not args.goes_on:
        for path in args.folder.glob("*.db*"):
            path.unlink()
        (args.folder / "results.json").unlink(missing_ok=True)
        shutil.rmtree(args.folder / "sync", ignore_errors=True)
    args.folder.mkdir(parents=True, exist_ok=True)

    steps = Steps(args.folder)
    steps.missing = {}
    for n in args.versions or SIZES:
        if "sqlite" in only:
            measure_sqlite(steps, args, n)
        if "postgres" in only:
            measure_postgres(steps, args, n)
        if "mlflow" in only and n <= args.mlflow_most:
            measure_mlflow(steps, args, n)
    if "sync" in only:
        measure_sync(steps, args)
    text = index_table.text(steps.found, steps.missing, BUILD.name)
    (args.folder / "index.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
