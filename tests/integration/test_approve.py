"""test_approve.py - approvals where several people meet: on Debian's registry,
with logins and without, by readers who may not write."""
import os

import conftest
import harness
import pytest


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "approve-" + box.name.lower().replace("_", "x")


def push(user, box, name):
    folder = harness.small_model(box / "model", 7)
    return user.json("push", folder, name, "--as", "pia")["digest"]


def test_what_many_say_at_once_is_all_there(shared, box, name):
    """Each answer that was acknowledged is in the log, and the request is the
    same for every reader."""
    push(shared, box, name)
    shared.run("request", f"{name}:v1", "production", "--as", "ray")
    people = [shared.clone(box / f"home{i}") for i in range(8)]
    if shared.where == "local":
        for one in people:
            one.env["MREG_STORE"] = str(shared.store)
    started = [one.start("approve", f"{name}:v1", "production", "--as",
                         f"someone-{i}", "--json")
               for i, one in enumerate(people)]
    done = [harness.finish(p) for p in started]
    assert [r.status for r in done] == [0] * 8, "\n".join(map(str, done))
    seen = [one.json("approvals", name)["requests"] for one in people[:3]]
    row, = seen[0]
    assert all(rows == seen[0] for rows in seen)
    assert row["grants"] == 8 and row["state"] == "granted"
    events = {r.json["event"] for r in done}
    assert {a["event"] for a in row["answers"]} == events and len(events) == 8
    assert shared.json("log", name, "--verify")["verified"] is True


def test_two_who_ask_at_once_are_both_answered_for(at_plain, box, name):
    push(at_plain, box, name)
    people = [at_plain.clone(box / f"home{i}") for i in range(2)]
    started = [one.start("request", f"{name}:v1", "production", "--as",
                         f"asker-{i}", "--json")
               for i, one in enumerate(people)]
    done = [harness.finish(p) for p in started]
    assert [r.status for r in done] == [0, 0]
    last = at_plain.json("approvals", name)["requests"][-1]
    granted = at_plain.json("approve", f"{name}:v1", "production", "--as",
                            "bob")
    assert granted["request"] == last["request"]
    assert granted["state"] == "granted"


def test_a_login_is_who_did_it(at_guarded, box, name):
    """Whoever is logged in does not choose their name."""
    push(at_guarded, box, name)
    asked = at_guarded.json("request", f"{name}:v1", "production", "--as",
                            "somebody-else")
    assert (asked["actor"], asked["actorSource"]) == (conftest.USER,
                                                      "registry")
    events = at_guarded.json("log", name)["events"]
    assert {(e["actor"], e["actorSource"]) for e in events} == \
        {(conftest.USER, "registry")}


def test_a_mechanism_names_nobody(mreg, guarded, authority, box, name):
    user = conftest.log_in(mreg, guarded, authority, conftest.MECHANISM,
                           conftest.PASSWORD)
    push(user, box, name)
    asked = user.json("request", f"{name}:v1", "production", "--as", "ray")
    assert (asked["actor"], asked["actorSource"]) == ("ray", "as")


def test_a_reader_is_warned_that_nothing_was_noted(
        at_bearer, nobody, bearer, authority, tokens, box, name):
    push(at_bearer, box, name)
    at_bearer.run("request", f"{name}:v1", "production", "--hours", "1")
    late = {**harness.preloaded("clock_preload", box),
            "TEST_CLOCK_AHEAD_S": "7200"}
    reader = conftest.log_in(nobody, bearer, authority, conftest.READER,
                             conftest.READER_PASSWORD)
    r = reader.run("approvals", name, "--overdue", "--json", env=late)
    assert "was not written down" in r.stderr
    assert r.json["noted"] == 0
    row, = r.json["requests"]
    assert row["state"] == "overdue" and row["overdue"] is None
    assert at_bearer.json("approvals", name, "--overdue",
                          env=late)["noted"] == 1
    r = reader.run("approvals", name, "--overdue", "--json", env=late)
    assert r.stderr == "" and r.json["requests"][0]["overdue"]
    reader.run("approve", f"{name}:v1", "production", status=5)


def test_a_folder_of_others_may_be_looked_at(mreg, nobody, box):
    store = box / "store"
    mreg.env["MREG_STORE"] = str(store)
    push(mreg, box, "churn")
    mreg.run("request", "churn:v1", "production", "--hours", "1")
    for base, folders, files in os.walk(store):
        os.chmod(base, 0o755)
        for file in files:
            os.chmod(os.path.join(base, file), 0o644)
    late = {**harness.preloaded("clock_preload", box),
            "TEST_CLOCK_AHEAD_S": "7200", "MREG_STORE": str(store)}
    r = nobody.run("approvals", "churn", "--overdue", "--json", env=late)
    assert r.json["requests"][0]["state"] == "overdue"
    assert r.json["noted"] == 0 and "was not written down" in r.stderr
