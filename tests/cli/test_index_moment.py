"""test_index_moment.py - what is asked of the index page by page is of one
moment, whatever is synced in between; in both databases."""
import json

import pytest

import harness

WORDS = "w" * 1500 # a row fills the better part of a pipe's page


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, mreg):
    if request.param == "PostgreSQL":
        mreg.env["MREG_INDEX"] = request.getfixturevalue("postgres")


def push(mreg, tmp_path, name, seed):
    mreg.run("push", harness.small_model(tmp_path / name, seed), name,
             "--description", WORDS)


def test_all_pages_are_of_one_moment(mreg, database, tmp_path):
    names = [f"m{i}" for i in range(12)]
    for seed, name in enumerate(names):
        push(mreg, tmp_path, name, seed)
    push(mreg, tmp_path, "z", 50)
    mreg.run("index", "sync")
    # It cannot be ahead of what is read by more than a pipe holds.
    with mreg.start("search", "--all", "--jsonl", "--limit", "1", "--order-by",
                    "name", pipesize=4096) as search:
        first = json.loads(search.stdout.readline())
        push(mreg, tmp_path, "y", 60)
        mreg.run("edit", "z:v1", "--description", "edited")
        mreg.run("index", "sync")
        rows = [first] + [json.loads(line) for line in search.stdout]
    assert search.returncode == 0
    assert [r["name"] for r in rows] == sorted(names) + ["z"]
    assert {r["description"] for r in rows} == {WORDS}
    assert len(mreg.json("search", "--all")["versions"]) == 14
