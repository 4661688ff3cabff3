"""bench.py - measures mreg beside oras, modctl, skopeo, curl and kit, in one run
on one machine.  scripts/bench starts it and says how to use it."""
import argparse
import fnmatch
import os
import pathlib
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/bench"), str(ROOT / "tests/interop"),
                str(ROOT / "tests/integration")]
sys.dont_write_bytecode = True

import cases  # noqa: E402
import contestants  # noqa: E402
import measuring  # noqa: E402
import report  # noqa: E402


def options():
    scale = os.environ.get("BENCH_SCALE", "full")
    p = argparse.ArgumentParser(
        prog="scripts/bench",
        description="mreg beside its peers: speed, CPU, memory.")
    p.add_argument("--mreg", default=str(ROOT / "build/release/mreg"))
    p.add_argument("--tools", default=str(ROOT / "build/release/tests/bench"),
                   help="where make put the C programs of tests/bench")
    p.add_argument("--only", action="append", default=[], metavar="CASE",
                   help="one case, or a pattern (repeatable): " +
                   " ".join(cases.names()))
    p.add_argument("--who", default="", metavar="NAME,...",
                   help="only these contestants")
    p.add_argument("--registry", default="distribution,olareg",
                   metavar="KIND,...")
    p.add_argument("--scale", choices=("full", "small"), default=scale,
                   help="small: sizes by 16, for trying ($BENCH_SCALE)")
    p.add_argument("--reps", type=int, default=5 if scale == "full" else 1)
    p.add_argument("--work", default=str(ROOT / "build/bench"),
                   help="where data, registries and results go")
    return p.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def wanted(patterns):
    if not patterns:
        return cases.names()
    chosen = [name for name in cases.names()
              if any(fnmatch.fnmatch(name, p) for p in patterns)]
    if not chosen:
        sys.exit(f"bench: no case {' '.join(patterns)}: there are " +
                 " ".join(cases.names()))
    return chosen


def registries_of(kinds, interop):
    paths, missing = {}, {}
    for kind in kinds:
        name = "registry" if kind == "distribution" else kind
        version, path = interop.get(name, ("", None))
        if path:
            paths[kind] = path
        else:
            missing[kind] = f"no {name} {version}: scripts/test-interop " \
                            "builds it"
    return paths, missing


def main():
    o = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interop = contestants.interop_programs(ROOT / "scripts/test-interop")
    who, missing = contestants.find(os.path.realpath(o.mreg), interop)
    if o.who:
        who = [w for w in who if w.name in ("mreg", *o.who.split(","))]
    paths, absent = registries_of(o.registry.split(","), interop)
    folder = pathlib.Path(o.work).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    head = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "scale": o.scale, "reps": o.reps, **measuring.host(),
            "programs": [f"{w.name}: {w.version}" for w in who] +
            [f"{kind}: {path.name}" for kind, path in paths.items()]}
    with tempfile.TemporaryDirectory(prefix="work-", dir=folder) as work:
        bench = cases.Bench(pathlib.Path(work), pathlib.Path(o.tools), who,
                            paths, o.scale, o.reps, say)
        bench.notes += [f"not run: {name}: {why}"
                        for name, why in {**missing, **absent}.items()]
        try:
            for name in wanted(o.only):
                cases.run(bench, name, list(paths))
        except KeyboardInterrupt:
            bench.notes.append("interrupted")
        finally:
            bench.close()
        # Beside the work, which goes.
        stem = folder / time.strftime("bench-%Y%m%dT%H%M%S", time.gmtime())
        cases.dump(bench, stem.with_suffix(".json"), head)
        text = report.text(head, bench.rows, bench.notes)
        stem.with_suffix(".md").write_text(text)
    print(text)
    say(f"written to {stem}.json and .md")


if __name__ == "__main__":
    main()
