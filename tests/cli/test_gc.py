"""test_gc.py - mreg gc: what is kept and why, and what is removed, in a local
store."""
import json
import os
import shutil

import harness
import pytest

import aging
import faults


@pytest.fixture
def folders(tmp_path):
    """Folders of models by number; all share one file."""
    def get(number):
        folder = tmp_path / f"m{number}"
        if not folder.exists():
            harness.small_model(folder, number)
            harness.write(folder / "vocabulary.txt", "shared\n" * 500)
        return folder

    return get


@pytest.fixture
def churn(mreg, folders):
    """churn:v1 to v4, v1 and v2 archived; digests by number."""
    digests = {n: mreg.json("push", folders(n), "churn")["digest"]
               for n in (1, 2, 3, 4)}
    mreg.run("archive", "churn:v1")
    mreg.run("archive", "churn:v2")
    return digests


@pytest.fixture
def layout(store):
    return store / "churn"


def plan(mreg, *more, days=100, **kwargs):
    result = aging.strict(
        mreg.json("gc", "churn", *more, env=aging.ahead(days), **kwargs), "gc")
    return result, {r["number"]: (r["action"], r["reason"])
                    for r in result["versions"]}


def kinds(mreg, kind):
    return [e["event"] for e in
            mreg.json("log", "churn", "--kind", kind)["events"]]


def had(mreg, alias, then, later=None):
    """v1 gets the alias; `then` takes it away; what is archived gets none."""
    mreg.run("restore", "churn:v1")
    mreg.run("alias", "set", "churn:v1", alias)
    mreg.run(*then, env=later)
    mreg.run("archive", "churn:v1")


def blobs_of(layout, digest):
    path = layout / "blobs" / digest.replace(":", "/")
    manifest = json.loads(path.read_text())
    return {digest, manifest["config"]["digest"],
            *(d["digest"] for d in manifest["layers"])}


def here(layout):
    return {"sha256:" + p.name for p in (layout / "blobs/sha256").iterdir()}


REMOVE = ("remove", "archived")


def test_the_sample_fits():
    sample = json.loads((aging.SPEC / "samples/gc.json").read_text())
    assert aging.strict(sample, "gc")["removed"] == 1


# -- the plan -------------------------------------------------------------------


def test_a_plan_says_why_and_removes_nothing(mreg, churn, layout):
    before = here(layout)
    result, what = plan(mreg)
    assert what == {4: ("keep", "aliased"), 3: ("keep", "not_archived"),
                    2: REMOVE, 1: REMOVE}
    assert result["applied"] is False and result["removed"] == 0
    assert result["retentionSeconds"] == 90 * 86400
    assert result["otherRepositoriesLookedAt"] is False
    assert all(r["why"] for r in result["versions"])
    assert here(layout) == before
    assert mreg.json("log", "churn")["count"] == 6


def test_a_rehearsal_is_the_plan(mreg, churn, layout):
    before = here(layout)
    assert plan(mreg, "--apply", "-n")[0]["applied"] is False
    mreg.run("gc", "churn", "--apply", "-n", env=aging.ahead(100))
    assert here(layout) == before


def test_what_becomes_free_is_what_nothing_else_names(mreg, churn, layout):
    result, _ = plan(mreg)
    gone = (blobs_of(layout, churn[1]) | blobs_of(layout, churn[2])) - \
        blobs_of(layout, churn[3])
    assert result["freed"] == sum(
        (layout / "blobs" / d.replace(":", "/")).stat().st_size for d in gone)
    row = result["versions"][-1]
    assert row["bytes"] == sum(
        (layout / "blobs" / d.replace(":", "/")).stat().st_size
        for d in blobs_of(layout, churn[1]))
    assert row["tags"] == ["v1"]


def test_people_read_the_plan_before_it_is_carried_out(mreg, churn):
    out = mreg.run("gc", "churn", "--apply", env=aging.ahead(100)).stdout
    head, done = out.split("other repositories were not looked at\n", 1)
    assert "WHY" in head and "it was archived 3 months ago" in head
    assert "would be freed" in head and "freed" in done
    assert done.startswith("removed v2")


@pytest.mark.parametrize("days, reason", [
    (0, "younger"), (89, "younger"), (91, "archived")])
def test_retention_is_waited_for(mreg, churn, days, reason):
    assert plan(mreg, days=days)[1][1][1] == reason


def test_archived_lately_is_kept(mreg, churn, layout):
    mreg.run("archive", "churn:v3", env=aging.ahead(50))
    assert plan(mreg)[1][3] == ("keep", "archived_lately")
    assert plan(mreg, days=141)[1][3] == REMOVE


def test_older_makes_it_longer_and_never_shorter(mreg, churn):
    assert plan(mreg, "--older", "110d")[1][1] == ("keep", "younger")
    assert plan(mreg, "--older", "1h", days=80)[1][1] == ("keep", "younger")
    assert plan(mreg, "--older", "14w")[1][1] == REMOVE


def test_what_an_alias_has_is_kept(mreg, churn, layout):
    aging.tag(layout, "production", churn[1])
    assert plan(mreg)[1][1] == ("keep", "aliased")


def test_what_an_alias_has_by_the_log_is_kept(mreg, churn, layout):
    aging.write_event(mreg, layout, "churn", "alias_moved",
                      alias="production", by="set", version=churn[1])
    assert plan(mreg)[1][1] == ("keep", "aliased")


def test_what_an_alias_had_lately_is_kept(mreg, churn):
    had(mreg, "production", ("alias", "set", "churn:v3", "production"),
        aging.ahead(40))
    result, what = plan(mreg)
    assert what[1] == ("keep", "was_aliased")
    assert "production" in result["versions"][-1]["why"]
    assert plan(mreg, days=131)[1][1] == REMOVE


def test_a_removed_alias_counts_as_well(mreg, churn):
    had(mreg, "production", ("alias", "rm", "churn:production"),
        aging.ahead(40))
    assert plan(mreg)[1][1] == ("keep", "was_aliased")


def test_a_share_of_traffic_is_use(mreg, churn, layout):
    move = mreg.json("alias", "set", "churn:v3", "production")["event"]
    aging.write_event(mreg, layout, "churn", "split_recorded",
                      alias="production", move=move,
                      weights={churn[1]: "10",
                               churn[3]: "90"})
    assert plan(mreg)[1][1] == ("keep", "aliased")
    mreg.run("alias", "set", "churn:v4", "production")
    assert plan(mreg)[1][1] == REMOVE


def test_a_release_is_kept(mreg, churn):
    mreg.run("release", "churn:v1", "1.0.0")
    assert plan(mreg)[1][1] == ("keep", "released")


def test_what_runs_somewhere_is_kept(mreg, churn, layout):
    aging.write_event(mreg, layout, "churn", "deployed",
                      environment="prod", version=churn[1])
    assert plan(mreg)[1][1] == ("keep", "deployed")
    aging.write_event(mreg, layout, "churn", "deployed",
                      environment="prod", version=churn[3], was=churn[1])
    assert plan(mreg)[1][1] == REMOVE


def test_the_highest_is_kept(mreg, churn):
    mreg.run("archive", "churn:v3")
    mreg.run("archive", "churn:v4")
    result, what = plan(mreg)
    # Nothing is not archived: `latest` stays where it was.
    assert what[4][0] == "keep" and what[3] == REMOVE
    mreg.run("restore", "churn:v3")
    assert plan(mreg)[1][4] == ("keep", "highest")


def test_what_another_tag_names_is_kept(mreg, churn, layout):
    aging.tag(layout, "for.audit", churn[1])
    assert plan(mreg)[1][1] == ("keep", "tagged")


def test_what_the_log_and_a_tag_disagree_about_is_kept(mreg, churn, layout):
    aging.tag(layout, "v2", churn[1])
    result, what = plan(mreg)
    rows = {r["digest"]: r["reason"] for r in result["versions"]}
    assert rows[churn[2]] == "moved" and rows[churn[1]] == "moved"


def test_what_is_asked_for_is_kept(mreg, churn):
    what = plan(mreg, "--keep", churn[1], "--keep", "v2")[1]
    assert what[1] == what[2] == ("keep", "asked")


@pytest.mark.parametrize("how", ["--parent", "--input"])
def test_what_a_version_comes_from_is_kept(mreg, churn, folders, how):
    ref = "churn:v1" if how == "--parent" else "train=churn:v1"
    mreg.run("push", folders(5), "churn", how, ref)
    result, what = plan(mreg)
    assert what[1] == ("keep", "referred") and what[2] == REMOVE
    assert "v5" in result["versions"][-1]["why"]


def test_ancestors_of_ancestors_are_kept_and_fall_together(mreg, churn,
                                                           folders):
    mreg.run("push", folders(5), "churn", "--parent", "churn:v1")
    mreg.run("push", folders(6), "churn", "--parent", "churn:v5")
    mreg.run("push", folders(7), "churn")
    mreg.run("archive", "churn:v5")
    what = plan(mreg)[1]
    assert what[1] == what[5] == ("keep", "referred")
    mreg.run("archive", "churn:v6")
    what = plan(mreg)[1]
    assert what[1] == what[5] == what[6] == REMOVE


def test_the_successor_of_a_version_is_kept(mreg, churn):
    mreg.run("deprecate", "churn:v3", "--successor", "v1")
    assert plan(mreg)[1][1] == ("keep", "referred")


@pytest.mark.parametrize("words, status", [
    (("churn:v1",), 2), (("nobody",), 3), (("churn", "--older", "soon"), 2),
    (("churn", "--older", "0d"), 2), (("churn", "--keep", "latest"), 2),
    (("nobody", "--apply"), 3),
])
def test_what_makes_no_sense_is_refused(mreg, churn, store, words, status):
    err = mreg.fails(status, "gc", *words)
    assert err["hint"] and not (store / "nobody").exists()


# -- what the policy says -------------------------------------------------------


def set_policy(mreg, tmp_path, text):
    file = harness.write(tmp_path / "policy.yaml", "policy: 1\n" + text)
    mreg.run("policy", "set", "churn", file)
    return file


@pytest.mark.parametrize("hold, kept", [
    ("true", {1, 2}), ("[v1]", {1}), ("[production]", {1}),
    ("[staging]", set())])
def test_what_the_policy_holds_is_kept(mreg, churn, tmp_path, hold, kept):
    had(mreg, "production", ("alias", "set", "churn:v3", "production"))
    set_policy(mreg, tmp_path, f"hold: {hold}\n")
    what = plan(mreg, days=200)[1]
    assert {n for n in (1, 2) if what[n] == ("keep", "held")} == kept
    assert {n for n in (1, 2) if what[n] == REMOVE} == {1, 2} - kept


def test_the_policy_says_how_long(mreg, churn, tmp_path):
    set_policy(mreg, tmp_path, "retention: 150d\n")
    result, what = plan(mreg, days=149)
    assert what[1] == ("keep", "younger")
    assert result["retentionSeconds"] == 150 * 86400 and result["policy"]
    assert plan(mreg, days=151)[1][1] == REMOVE


def test_a_file_makes_it_stricter(mreg, churn, tmp_path):
    file = harness.write(tmp_path / "p.yaml", "policy: 1\nhold: [v2]\n")
    what = plan(mreg, "--policy", file)[1]
    assert what[2] == ("keep", "held") and what[1] == REMOVE


@pytest.mark.parametrize("rule, days, reason, wanted", [
    ("superseded: 30d", 31, "superseded", {3}),
    ("superseded: 30d", 29, "superseded", set()),
    ("keep: 2", 0, "not_among_last", {3}),
    ("keep: 3", 0, "not_among_last", set()),
    ("older: 20d", 21, "older", {3}),
    ("older: 20d", 19, "older", set()),
])
def test_the_policy_archives(mreg, churn, folders, tmp_path, rule, days,
                             reason, wanted):
    """v3 is neither archived nor in use; v4 has an alias, v5 is the highest."""
    mreg.run("push", folders(5), "churn")
    mreg.run("alias", "set", "churn:v3", "production")
    mreg.run("alias", "set", "churn:v4", "production")
    set_policy(mreg, tmp_path, f"archive: {{{rule}}}\n")
    _, what = plan(mreg, days=days)
    assert {n for n in what if what[n] == ("archive", reason)} == wanted
    result, _ = plan(mreg, "--apply", days=days)
    assert result["archived"] == len(wanted)
    if wanted:
        event = kinds(mreg, "archived")[-1]
        assert event["reason"].startswith("by policy: ")
        # It is not removed before it was out of sight for long.
        _, what = plan(mreg, days=days + 89)
        assert what[3][0] == "keep"
        assert plan(mreg, days=days + 91)[1][3] == REMOVE


def test_the_events_name_the_policy(mreg, churn, tmp_path):
    set_policy(mreg, tmp_path, "retention: 91d\n")
    result, _ = plan(mreg, "--apply")
    assert {e["policy"] for e in kinds(mreg, "removed")} == {result["policy"]}


# -- carried out ----------------------------------------------------------------


def test_what_goes_is_written_down_and_gone(mreg, churn, layout, tmp_path):
    gone = (blobs_of(layout, churn[1]) | blobs_of(layout, churn[2])) - \
        blobs_of(layout, churn[3])
    result, what = plan(mreg, "--apply", "--reason", "yearly")
    assert result["removed"] == 2 and result["freedAtOnce"] is True
    assert all(r["done"] for r in result["versions"] if r["number"] < 3)
    assert not gone & here(layout)
    for number in (1, 2):
        mreg.fails(3, "pull", f"churn:v{number}", "-o", tmp_path / "out")
        mreg.fails(3, "resolve", f"churn@{churn[number]}")
    events = kinds(mreg, "removed")
    assert [(e["version"], e["tags"], e["reason"]) for e in events] == [
        (churn[n], [f"v{n}"], "yearly") for n in (1, 2)]
    assert [r["event"] for r in result["versions"]][2:] == [
        e["digest"] for e in reversed(
            mreg.json("log", "churn", "--kind", "removed")["events"])]
    mreg.run("pull", "churn:v3", "-o", tmp_path / "out")
    harness.assert_pulled(tmp_path / "out", harness.tree(tmp_path / "m3"))
    assert [r["number"] for r in mreg.json("ls", "churn")["versions"]] == [4, 3]
    mreg.run("log", "churn", "--verify")
    assert plan(mreg, "--apply")[0]["removed"] == 0
    assert len(kinds(mreg, "removed")) == 2


def test_a_removed_version_comes_back_as_a_new_one(mreg, churn, folders):
    plan(mreg, "--apply")
    again = mreg.json("push", folders(1), "churn")
    assert again["digest"] == churn[1] and again["number"] == 5
    # It is not archived, as the one before was, and nobody takes it.
    assert mreg.json("resolve", "churn:latest")["digest"] == churn[1]
    _, what = plan(mreg, "--apply", days=400)
    assert what[5][0] == "keep"
    assert mreg.json("resolve", "churn:v5")["digest"] == churn[1]


def test_what_hangs_on_a_version_goes_with_it(mreg, churn, layout, tmp_path):
    note = harness.write(tmp_path / "note.md", "# Biased\n")
    for n in (1, 3):
        mreg.run("attach", f"churn:v{n}", note, "--type", "bias-report")
    document = mreg.json("inspect", "churn:v1")["attached"][0]["digest"]
    aging.tag(layout, "v1-image", document)
    aging.tag(layout, f"sha256-{churn[1][7:]}.sig", document)
    result, _ = plan(mreg)
    assert set(result["versions"][-1]["tags"]) == {
        "v1", "v1-image", f"sha256-{churn[1][7:]}.sig"}
    plan(mreg, "--apply")
    assert document not in here(layout)
    assert document not in (layout / "index.json").read_text()
    assert len(mreg.json("inspect", "churn:v3")["attached"]) == 1


def test_a_sibling_that_something_else_has_stays(mreg, churn, layout):
    shared = aging.put_blob(layout, json.dumps({
        "schemaVersion": 2, "mediaType": aging.MANIFEST_TYPE,
        "config": {"mediaType": aging.EMPTY_TYPE, "digest": aging.EMPTY,
                   "size": 2}, "layers": []}).encode())
    aging.tag(layout, "v1-image", shared)
    aging.tag(layout, "other-image", shared)
    plan(mreg, "--apply")
    assert shared in here(layout)
    assert mreg.json("resolve", "churn:other-image")["digest"] == shared
    mreg.fails(3, "resolve", "churn:v1-image")


def test_a_push_that_did_not_finish_goes_after_a_day(mreg, churn, folders,
                                                     layout):
    digest = mreg.json("push", folders(5), "churn")["digest"]
    aging.tag(layout, "v5", None)
    aging.tag(layout, "latest", churn[4])
    assert plan(mreg, days=0)[1][5] == ("keep", "unfinished_lately")
    assert plan(mreg, days=2)[1][5] == ("remove", "unfinished")
    plan(mreg, "--apply", days=2)
    assert digest not in here(layout)
    # The same files are pushed under a number that nobody had.
    assert mreg.json("push", folders(5), "churn")["number"] == 6


def test_a_version_that_lost_its_tag_is_no_unfinished_push(mreg, churn,
                                                           layout):
    mreg.run("alias", "set", "churn:v3", "production")
    mreg.run("alias", "rm", "churn:production")
    # As somebody in a hurry would untag it.
    aging.change_index(layout, lambda entries: [
        {k: v for k, v in e.items() if k != "annotations"}
        if e.get("annotations", {}).get(aging.REF_NAME) == "v3" else e
        for e in entries])
    assert plan(mreg, days=50)[1][3] == ("keep", "was_aliased")
    assert plan(mreg, days=100)[1][3] == ("keep", "not_archived")
    mreg.run("archive", f"churn@{churn[3]}")
    assert plan(mreg, days=200)[1][3] == REMOVE


def test_all_numbers_of_a_version_count(mreg, churn, layout, tmp_path):
    aging.tag(layout, "v9", churn[1])
    assert plan(mreg, "--keep", "v1")[1][9] == ("keep", "asked")
    assert plan(mreg, "--keep", "v9")[1][9] == ("keep", "asked")
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: 1\nhold: [v1]\n")
    assert plan(mreg, "--policy", policy)[1][9] == ("keep", "held")


def test_what_runs_is_kept_where_only_a_part_of_it_is_named(mreg, churn,
                                                            layout):
    empty = {"mediaType": aging.EMPTY_TYPE, "digest": aging.EMPTY, "size": 2}
    image = aging.put_blob(layout, json.dumps({
        "schemaVersion": 2, "mediaType": aging.MANIFEST_TYPE,
        "config": empty, "layers": [empty]}).encode())
    aging.tag(layout, "v1-image", image)
    mreg.run("deployed", "churn:v1-image", "--env", "prod")
    assert plan(mreg)[1][1] == ("keep", "deployed")
    mreg.run("deployed", "churn", "--env", "prod", "--none")
    assert plan(mreg)[1][1] == REMOVE


def test_nothing_goes_where_the_log_is_not_whole(mreg, churn, layout):
    event = mreg.json("deployed", "churn:v1", "--env", "prod")["event"]
    mreg.run("create", "churn")
    aging.change_index(layout, lambda entries: [
        e for e in entries if e["digest"] != event])
    before = here(layout)
    assert plan(mreg)[1][1] == REMOVE
    err = mreg.fails(6, "gc", "churn", "--apply", env=aging.ahead(100))
    assert "1 entry of the log of 'churn' is missing" in err["message"]
    assert here(layout) == before and not kinds(mreg, "removed")
    plan(mreg, "--apply", "--incomplete-log")
    assert not {churn[1], churn[2]} & here(layout)


def test_blobs_that_nothing_names_go_after_a_day(mreg, churn, layout):
    lost = aging.put_blob(layout, b"nobody names this")
    before = here(layout)
    result, _ = plan(mreg, "--apply", days=0)
    assert result["unnamedBlobs"] == 0 and here(layout) == before
    result, _ = plan(mreg, days=2)
    assert (result["unnamedBlobs"], result["unnamedBytes"]) == (1, 17)
    assert here(layout) == before
    plan(mreg, "--apply", days=2)
    assert here(layout) == before - {lost}


def test_nothing_is_swept_where_an_entry_cannot_be_read(mreg, churn, layout):
    odd = aging.put_blob(layout, b"{\"what\": \"is this\"}")
    aging.tag(layout, "odd.thing", odd)
    before = here(layout)
    r = mreg.run("gc", "churn", "--apply", env=aging.ahead(100))
    assert "cannot be told" in r.stderr
    assert here(layout) >= before
    mreg.fails(3, "resolve", "churn:v1")


def test_only_what_was_shown_is_taken_and_another_use_is_seen(mreg, churn,
                                                              layout):
    """A removal that was written down, and an alias set after it."""
    aging.write_event(mreg, layout, "churn", "removed", version=churn[1],
                      tags=["v1"])
    assert plan(mreg, days=0)[1][1] == ("remove", "removed")
    mreg.run("restore", "churn:v1")
    assert plan(mreg, days=0)[1][1] == ("keep", "not_archived")
    mreg.run("alias", "set", "churn:v1", "production")
    _, what = plan(mreg, "--apply", days=0)
    assert what[1] == ("keep", "aliased")
    _, event = kinds(mreg, "restored")
    assert event["what"] == "removed" and event["version"] == churn[1]
    assert mreg.json("resolve", "churn:v1")["digest"] == churn[1]
    # It is as it was before.
    mreg.run("alias", "rm", "churn:production")
    mreg.run("archive", "churn:v1")
    assert plan(mreg, days=200)[1][1] == REMOVE


def test_killed_anywhere_the_next_run_completes_it(mreg, churn, store,
                                                   tmp_path):
    fault = faults.Faults(tmp_path)
    saved = tmp_path / "saved"
    shutil.copytree(store, saved)
    words = ("gc", "churn", "--apply")

    def run(at):
        shutil.rmtree(store)
        shutil.copytree(saved, store)
        env = fault.env(["name"], at, spare="cache")
        env.update(aging.ahead(100, [fault.preload]))
        return mreg.run(*words, env=env, status=None).status

    assert run(0) == 0
    total, killed = fault.count, 0
    assert total >= 8
    for at in range(1, total + 1):
        killed += run(at) == -9
        mreg.run(*words, env=aging.ahead(100))
        assert [e["version"] for e in kinds(mreg, "removed")] == [
            churn[1], churn[2]]
        assert here(store / "churn") >= blobs_of(store / "churn", churn[3])
        assert not {churn[1], churn[2]} & here(store / "churn")
        assert {r["number"] for r in mreg.json("ls", "churn")["versions"]} == \
            {3, 4}
        mreg.run("log", "churn", "--verify")
    assert killed == total


def test_two_at_once_remove_it_once(mreg, churn, layout):
    running = [mreg.start("gc", "churn", "--apply", "--json",
                          env=aging.ahead(100)) for _ in range(4)]
    done = [harness.finish(p) for p in running]
    assert [r.status for r in done] == [0] * 4
    assert sum(r.json["removed"] for r in done) == 2
    assert len(kinds(mreg, "removed")) == 2


def test_another_users_store_stays_unlocked_by_a_plan(mreg, churn, layout):
    """A plan is for readers: it needs no right to write."""
    before = {p: p.stat().st_mtime_ns for p in layout.rglob("*")}
    plan(mreg)
    assert {p: p.stat().st_mtime_ns for p in layout.rglob("*")} == before
    assert os.path.exists(layout / "mreg.lock")
