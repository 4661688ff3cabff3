"""test_split.py - an alias's traffic shared among versions: recorded, judged,
shown, completed, undone; and what is no split changes nothing."""
import json
import pathlib

import aging
import harness
import jsonschema
import pytest

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"


def fits(result):
    """It fits its schema, and has no member that the schema does not know."""
    schema = json.loads((SPEC / "schemas/split.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


@pytest.fixture
def churn(mreg, tmp_path):
    """churn:v1 to v4, production is v1; digests by number."""
    digests = {n: mreg.json("push", harness.small_model(tmp_path / f"m{n}", n),
                            "churn", "--as", "pia")["digest"]
               for n in (1, 2, 3, 4)}
    mreg.run("alias", "set", "churn:v1", "production")
    return digests


def split(mreg, *words, **kwargs):
    return fits(mreg.json("split", "churn:production", *words, **kwargs))


def shares(result):
    return {p["number"]: p["weight"] for p in result["parts"]}


def in_force(mreg):
    return shares(split(mreg))


def told(mreg):
    return [(r["state"], r["why"]) for r in split(mreg, "--history")["history"]]


def kinds(mreg):
    return [e["kind"] for e in mreg.json("log", "churn")["events"]]


def at(mreg):
    return mreg.json("resolve", "churn:production")["digest"]


def test_the_sample_fits():
    sample = fits(json.loads((SPEC / "samples/split.json").read_text()))
    assert sum(shares(sample).values()) == 100


# -- recorded ----------------------------------------------------------------

def test_a_split_is_an_event_and_the_alias_stays(mreg, churn):
    made = split(mreg, "v1=90", "v2=10", "--reason", "CHG-7", "--as", "ada")
    assert made["changed"] and shares(made) == {1: 90, 2: 10}
    assert made["parts"][0]["stable"] and not made["parts"][1]["stable"]
    assert at(mreg) == made["digest"] == churn[1]
    event = mreg.json("log", "churn")["events"][-1]
    assert event["digest"] == made["event"]
    assert event["event"]["weights"] == {churn[1]: "90", churn[2]: "10"}
    assert (event["actor"], event["event"]["reason"]) == ("ada", "CHG-7")
    assert "split v" in event["says"] and "v2=10" in event["says"]
    schema = json.loads((SPEC / "event.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(event["event"])
    now = split(mreg)
    assert (now["event"], now["actor"], now["reason"]) == \
        (made["event"], "ada", "CHG-7")
    assert mreg.json("log", "churn", "--verify")["verified"]


def test_what_is_so_already_is_not_written_again(mreg, churn):
    made = split(mreg, "v1=90", "v2=10")
    before = kinds(mreg)
    again = split(mreg, "v2=10%", "v1=90%")
    assert not again["changed"] and again["event"] == made["event"]
    assert kinds(mreg) == before


def test_versions_by_release_name_and_digest(mreg, churn):
    mreg.run("release", "churn:v2", "2.0.0")
    split(mreg, f"{churn[1]}=60", "2.0.0=25%", f"{churn[3]}=15")
    assert in_force(mreg) == {1: 60, 2: 25, 3: 15}


def test_a_dry_run_writes_nothing(mreg, churn):
    before = kinds(mreg)
    would = split(mreg, "v1=90", "v2=10", "-n")
    assert would["changed"] and would["dryRun"] and would["event"] is None
    assert shares(would) == {1: 90, 2: 10}
    split(mreg, "v1=90", "v2=10")
    assert split(mreg, "--end", "--dry-run")["ended"]
    assert in_force(mreg) == {1: 90, 2: 10}
    assert len(kinds(mreg)) == len(before) + 1


@pytest.mark.parametrize("words, says", [
    (["v1=90"], "2 to 16"),
    ([f"v{n}=5" for n in range(1, 18)], "2 to 16"),
    (["v1=90", "v2=11"], "101"),
    (["v1=90", "v2"], "no share"),
    (["v1=100", "v2=0"], "no share"),
    (["v1=101", "v2=-1"], "no share"),
    (["v1=9223372036854775808", "v2=10"], "no share"),
    (["v1=89.5", "v2=10.5"], "no share"),
    (["v1=90%%", "v2=10"], "no share"),
    (["v1=50", "v1=50"], "one version"),
    (["v1=50", "latest=50"], "names no version"),
    (["v1=50", "staging=50"], "names no version"),
    (["v1=50", "../x=50"], "names no version"),
    (["v1=50", "=50"], "names no version"),
    (["v1=50", "\x1b[2J=50"], "names no version"),
    (["v1=50", "x" * 500 + "=50"], "no share"),
    (["--end", "v1=50", "v2=50"], "exclude"),
    (["--history", "--end"], "--history"),
    (["--reason", "why"], "nothing is to be changed"),
])
def test_what_can_never_be_is_refused(mreg, churn, words, says):
    before = kinds(mreg)
    error = mreg.fails(2, "split", "churn:production", *words)
    assert says in error["message"] and "\x1b" not in error["message"]
    assert kinds(mreg) == before


def test_what_the_log_does_not_know_gets_no_share(mreg, churn):
    """It is in the repository, and judged by no rule."""
    document = mreg.json("evaluate", "churn:v2", "--suite", "s",
                         "--pass")["digest"]
    before = kinds(mreg)
    error = mreg.fails(4, "split", "churn:production", "v1=90",
                       f"{document}=10")
    assert "no version" in error["message"]
    assert "mreg ls churn" in error["hint"]
    assert kinds(mreg) == before


def test_what_is_not_there_is_told(mreg, churn):
    assert mreg.fails(3, "split", "churn:production", "v1=50", "v9=50")["hint"]
    assert mreg.fails(3, "split", "churn:canary", "v1=50", "v2=50")["hint"]
    assert mreg.fails(3, "split", "churn:canary")["hint"]
    assert mreg.fails(3, "split", "nothing:production")["hint"]
    for name in "churn", "churn:v1", "churn:latest":
        assert mreg.fails(2, "split", name)["hint"]


def test_the_aliass_own_version_has_a_share(mreg, churn):
    error = mreg.fails(4, "split", "churn:production", "v2=50", "v3=50")
    assert "gets no share" in error["message"] and error["hint"]


def test_only_what_was_expected(mreg, churn):
    error = mreg.fails(4, "split", "churn:production", "v1=50", "v2=50",
                       "--expect", churn[2])
    assert churn[1] in error["message"]
    split(mreg, "v1=50", "v2=50", "--expect", churn[1])


def test_a_tag_moved_without_mreg_is_not_split(mreg, churn, store):
    aging.tag(store / "churn", "production", churn[3])
    error = mreg.fails(4, "split", "churn:production", "v3=50", "v2=50")
    assert "--adopt" in error["hint"]
    mreg.run("log", "churn", "--adopt")
    assert shares(split(mreg, "v3=50", "v2=50")) == {3: 50, 2: 50}
    # Nor is anybody sent by one whose tag is elsewhere.
    aging.tag(store / "churn", "production", churn[4])
    assert split(mreg)["differs"] == "foreign"


# -- policies ----------------------------------------------------------------

POLICY = """\
policy: 1
aliases:
  production:
    through: staging
"""


def test_every_version_meets_the_gates(mreg, churn, tmp_path):
    harness.write(tmp_path / "p.yaml", POLICY)
    policy = mreg.json("policy", "set", "churn", tmp_path / "p.yaml")["digest"]
    before = kinds(mreg)
    mreg.run("alias", "set", "churn:v2", "staging")
    error = mreg.fails(7, "split", "churn:production", "v1=80", "v2=10",
                       "v3=10")
    assert "v3" in error["message"]
    assert [f["rule"] for f in error["findings"]] == \
        ["aliases.production.through.staging"]
    # v1, which it has, never was in staging, and is not judged again.
    made = split(mreg, "v1=90", "v2=10")
    assert made["judged"] and made["gated"] and made["policy"] == policy
    assert mreg.json("log", "churn")["events"][-1]["event"]["policy"] == policy
    assert kinds(mreg) == before + ["alias_moved", "split_recorded"]


def test_a_file_adds_rules(mreg, churn, tmp_path):
    harness.write(tmp_path / "p.yaml", "policy: 1\nrequire: license\n")
    error = mreg.fails(7, "split", "churn:production", "v1=90", "v2=10",
                       "--policy", tmp_path / "p.yaml")
    assert error["findings"]
    assert in_force(mreg) == {}


def test_what_is_out_of_sight_gets_no_share(mreg, churn):
    mreg.run("archive", "churn:v2")
    error = mreg.fails(4, "split", "churn:production", "v1=90", "v2=10")
    assert "archived" in error["message"] and "restore" in error["hint"]
    mreg.run("restore", "churn:v2")
    split(mreg, "v1=90", "v2=10")


def test_what_was_removed_gets_no_share(mreg, churn, store):
    aging.write_event(mreg, store / "churn", "churn", "removed", tags=["v2"],
                      version=churn[2])
    for words in ["v1=90", "v2=10"], ["v1=90", f"{churn[2]}=10"]:
        error = mreg.fails(4, "split", "churn:production", *words)
        assert "was removed" in error["message"]
        assert error["hint"] == "push it again"
    assert in_force(mreg) == {}


def test_what_is_deprecated_is_tried_with_a_warning(mreg, churn):
    """As it is promoted."""
    mreg.run("deprecate", "churn:v2", "--reason", "biased \x1b[2J")
    r = mreg.run("split", "churn:production", "v1=90", "v2=10")
    assert r.stderr.startswith("warning: 'v2' is deprecated") and \
        "biased" in r.stderr and "\x1b" not in r.stderr
    assert in_force(mreg) == {1: 90, 2: 10}
    mreg.run("deprecate", "churn:v1")
    assert "v1" not in mreg.run("split", "churn:production", "v1=80",
                                "v2=20").stderr
    assert mreg.run("split", "churn:production", "--end").stderr == ""


def test_what_is_gone_meanwhile_is_told_and_can_be_ended(mreg, churn, store):
    """Whoever archives may not have seen the split."""
    split(mreg, "v1=90", "v2=10")
    aging.write_event(mreg, store / "churn", "churn", "archived",
                      version=churn[2])
    assert "ARCHIVED" in mreg.run("split", "churn:production").stdout
    assert [p["archived"] for p in split(mreg)["parts"]] == [False, True]
    mreg.fails(4, "split", "churn:production", "v1=80", "v2=20")
    assert split(mreg, "--end")["ended"] and in_force(mreg) == {}


def test_what_has_a_share_is_not_archived(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    error = mreg.fails(4, "archive", "churn:v2")
    assert "10 %" in error["message"] and "--end" in error["hint"]
    split(mreg, "--end")
    mreg.run("archive", "churn:v2")


# -- its end -----------------------------------------------------------------

def test_a_promotion_completes_it(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    split(mreg, "v1=50", "v2=50")
    done = mreg.json("promote", "churn:v2", "production")
    assert done["changed"] and done["splitEnded"]
    assert in_force(mreg) == {} and at(mreg) == churn[2]
    assert told(mreg) == [("ended", "split"), ("ended", "promote")]
    # As if there had been none.
    mreg.run("rollback", "churn:production")
    assert at(mreg) == churn[1] and in_force(mreg) == {}


def test_a_rollback_undoes_it_and_goes_no_further(mreg, churn):
    mreg.run("promote", "churn:v2", "production")
    split(mreg, "v2=90", "v3=10")
    would = mreg.json("rollback", "churn:production", "--dry-run")
    assert would["splitEnded"] and in_force(mreg) == {2: 90, 3: 10}
    undone = mreg.json("rollback", "churn:production", "--reason", "errors")
    assert undone["splitEnded"] and not undone["changed"] and undone["event"]
    assert at(mreg) == undone["digest"] == churn[2]
    assert in_force(mreg) == {}
    assert told(mreg) == [("ended", "rollback")]
    assert kinds(mreg)[-1] == "alias_moved"
    # The next one does.
    assert mreg.json("rollback", "churn:production")["digest"] == churn[1]


def test_a_rollback_of_the_first_version_undoes_it(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    text = mreg.run("rollback", "churn:production").stdout
    assert "its split is over" in text
    assert at(mreg) == churn[1] and in_force(mreg) == {}
    mreg.fails(3, "rollback", "churn:production")


def test_a_rollback_further_back_ends_it_too(mreg, churn):
    mreg.run("promote", "churn:v2", "production")
    split(mreg, "v2=90", "v3=10")
    back = mreg.json("rollback", "churn:production", "--to", "v1")
    assert back["splitEnded"] and at(mreg) == churn[1]


def test_what_the_alias_has_already_leaves_it(mreg, churn):
    """A pipeline that promotes again ends no canary."""
    split(mreg, "v1=90", "v2=10")
    done = mreg.run("promote", "churn:v1", "production").stdout
    assert "--end" in done
    assert not mreg.json("alias", "set", "churn:v1",
                         "production")["splitEnded"]
    assert in_force(mreg) == {1: 90, 2: 10}


def test_every_other_move_ends_it(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    mreg.run("alias", "set", "churn:v3", "production")
    assert in_force(mreg) == {}
    split(mreg, "v3=90", "v2=10")
    mreg.run("alias", "rm", "churn:production")
    mreg.run("alias", "set", "churn:v3", "production")
    assert in_force(mreg) == {}
    assert told(mreg) == [("ended", "set"), ("ended", "remove")]


def test_it_is_ended(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    ended = split(mreg, "--end", "--reason", "enough")
    assert ended["ended"] and ended["changed"] and ended["parts"] == []
    assert told(mreg) == [("ended", "split"), ("end", None)]
    assert not split(mreg, "--end")["changed"]
    assert mreg.json("log", "churn")["events"][-1]["says"] == \
        "production: split ended: enough"


def test_its_end_is_told_in_a_sentence(mreg, churn):
    split(mreg, "v1=90", "v2=10")

    def end(*words):
        return mreg.run("split", "churn:production", "--end", *words).stdout

    assert end("-n") == ("would end the split of churn:production: all of it "
                         "goes to v1\n")
    assert end() == "ended the split of churn:production: all of it goes to v1\n"
    assert end() == "unchanged: churn:production is not split: v1\n"


# -- shown -------------------------------------------------------------------

def test_it_is_shown_wherever_the_alias_is(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    text = mreg.run("split", "churn:production").stdout
    assert "90 %" in text and churn[2] in text
    row, = [a for a in mreg.json("alias", "ls", "churn")["aliases"]
            if a["alias"] == "production"]
    assert [(p["version"], p["weight"]) for p in row["split"]] == \
        [("v1", 90), ("v2", 10)]
    assert "v1=90 v2=10" in mreg.run("alias", "ls", "churn").stdout
    assert mreg.json("inspect", "churn:v2")["splits"] == \
        [{"alias": "production", "weight": 10, "stable": False}]
    assert "10 % of production" in mreg.run("inspect", "churn:v2").stdout
    assert mreg.json("inspect", "churn:v3")["splits"] == []
    report = mreg.run("report", "churn").stdout
    assert "split v" in report


def test_history_is_a_table_for_people(mreg, churn):
    split(mreg, "v1=90", "v2=10", "--reason", "first \x1b[2J try")
    mreg.run("promote", "churn:v2", "production")
    text = mreg.run("split", "churn:production", "--history").stdout
    assert "v1=90 v2=10" in text and "ended by promote" in text
    assert "\x1b" not in text


def test_a_changelog_tells_what_was_on_the_way(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    split(mreg, "v1=50", "v2=50", "--reason", "quiet")
    mreg.run("promote", "churn:v2", "production")
    split(mreg, "v2=90", "v3=10")
    log = mreg.json("changelog", "churn:production")
    schema = json.loads((SPEC / "schemas/changelog.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(log)
    assert [shares(s) for s in log["splits"]] == [{1: 90, 2: 10},
                                                  {1: 50, 2: 50}]
    assert log["splits"][1]["why"] == "promote"
    text = mreg.run("changelog", "churn:production").stdout
    assert "v1=50 v2=50" in text and "quiet" in text


# -- what others may have written --------------------------------------------

HOSTILE = {
    "a weight of nothing": {1: "100", 2: "0"},
    "a weight below nothing": {1: "110", 2: "-10"},
    "a weight of 2^63": {1: "9223372036854775808", 2: "10"},
    "weights of 101": {1: "90", 2: "11"},
    "a weight that is no number": {1: "90", 2: "ten\x1b[2J"},
    "one version": {1: "100"},
    "without the alias's own": {2: "90", 3: "10"},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_split_changes_nothing(mreg, churn, store, what):
    move, = [e["digest"] for e in mreg.json("log", "churn")["events"]
             if e["kind"] == "alias_moved"]
    split(mreg, "v1=70", "v2=30")
    aging.write_event(mreg, store / "churn", "churn", "split_recorded",
                      alias="production", move=move, weights={
                          churn[n]: w for n, w in HOSTILE[what].items()})
    assert in_force(mreg) == {1: 70, 2: 30}
    (state, _), (ignored, why) = told(mreg)
    assert (state, ignored) == ("in_force", "ignored") and why
    for command in (["log", "churn"], ["split", "churn:production",
                                       "--history"], ["alias", "ls", "churn"],
                    ["inspect", "churn:v2"], ["report", "churn"]):
        assert "\x1b" not in mreg.run(*command).stdout
    assert mreg.json("log", "churn", "--verify")["verified"]


def test_very_many_parts_are_none(mreg, churn, store):
    move, = [e["digest"] for e in mreg.json("log", "churn")["events"]
             if e["kind"] == "alias_moved"]
    many = {f"sha256:{n:064x}": "1" for n in range(800)}
    aging.write_event(mreg, store / "churn", "churn", "split_recorded",
                      alias="production", move=move, weights=many)
    assert in_force(mreg) == {}
    assert told(mreg) == [("ignored", "it has more than 16 versions")]


@pytest.mark.parametrize("weights", [[], "90", {"a": 90}, {"a": None}])
def test_weights_that_are_no_map_are_no_event(mreg, churn, store, weights):
    aging.write_event(mreg, store / "churn", "churn", "split_recorded",
                      alias="production", weights=weights)
    assert in_force(mreg) == {} and told(mreg) == []


def test_a_split_goes_along_with_a_copy(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    mreg.run("copy", "churn", "copied")
    copied = fits(mreg.json("split", "copied:production"))
    assert shares(copied) == {1: 90, 2: 10} and copied["differs"] is None


# -- experiments -------------------------------------------------------------

def evaluate(mreg, *words, ref="churn:v2"):
    result = mreg.json("evaluate", ref, "--experiment", "cta", *words)
    schema = json.loads((SPEC / "schemas/evaluate.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(result)
    return result


def documents(mreg, ref):
    return [d for d in mreg.json("inspect", ref)["attached"]
            if d["experiment"]]


METRICS = ["--metric", "ctr=0.120", "--baseline-metric", "ctr=0.10"]


def test_an_experiment_is_on_both_versions(mreg, churn, store):
    split(mreg, "v1=90", "v2=10")
    made = evaluate(mreg, *METRICS, "--winner", "v2")
    assert made["passed"] and made["suite"] == "cta"
    other = made["experiment"]["baseline"]
    assert (other["version"], other["digest"]) == ("v1", churn[1])
    assert other["metrics"] == {"ctr": "0.10"}
    assert made["experiment"]["winner"] == churn[2]
    tried, = documents(mreg, "churn:v2")
    against, = documents(mreg, "churn:v1")
    assert (tried["suite"], tried["passed"], tried["baseline"]) == \
        ("cta", True, churn[1])
    assert tried["metrics"] == {"ctr": "0.120"}
    # No verdict on the version that it was tried against.
    assert (against["suite"], against["passed"], against["candidate"]) == \
        (None, None, churn[2])
    assert against["metrics"] == {"ctr": "0.10"}
    assert against["digest"] == other["document"]
    for ref, other in ("churn:v1", churn[2]), ("churn:v2", churn[1]):
        text = mreg.run("inspect", ref).stdout
        assert "cta" in text and other[:19] in text
    # One event names both, and is about both.
    events = [e for e in mreg.json("log", "churn")["events"]
              if e["kind"] == "evaluated"]
    assert len(events) == 1 and "against v1, winner v2" in events[0]["says"]
    schema = json.loads((SPEC / "event.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(events[0]["event"])
    for about in "v1", "v2":
        assert events == [e for e in mreg.json(
            "log", "churn", "--about", about)["events"]
            if e["kind"] == "evaluated"]
    # What is attached is the document of spec/evaluation.md, with its digits.
    layer = [f for f in made["files"] if f["title"] == "evaluation.json"][0]
    text = (store / "churn/blobs" / layer["digest"].replace(":", "/")
            ).read_text()
    schema = json.loads((SPEC / "evaluation.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(json.loads(text))
    assert '"ctr":0.120' in text and '"ctr":0.10}' in text


def test_the_same_result_is_recorded_once(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    first = evaluate(mreg, *METRICS, "--winner", "v2")
    again = evaluate(mreg, *METRICS, "--winner", "v2")
    assert again["existed"] and again["event"] == first["event"]
    assert again["experiment"] == first["experiment"]
    assert len(documents(mreg, "churn:v1")) == 1
    assert kinds(mreg).count("evaluated") == 1


def test_a_dry_run_of_an_experiment_attaches_nothing(mreg, churn):
    split(mreg, "v1=90", "v2=10")
    evaluate(mreg, *METRICS, "--winner", "none", "--fail", "-n")
    assert documents(mreg, "churn:v1") == documents(mreg, "churn:v2") == []


def test_against_another_version_without_a_split(mreg, churn):
    error = mreg.fails(4, "evaluate", "churn:v2", "--experiment", "cta",
                       *METRICS, "--pass")
    assert "--against" in error["hint"]
    made = evaluate(mreg, *METRICS, "--against", "v3", "--winner", "v3")
    assert not made["passed"]
    assert made["experiment"]["baseline"]["version"] == "v3"
    mreg.fails(2, "evaluate", "churn:v2", "--experiment", "cta", "--pass",
               "--against", "v2")
    mreg.fails(2, "evaluate", "churn:v2", "--experiment", "cta", "--pass",
               "--against", "v1", "--winner", "v3")
    mreg.fails(2, "evaluate", "churn:v2", "--experiment", "cta", "--against",
               "production", "--pass")


@pytest.mark.parametrize("words", [
    ["--against", "v1"], ["--winner", "v1"], ["--baseline-metric", "a=1"],
    ["--experiment", "cta"], ["--experiment", "cta", "--winner", "none"],
    ["--experiment", "a\nb", "--pass", "--against", "v1"],
    ["--experiment", "cta", "--pass", "--baseline-metric", "a=x"]])
def test_half_an_experiment_is_refused(mreg, churn, words):
    more = [] if "--experiment" in words else ["--suite", "s", "--pass"]
    assert mreg.fails(2, "evaluate", "churn:v2", *words, *more)["message"]
    assert "evaluated" not in kinds(mreg)


def test_an_experiment_out_of_a_file(mreg, churn, tmp_path):
    split(mreg, "v1=90", "v2=10")
    harness.write(tmp_path / "e.yaml", """\
metrics: {ctr: 0.12}
experiment:
  name: cta
  baseline: {metrics: {ctr: 0.10}}
""")
    made = mreg.json("evaluate", "churn:v2", "--from", tmp_path / "e.yaml",
                     "--winner", "v2")
    assert made["experiment"]["name"] == made["suite"] == "cta"
    assert made["experiment"]["baseline"]["metrics"] == {"ctr": "0.10"}
    harness.write(tmp_path / "e.yaml", "experiment: {name: cta, base: 1}\n")
    error = mreg.fails(1, "evaluate", "churn:v2", "--from",
                       tmp_path / "e.yaml", "--pass")
    assert "base" in error["message"] + error["hint"]


def test_a_policy_asks_for_it_of_the_candidate_alone(mreg, churn, tmp_path):
    """What lost is asked for no verdict on itself, and what won is in."""
    split(mreg, "v1=90", "v2=10")
    harness.write(tmp_path / "p.yaml",
                  "policy: 1\naliases: {production: {suites: {cta: passed}}}\n")
    mreg.run("policy", "set", "churn", tmp_path / "p.yaml")
    mreg.fails(7, "promote", "churn:v2", "production")
    evaluate(mreg, *METRICS, "--winner", "v2")
    # v1 has no passed suite of that name, though the document hangs there.
    mreg.run("alias", "rm", "churn:production")
    error = mreg.fails(7, "promote", "churn:v1", "production")
    assert [f["rule"] for f in error["findings"]] == \
        ["aliases.production.suites.cta"]
    assert mreg.json("promote", "churn:v2", "production")["gated"]
