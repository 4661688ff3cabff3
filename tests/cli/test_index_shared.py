"""test_index_shared.py - an index in somebody else's folder, which may be read
and not written to; and a PostgreSQL that goes away."""
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

import bad
import harness
from test_bad_source import open_tmp  # noqa: F401


@pytest.fixture
def shared(mreg, pushed, open_tmp):  # noqa: F811
    """Somebody who may read the owner's index, and the folder it is in."""
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    folder = open_tmp / "a %20?folder"
    folder.mkdir()
    mreg.env["MREG_INDEX"] = str(folder / "index.db")
    mreg.run("index", "sync")
    shutil.copy(mreg.binary, open_tmp / "mreg")
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)
    guest = bad.user(open_tmp / "home", uid=harness.NOBODY,
                     env={"MREG_INDEX": mreg.env["MREG_INDEX"]})
    guest.binary = open_tmp / "mreg"
    return guest, folder


def asks(guest):
    guest.run("index", "status")
    assert guest.run("query", "SELECT count(*) AS n FROM versions", "--json"
                     ).json["rows"] == [[1]]
    return [m["name"].rpartition("/")[2]
            for m in guest.json("search")["versions"]]


def test_who_may_not_write_beside_it_reads_it(shared):
    guest, folder = shared
    before = sorted(p.name for p in folder.iterdir())
    assert "index.db-wal" not in before
    assert asks(guest) == ["churn"]
    assert sorted(p.name for p in folder.iterdir()) == before
    guest.run("index", "sync", status=1)


def test_while_its_owner_has_it_open_it_is_read_along(mreg, shared):
    guest, folder = shared
    owner = sqlite3.connect(folder / "index.db", isolation_level=None)
    owner.execute("BEGIN IMMEDIATE")
    owner.execute("UPDATE cache_syncs SET requests = 0")
    owner.execute("COMMIT")
    assert (folder / "index.db-wal").exists()
    assert asks(guest) == ["churn"]
    owner.close()


def test_a_log_that_was_left_behind_is_told(mreg, shared):
    guest, folder = shared
    (folder / "index.db-wal").write_bytes(b"\0" * 40)
    (folder / "index.db-wal").chmod(0o644)
    error = guest.fails(1, "search")
    assert "mreg index sync" in error["hint"]
    mreg.run("index", "sync")
    assert asks(guest) == ["churn"]


DIES = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = DELETE")
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("UPDATE ix_texts SET value = value || hex(randomblob(9000))")
os._exit(0)
"""


def test_a_transaction_that_nobody_ended_is_not_read(mreg, shared):
    """As on a disk that is another machine's, where there is no -wal."""
    guest, folder = shared
    subprocess.run([sys.executable, "-c", DIES, folder / "index.db"],
                   check=True)
    journal = folder / "index.db-journal"
    journal.chmod(0o644)
    assert journal.stat().st_size > 9000
    error = guest.fails(1, "query", "SELECT kind FROM versions")
    assert "mreg index sync" in error["hint"]
    mreg.run("index", "sync")
    assert asks(guest) == ["churn"]


def test_a_server_that_refuses_is_told_as_one(mreg, pushed, postgres):
    away = "postgresql://somebody@127.0.0.1:1/nothing"
    for words in (["search"], ["index", "status"], ["index", "sync"]):
        error = mreg.fails(1, *words, env={"MREG_INDEX": away})
        assert "cache" not in error["hint"] and "psql" in error["hint"]
