"""index_table.py - what was measured, as tables, each figure beside its limit
of issue 7."""
import os
import platform

# (kind: p99 in ms at a million versions, SQLite, in process)
LIMITS = {
    "lineage up, depth 10": 1, "lineage down, depth 10": 1,
    "lineage up, depth 50": 5, "lineage down, depth 50": 5,
    "merges up, depth 10": 50, "merges up, depth 50": 50,
    "merges up, no limit": 50, "metric, top 20": 2,
    "metric, top 20 of a tag": 2,
    "text, a rare word, 100": 15, "text, two common words, 100": 15,
    "by two tags, 100": 5,
}
BYTES_LIMIT, COMMAND_LIMIT_MS, PEER_RATIO, SYNC_SHARE = 700, 20, 100, 0.85


def number(value):
    if value is None:
        return ""
    return f"{value:.3f}" if value < 10 else \
        f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def rows_of(cells):
    return "| " + " | ".join(cells) + " |"


def heading(*cells):
    return [rows_of(cells), "|" + "---|" * len(cells)]


class Verdicts:
    """Whether limits are kept; `missed`: those that are not, in words."""

    def __init__(self):
        self.missed = []

    def below(self, what, value, limit, work=None):
        if limit is None or value is None:
            return ""
        if value <= limit:
            return "met"
        if work is not None and work <= limit:
            return "met at work"
        self.missed.append(f"{what}: {number(value)}, at most {limit}")
        return "**missed**"

    def above(self, what, value, limit):
        if value is None:
            return ""
        if value >= limit:
            return "met"
        self.missed.append(f"{what}: {number(value)}, at least {limit}")
        return "**missed**"


def sizes(found):
    return sorted({int(name.rsplit(" ", 1)[1]) for name in found
                   if name != "sync"})


def times(row, base):
    """p50 / p99 (both at work), and how often where that is not `base`."""
    if not row:
        return ""
    text = f"{number(row['p50_ms'])} / {number(row['p99_ms'])}"
    if "cpu_p99_ms" in row:
        text += f" ({number(row['cpu_p50_ms'])} / {number(row['cpu_p99_ms'])})"
    return text + (f", {row['times']} times" if row["times"] < base else "")


def questions(found, n, say):
    ours, server, peer = (
        found.get(f"ask {who} {n}", {}).get("kinds", {})
        for who in ("SQLite", "PostgreSQL", "MLflow"))
    base = max((r["times"] for r in ours.values()), default=1000)
    out = heading(f"{n:,} versions", "rows", "p99 at most", "SQLite", "",
                  "PostgreSQL", "MLflow", "MLflow's p50 by SQLite's (at work)",
                  f"{PEER_RATIO} wanted")
    for kind in dict.fromkeys([*ours, *server, *peer]):
        a, p = ours.get(kind), peer.get(kind)
        limit = LIMITS.get(kind)
        ratio = p["p50_ms"] / a["p50_ms"] if a and p else None
        work = p["cpu_p50_ms"] / a["cpu_p50_ms"] if ratio else None
        rows = (a or server.get(kind) or p)["rows"]
        if a and p and a["rows"] != p["rows"]:
            rows = f"{a['rows']:g}, MLflow {p['rows']:g}"
        else:
            rows = f"{rows:g}"
        out.append(rows_of((
            kind, rows, number(limit) if limit else "", times(a, base),
            say.below(f"{kind}, p99 in ms", a["p99_ms"], limit,
                      a["cpu_p99_ms"]) if a else "",
            times(server.get(kind), base), times(p, base),
            f"{number(ratio)} ({number(work)})" if ratio else "",
            say.above(f"{kind}, times as fast as MLflow", ratio,
                      PEER_RATIO))))
    return out


def commands(found, n, say):
    out = heading("command, start to end", "at most", "SQLite", "",
                  "PostgreSQL")
    ours = found.get(f"commands SQLite {n}", {}).get("commands", {})
    server = found.get(f"commands PostgreSQL {n}", {}).get("commands", {})

    def cell(row):
        return row and (f"{number(row['p50_ms'])} / {number(row['max_ms'])} "
                        f"({number(row['cpu_p50_ms'])})")
    for name in dict.fromkeys([*ours, *server]):
        a = ours.get(name)
        out.append(rows_of((
            f"mreg {name}", str(COMMAND_LIMIT_MS), cell(a) or "",
            say.below(f"mreg {name}, ms", a["p50_ms"], COMMAND_LIMIT_MS,
                      a["cpu_p50_ms"]) if a else "",
            cell(server.get(name)) or "")))
    return out if ours or server else []


def figures(found, n, say):
    who = [w for w in ("SQLite", "PostgreSQL", "MLflow")
           if f"fill {w} {n}" in found]
    out = heading(f"{n:,} versions", *who)

    def row(text, get):
        cells = [get(found[f"fill {w} {n}"],
                     found.get(f"ask {w} {n}", {})) for w in who]
        out.append(rows_of((text, *map(number, cells))))
    row("bytes a version", lambda f, a: f["bytes"] / n)
    row("versions written a second", lambda f, a: n / f["write_s"])
    row("MiB of the database", lambda f, a: f["bytes"] / (1 << 20))
    row("seconds to settle", lambda f, a: f.get("settle_s"))
    row("peak MiB, writing", lambda f, a: f["max_rss_kib"] / 1024)
    row("peak MiB, asking",
        lambda f, a: a["max_rss_kib"] / 1024 if a else None)
    bare = found.get(f"fill bare {n}")
    if bare:
        size = bare["bytes"] / n
        out += ["", f"SQLite without cards: {size:.0f} bytes a version, at "
                f"most {BYTES_LIMIT}: " +
                say.below("bytes a version", size, BYTES_LIMIT) + "."]
    return out if who else []


def synced(found, say):
    s = found.get("sync")
    if not s:
        return []
    ceiling = max(c["requests"] / c["seconds"] for c in s["curl"].values())
    out = [f"A cold sync of {s['repositories']} repositories with "
           f"{s['versions']:,} versions from {s['registry']} on this machine, "
           f"medians of {s['rounds']}; curl asks for the same.", "",
           *heading("who", "requests", "seconds", "requests a second",
                    "of the ceiling", "client CPU s")]

    def row(who, r):
        rate = r["requests"] / r["seconds"]
        out.append(rows_of((who, f"{r['requests']:,}", number(r["seconds"]),
                            number(rate), f"{rate / ceiling:.0%}",
                            number(r["cpu_s"]))))
    row("mreg index sync", s["sync"])
    for parallel, c in s["curl"].items():
        row("curl, one at a time" if int(parallel) == 1 else
            f"curl --parallel-max {parallel}", c)
    row("mreg index sync, nothing new", s["again"])
    share = s["sync"]["requests"] / s["sync"]["seconds"] / ceiling
    return out + ["", f"{share:.0%} of the registry's rate, {SYNC_SHARE:.0%} "
                  "wanted: " + say.above("sync, share of the registry's rate",
                                         share, SYNC_SHARE) + "."]


def text(found, missing, build):
    out = [f"Index, {platform.machine()}, {os.cpu_count()} cores, load "
           f"{os.getloadavg()[0]:.1f}; {build} build.", "",
           "Questions: p50 / p99 in ms of a thousand, each with other "
           "arguments, after 50 that warm up (MLflow: 1); in brackets those of the "
           "process's CPU time, which is shorter where others use the "
           "machine. \"met at work\": the limit is kept by that alone. "
           "Limits are those of a million versions. Commands: p50 / worst "
           "(CPU time).", ""]
    say, n = Verdicts(), 0
    for n in sizes(found):
        say = Verdicts()  # the last is of most versions
        for table in (questions, commands, figures):
            lines = table(found, n, say)
            out += [*lines, ""] if len(lines) > 2 else []
    out += [*synced(found, say), ""]
    out += [f"{who}: not run ({why})." for who, why in missing.items()]
    out += [f"Missed, {n:,} versions: {line}." for line in say.missed] or \
        [f"Nothing is missed with {n:,} versions."]
    return "\n".join(out) + "\n"
