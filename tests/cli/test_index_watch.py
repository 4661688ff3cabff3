"""test_index_watch.py - index sync --watch: round after round, until it is
ended."""
import json
import signal

import harness
import pytest


@pytest.fixture
def watch(mreg):
    """watch(words) starts one; all are ended."""
    running = []

    def start(*words):
        process = mreg.start("index", "sync", "--watch", *words)
        running.append(process)
        return process
    yield start
    for process in running:
        harness.kill(process)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_what_changed_and_is_ended_in_peace(mreg, pushed, watch,
                                                     tmp_path, how):
    process = watch("--every", "1", "--jsonl")
    first = json.loads(process.stdout.readline())
    assert [m["name"] for m in first["changes"]] == ["churn"]
    mreg.run("push", harness.small_model(tmp_path / "next", 5), "churn")
    second = json.loads(process.stdout.readline())
    assert [m["name"] for m in second["changes"]] == ["churn"]
    assert mreg.json("ls", "churn", "--index")["versions"][0]["number"] == 2
    process.send_signal(how)
    done = harness.finish(process)
    assert done.status == 0, str(done)
    assert done.stderr == ""


def test_for_people_a_line_for_each_model(mreg, pushed, watch):
    process = watch("--every", "1")
    assert process.stdout.readline() == "churn: 1 version new, 0 gone\n"
    mreg.run("alias", "set", "churn:v1", "production")
    assert process.stdout.readline().startswith("churn: ")
    process.send_signal(signal.SIGTERM)
    done = harness.finish(process)
    assert done.status == 0 and done.stdout == ""


def test_words_that_cannot_be(mreg):
    assert "no end" in mreg.fails(2, "index", "sync", "--watch")["message"]
    assert "--watch" in mreg.fails(2, "index", "sync", "--every", "5")[
        "message"]
    assert mreg.fails(3, "index", "sync", "nowhere", "--watch", "--jsonl")
