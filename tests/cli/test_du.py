"""test_du.py - mreg du: its sums against sums of the files themselves."""
import json
import re

import harness
import pytest

import aging


@pytest.fixture
def place(mreg, tmp_path):
    """churn with two versions that share a file, one of them with a document;
    fraud, which has a file of churn's; spam, alone."""
    def push(name, number, **files):
        folder = harness.small_model(tmp_path / f"{name}{number}",
                                     f"{name}{number}")
        for file, text in files.items():
            harness.write(folder / f"{file}.txt", text)
        mreg.run("push", folder, name)

    push("churn", 1, words="shared by versions\n" * 100)
    push("churn", 2, words="shared by versions\n" * 100,
         names="shared by models\n" * 200)
    push("team/fraud", 1, names="shared by models\n" * 200)
    push("spam", 1)
    note = harness.write(tmp_path / "note.md", "# Biased\n" * 30)
    mreg.run("attach", "churn:v1", note, "--type", "bias-report")
    mreg.run("edit", "churn", "--owner", "risk")
    mreg.run("edit", "team/fraud", "--owner", "risk")
    return mreg


def read(layout, digest):
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def named(layout, digest):
    """{digest: bytes} of all that a manifest names, itself too."""
    raw = read(layout, digest)
    manifest = json.loads(raw)
    return {digest: len(raw),
            **{d["digest"]: d["size"]
               for d in (manifest["config"], *manifest["layers"])}}


def versions(layout):
    """What each version names, and what is attached to it."""
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    out = {}
    for entry in entries:
        tag = entry.get("annotations", {}).get(aging.REF_NAME, "")
        if re.fullmatch("v[0-9]+", tag):
            out[entry["digest"]] = named(layout, entry["digest"])
    for entry in entries:
        subject = json.loads(read(layout, entry["digest"])).get("subject")
        if subject:
            out[subject["digest"]].update(named(layout, entry["digest"]))
    return list(out.values())


def united(sets):
    out = {}
    for one in sets:
        out.update(one)
    return out


def sums(mine, others):
    """What du should say of the versions `mine`, beside `others`."""
    blobs, elsewhere = united(mine), united(others)
    return {
        "logical": sum(sum(v.values()) for v in mine),
        "stored": sum(blobs.values()),
        "unique": sum(n for d, n in blobs.items() if d not in elsewhere),
        "shared": sum(n for d, n in blobs.items()
                      if d in elsewhere or sum(d in v for v in mine) > 1),
    }


def told(row):
    return {k: row[k] for k in ("logical", "stored", "unique", "shared")}


def test_the_sample_fits():
    sample = json.loads((aging.SPEC / "samples/du.json").read_text())
    assert aging.strict(sample, "du")["total"]["versions"] == 2


def test_models_are_what_their_files_sum_up_to(place, store):
    of = {n: versions(store / n) for n in ("churn", "team/fraud", "spam")}
    result = aging.strict(place.json("du"), "du")
    assert [r["name"] for r in result["models"]] == sorted(of)
    for row in result["models"]:
        others = [v for n in of if n != row["name"] for v in of[n]]
        assert told(row) == sums(of[row["name"]], others), row["name"]
        assert row["versions"] == len(of[row["name"]])
        assert row["reclaimable"] == 0
    assert [r["owner"] for r in result["models"]] == ["risk", None, "risk"]
    all_of_them = [v for n in of for v in of[n]]
    assert told(result["total"]) == sums(all_of_them, [])
    assert (result["total"]["models"], result["total"]["versions"]) == (3, 4)
    # The sums say something.
    churn = result["models"][0]
    assert 0 < churn["shared"] < churn["stored"] < churn["logical"]
    assert 0 < churn["unique"] < churn["stored"]


def test_owners_are_what_their_models_sum_up_to(place, store):
    of = {n: versions(store / n) for n in ("churn", "team/fraud", "spam")}
    risk, nobody = place.json("du")["owners"]
    assert (risk["owner"], risk["models"]) == ("risk", 2)
    assert (nobody["owner"], nobody["models"]) == (None, 1)
    both = of["churn"] + of["team/fraud"]
    assert told(risk) == sums(both, of["spam"])
    assert told(nobody) == sums(of["spam"], both)
    out = place.run("du", "--owner").stdout
    assert "risk" in out and "churn" not in out


def test_named_models_alone_are_looked_at(place, store):
    result = place.json("du", "spam", "churn")
    assert [r["name"] for r in result["models"]] == ["spam", "churn"]
    assert told(result["models"][1]) == sums(versions(store / "churn"),
                                             versions(store / "spam"))


def test_a_model_that_is_named_twice_counts_once(place, store):
    assert place.json("du", "churn", f"oci:{store}//churn", "churn") == \
        place.json("du", "churn")


def test_what_gc_would_free_is_reclaimable(place, store):
    place.run("archive", "churn:v1")
    lost = b"nobody names this"
    aging.put_blob(store / "churn", lost)
    later = aging.ahead(100)
    plan = place.json("gc", "churn", env=later)
    row, = place.json("du", "churn", env=later)["models"]
    assert row["reclaimable"] == plan["freed"] + len(lost) > len(lost)
    assert place.json("du", "churn")["total"]["reclaimable"] == 0
    place.run("gc", "churn", "--apply", env=later)
    assert place.json("du", "churn", env=later)["total"]["reclaimable"] == 0


def test_a_registry_is_summed_up_alike(place, store, tmp_path):
    registry = harness.Registry(tmp_path / "registry")
    for name in ("churn", "team/fraud", "spam"):
        place.run("copy", name, f"{registry.host}/{name}")
    there = place.json("du", "--registry", registry.host)
    # distribution has no referrers API: a list of its own says what hangs on
    # churn:v1.
    fallback, = (t for t in registry.tags("churn") if t.startswith("sha256-"))
    more = len(registry.get(f"/v2/churn/manifests/{fallback}",
                            aging.INDEX_TYPE)[1])
    registry.stop()
    here = place.json("du")
    for row in here["models"][0], here["total"]:
        for key in "logical", "stored", "unique":
            row[key] += more
    assert more > 100
    assert [told(r) for r in there["models"]] == \
        [told(r) for r in here["models"]]
    assert told(there["total"]) == told(here["total"])


def test_a_model_that_cannot_be_read_hides_no_other(place, store):
    before = place.json("du")
    assert before["unread"] == []
    (store / "broken").mkdir()
    for name in "oci-layout", "index.json":
        (store / "broken" / name).write_text("{")
    after = aging.strict(place.json("du"), "du")
    row, = after["unread"]
    assert row["name"] == "broken" and "JSON" in row["why"]
    assert {**after, "unread": []} == before
    r = place.run("du")
    assert r.stderr.startswith("warning: 'broken' is left out: ")
    assert place.fails(1, "du", "broken")["message"]


def test_people_read_a_table(place):
    lines = place.run("du").stdout.splitlines()
    assert lines[0].split() == ["MODEL", "OWNER", "VERSIONS", "LOGICAL",
                                "STORED", "UNIQUE", "SHARED", "RECLAIMABLE"]
    assert lines[1].split()[0] == "churn" and lines[-1].startswith("total")


def test_an_empty_place_takes_nothing(mreg):
    result = mreg.json("du")
    assert result["models"] == [] and result["total"]["stored"] == 0


@pytest.mark.parametrize("words, status", [
    (("nobody",), 3), (("churn:v1",), 2), (("churn", "nobody"), 3)])
def test_what_is_no_model_is_refused(place, words, status):
    assert place.fails(status, "du", *words)["hint"]
