"""An index on PostgreSQL: filled, asked, and its password kept."""
import json
import os

import pytest


def test_an_index_on_postgres_answers_as_one_in_a_file(mreg, pushed, postgres):
    there = {"MREG_INDEX": postgres}
    mreg.run("index", "sync", "churn", env=there)
    mreg.run("index", "sync", "churn")
    for question in (["search", "--json"], ["search", "name = 'churn'", "--json"],
                     ["search", "metrics.auc > 0.5", "--json"],
                     ["lineage", "churn:v1", "--json"]):
        answers = [json.loads(mreg.run(*question, env=env).stdout)
                   for env in (there, {})]
        for a in answers:
            a.pop("syncedAt", None)
            a.pop("index", None)
        assert answers[0] == answers[1]


def test_a_database_without_an_index_is_not_found(mreg, postgres):
    run = mreg.run("search", env={"MREG_INDEX": postgres}, status=3)
    assert "mreg index sync" in run.stderr


@pytest.mark.parametrize("uri", ["postgresql://u:geheim@h/d",
                                 "postgres://u@h/d?password=geheim",
                                 "postgresql://u:ge:heim@h:5432"])
def test_a_password_is_refused_where_others_see_it(mreg, uri):
    for args in (["--db", uri, "index", "status"],
                 ["config", "set", "index.db", uri]):
        run = mreg.run(*args, status=2)
        assert "password" in run.stderr and "geheim" not in run.stderr
        assert "PGPASSWORD" in run.stderr


@pytest.mark.parametrize("uri", ["postgresql://u:geheim@127.0.0.1:1/d",
                                 "postgres://u@127.0.0.1:1/d?password=geheim",
                                 "postgres://u:a@geheim@127.0.0.1:1/d",
                                 "postgresql://u:geheim%zz@127.0.0.1:1/d"])
def test_a_password_of_the_environment_is_never_told(mreg, uri):
    env = {"MREG_INDEX": uri}
    shown = mreg.run("config", "show", env=env)
    assert "***" in shown.stdout and "geheim" not in shown.stdout
    for args in (["index", "status"], ["-v", "search"], ["--json", "search"]):
        run = mreg.run(*args, env=env, status=None)
        assert run.status != 0
        assert "geheim" not in run.stdout + run.stderr


def test_a_wrong_password_says_who_refused(mreg):
    server = os.environ.get("MREG_TEST_POSTGRES")
    if not server:
        pytest.skip("MREG_TEST_POSTGRES names no server")
    guest = server.replace("tester@", "guest:wrong@")
    run = mreg.run("index", "status", env={"MREG_INDEX": guest}, status=1)
    assert "authentication failed" in run.stderr
    assert "wrong" not in run.stderr
