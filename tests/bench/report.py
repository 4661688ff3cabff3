"""report.py - rows of runs to a table in Markdown: medians, ratios, and what of
issue 4's table is reached."""
import statistics

MIB = 1 << 20


def groups(rows):
    """{(case, registry): {who: rows}}, in the order of their first runs."""
    found = {}
    for row in rows:
        found.setdefault((row["case"], row["registry"]), {}).setdefault(
            row["who"], []).append(row)
    return found


def median(rows, key):
    values = [row[key] for row in rows if key in row]
    return statistics.median(values) if values else None


def number(value, digits=2):
    return "" if value is None else f"{value:.{digits}f}"


def per_gb(rows, key):
    value, size = median(rows, key), rows[0]["bytes"]
    return None if value is None or not size else value / (size / 1e9)


def line(case, registry, who, rows, mreg):
    wall = median(rows, "wall_s")
    digits = 4 if wall < 0.1 else 2
    walls = [row["wall_s"] for row in rows]
    ratio = wall / median(mreg, "wall_s") if mreg else None
    peak = max(row["maxrss_bytes"] for row in rows) / MIB
    return "| " + " | ".join([
        case, registry, who, number(wall, digits), number(min(walls), digits),
        number(ratio), number(per_gb(rows, "cpu_s")),
        number(per_gb(rows, "server_cpu_s")), number(peak, 0),
        number(median(rows, "rchar") / 1e9),
        number(median(rows, "wchar") / 1e9),
        number(median(rows, "write_bytes") / 1e9), str(len(rows))]) + " |"


def table(rows):
    out = ["| case | registry | who | median s | best s | x mreg's | client "
           "cpu-s/GB | server cpu-s/GB | peak MiB | read GB | written GB | "
           "to disk GB | runs |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for (case, registry), who in groups(rows).items():
        for name, runs in who.items():
            out.append(line(case, registry, name, runs, who.get("mreg")))
    return out


# -- what of the table is reached ----------------------------------------

# (text, case, the other one, at least so many times as fast)
RATIOS = [
    ("push, 8 x 512 MiB", "push-8x512M", "oras", 1.3),
    ("push, 8 x 512 MiB", "push-8x512M", "skopeo", 1.3),
    ("push, 8 x 1 GiB", "push-8x1G", "oras", 1.3),
    ("push, 8 x 1 GiB", "push-8x1G", "skopeo", 1.3),
    ("push, one 4 GiB blob", "push-1x4G", "oras", 1.4),
    ("push, 2,000 x 64 KiB", "push-2000x64K", "oras", 1.5),
    ("pull, 2,000 x 64 KiB", "pull-2000x64K", "oras", 1.5),
    ("pull, 8 x 1 GiB", "pull-8x1G", "oras", 1.6),
    ("pull, 8 x 1 GiB", "pull-8x1G", "skopeo", 2.5),
    ("pull of one blob", "pull-1x4G", "oras", 1.9),
    ("pull over the lossy link", "pull-lossy-1x96M", "oras", 3.0),
]


def verdict(good):
    return "yes" if good else "**no**"


def ratio_lines(found):
    for text, case, other, least in RATIOS:
        who = found.get((case, "distribution"), {})
        if "mreg" not in who or other not in who:
            yield f"| {text} | {least} x {other} | not run | |"
            continue
        got = median(who[other], "wall_s") / median(who["mreg"], "wall_s")
        yield (f"| {text} | {least} x {other} | {got:.2f} x | "
               f"{verdict(got >= least)} |")


def limit_lines(found):
    def mreg(case, registry="distribution"):
        return found.get((case, registry), {}).get("mreg")

    for what in "push", "pull":
        rows = mreg(f"{what}-again")
        if rows:
            ms = median(rows, "wall_s") * 1000
            yield (f"| nothing to do, {what} | 15 ms | {ms:.1f} ms | "
                   f"{verdict(ms <= 15)} |")
    for case, most in (("push-8x512M", 0.5), ("push-8x1G", 0.5),
                       ("pull-8x512M", 0.75), ("pull-8x1G", 0.75)):
        rows = mreg(case)
        if rows:
            got = per_gb(rows, "cpu_s")
            yield (f"| client CPU, {case} | {most} s/GB | {got:.2f} s/GB | "
                   f"{verdict(got <= most)} |")
    peaks = [(max(r["maxrss_bytes"] for r in who["mreg"]), case)
             for (case, _), who in found.items() if "mreg" in who]
    if peaks:
        most, case = max(peaks)
        got = most / MIB
        yield (f"| peak memory, all cases | 32 MiB | {got:.1f} MiB ({case}) "
               f"| {verdict(got <= 32)} |")
    who = found.get(("start", ""), {})
    if "mreg" in who:
        own = median(who["mreg"], "wall_s") * 1000
        libraries = median(who["libraries alone"], "wall_s") * 1000
        # Half a millisecond is what measuring it twice differs by.
        yield (f"| start-up | what the libraries take, {libraries:.2f} ms | "
               f"{own:.2f} ms | {verdict(own <= libraries + 0.5)} |")


def targets(rows):
    found = groups(rows)
    return ["| what | at least, at most | measured | reached |",
            "|---|---|---|---|", *ratio_lines(found), *limit_lines(found)]


def text(head, rows, notes):
    stolen = sum(row.get("stolen_s", 0) for row in rows)
    out = ["## What was measured", "",
           f"{head['date']}, scale {head['scale']}, {head['reps']} "
           f"repetitions, on {head['cpu']}"
           f"{' with SHA instructions' if head['sha_ni'] else ''}, "
           f"{head['memory_gib']} GiB, {head['kernel']}; the host took "
           f"{stolen:.1f} CPU seconds.", "", "Programs: " +
           "; ".join(head["programs"]) + ".", "", "### Targets", "",
           *targets(rows), "", "### All of it", "", *table(rows)]
    if notes:
        out += ["", "### Notes", "", *(f"- {note}" for note in notes)]
    return "\n".join(out) + "\n"
