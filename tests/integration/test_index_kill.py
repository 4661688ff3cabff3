"""test_index_kill.py - SIGKILL at any moment of a sync or a rebuild: the
database opens and is whole, what it has was there, and the next sync completes
it."""
import contextlib
import pathlib
import random
import shutil
import sqlite3
import time

import pytest

import faults
import harness
from harness import finish, kill
from index_life import anew, assert_same, dump, index_of, is_whole
from test_index_sync import dump_shared, psql, shared  # noqa: F401

POINTS = 200 if faults.FULL else 10
MODELS = 12


@pytest.fixture(scope="module")
def full(work):
    """A store with some models, each with versions, names and a document."""
    store = work / "kill-store"
    mreg = harness.Mreg(harness.program(), work / "kill-home",
                        env={"MREG_STORE": str(store)})
    for i in range(MODELS):
        for number in range(3):
            folder = harness.small_model(work / f"kill-m{i}{number}",
                                         10 * i + number, 64)
            mreg.run("push", folder, f"m{i}:staging", "--metric",
                     f"auc=0.{number}")
        mreg.run("evaluate", f"m{i}:v2", "--suite", "speed", "--pass")
    return store


def index_files(mreg):
    return list(index_of(mreg).parent.glob("index.db*"))


def forget(mreg):
    for path in index_files(mreg):
        path.unlink()


def kill_often(mreg, how, words, before, check, capsys):
    """Kill `index HOW` at random moments, with `before` before each, `check`
    behind it."""
    begin = time.monotonic()
    assert finish(mreg.start("index", how, *words)).status == 0
    took = time.monotonic() - begin
    rng = random.Random(how)
    points = POINTS // 2
    met = i = 0
    while met < points and i < 10 * points:
        i += 1
        before()
        process = mreg.start("index", how, *words)
        time.sleep(took * rng.random())
        alive = process.poll() is None
        kill(process)
        met += alive
        took *= 1 if alive else 0.9
        check()
    where = "PostgreSQL" if words else "SQLite"
    faults.tell(capsys, f"kill points tried: {met} in index {how} on {where}, "
                        f"violations: 0")
    assert met >= points / 2


@pytest.mark.parametrize("how", ["sync", "rebuild"])
def test_a_killed_one_is_completed_by_the_next(binary, box, full, capsys, how):
    mreg = harness.Mreg(binary, box / "home", env={"MREG_STORE": str(full)})
    whole = anew(mreg, box / "other")
    kill_often(mreg, how, [],
               lambda: forget(mreg) if how == "sync" else None,
               lambda: check(mreg, whole, how), capsys)


def assert_known(said, whole):
    """Of what a killed one left: nothing that is not so."""
    for name, rows in said.items():
        more = [row for row in rows if row not in whole[name]]
        # A version may be there before the edge that another has to it.
        assert not more or name in ("edges", "models"), (name, more)


def check(mreg, whole, how):
    """After a kill."""
    path = index_of(mreg)
    if path.exists() and path.stat().st_size:
        assert is_whole(path)
        said = dump_of(path)
        assert_known(said, whole)
        if how == "rebuild":
            assert_same(said, whole)
    mreg.run("index", "sync")
    assert_same(dump(path), whole)
    assert not list(path.parent.glob("index.db.new*")) or how == "rebuild"


def dump_of(path):
    """Of a copy: reading must not mend what a writer left."""
    folder = pathlib.Path(path.parent) / "seen"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in path.parent.glob("index.db*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder / file.name)
    try:
        # Killed before there was anything in it.
        return dump(folder / path.name) if has_views(folder / path.name) \
            else {}
    finally:
        shutil.rmtree(folder)


def has_views(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM sqlite_master "
                          "WHERE type = 'view'").fetchone()[0] > 0


@pytest.mark.parametrize("how", ["sync", "rebuild"])
def test_on_postgresql_too(binary, box, full, capsys, how,
                           shared):  # noqa: F811
    mreg = harness.Mreg(binary, box / "home", env={"MREG_STORE": str(full)})
    words = ["--db", shared]
    mreg.run("index", "sync", *words)
    whole = dump_shared(shared)

    def drop():
        if how == "sync":
            # What the server still does for the killed one ends first.
            psql(shared, "DROP SCHEMA IF EXISTS mreg CASCADE")

    def look():
        said = dump_shared(shared)
        assert_known(said, whole)
        if how == "rebuild":
            assert said == whole
        mreg.run("index", "sync", *words)
        assert dump_shared(shared) == whole
    kill_often(mreg, how, words, drop, look, capsys)
