"""test_config.py - settings: where each comes from, which one wins, and what
a file of somebody else's may not do."""
import json

import pytest


def origin(mreg, key, *words, **kwargs):
    rows = mreg.json("config", "show", *words, **kwargs)["settings"]
    row = {r["key"]: r for r in rows}[key]
    return row["value"], row["origin"]


@pytest.fixture
def checkout(tmp_path):
    """A project with a sub-folder to stand in."""
    folder = tmp_path / "project" / "deep" / "down"
    folder.mkdir(parents=True)
    return folder


def test_defaults_are_told_as_such(mreg):
    assert origin(mreg, "jobs") == ("4", "default")
    assert origin(mreg, "registry") == ("", "default")


def test_flag_wins_over_environment_over_project_over_user(mreg, checkout):
    mreg.run("config", "set", "registry", "user.example/m")
    assert origin(mreg, "registry")[0] == "user.example/m"
    project = checkout.parents[1] / ".mreg.json"
    project.write_text('{"registry": "project.example/m"}')
    value, where = origin(mreg, "registry", cwd=checkout)
    assert (value, where) == ("project.example/m", str(project))
    env = {"MREG_REGISTRY": "env.example/m"}
    assert origin(mreg, "registry", cwd=checkout, env=env) == (
        "env.example/m", "environment MREG_REGISTRY")
    assert origin(mreg, "registry", "--registry", "flag.example/m",
                  cwd=checkout, env=env) == ("flag.example/m", "flag")


def test_set_keeps_what_else_is_in_the_file(mreg):
    mreg.run("config", "set", "log.level", "info")
    mreg.run("config", "set", "jobs", "8")
    mreg.run("config", "set", "registry", "ghcr.io/acme")
    mreg.run("config", "unset", "jobs")
    path = mreg.home / "config" / "mreg" / "config.json"
    assert json.loads(path.read_text()) == {
        "log": {"level": "info"}, "registry": "ghcr.io/acme"}
    assert mreg.run("config", "get", "log.level").stdout == "info\n"


def test_project_file_is_written_here(mreg, checkout):
    mreg.run("config", "set", "registry", "localhost:5000/m", "--project",
             cwd=checkout)
    assert json.loads((checkout / ".mreg.json").read_text()) == {
        "registry": "localhost:5000/m"}


@pytest.mark.parametrize("key, value", [
    ("http.plain", "true"), ("tls.caFile", "/tmp/ca.pem")])
def test_a_project_file_may_not_weaken_how_registries_are_reached(
        mreg, checkout, key, value):
    outer, inner = key.split(".")
    (checkout / ".mreg.json").write_text(json.dumps({outer: {inner: value}}))
    error = mreg.fails(2, "config", "show", cwd=checkout)
    assert key in error["message"] + error["cause"]
    (checkout / ".mreg.json").unlink()
    error = mreg.fails(2, "config", "set", key, value, "--project",
                       cwd=checkout)
    assert key in error["message"]


def test_a_project_file_may_not_say_who_approves(mreg, checkout):
    (checkout / ".mreg.json").write_text('{"actor": "the boss"}')
    error = mreg.fails(2, "config", "show", cwd=checkout)
    assert "actor" in error["message"] + error["cause"]
    assert "MREG_ACTOR" in error["hint"]


@pytest.mark.parametrize("key, value", [
    ("jobs", "0"), ("jobs", "65"), ("jobs", "many"), ("color", "blue"),
    ("log.level", "loud"), ("http.plain", "yes"), ("progress", "3"),
    ("limit.rate", "fast"), ("limit.layer", "10 gigs"), ("limit.request", "")])
def test_a_value_that_cannot_be_is_refused_and_not_written(mreg, key, value):
    error = mreg.fails(2, "config", "set", key, value)
    assert key in error["message"] and error["hint"]
    assert not (mreg.home / "config" / "mreg" / "config.json").exists()


def test_an_unknown_key_names_the_nearest(mreg):
    error = mreg.fails(2, "config", "get", "registy")
    assert "registry" in error["hint"]


def test_a_bad_value_in_the_environment_says_where_it_is(mreg):
    error = mreg.fails(2, "ls", env={"MREG_JOBS": "none"})
    assert "MREG_JOBS" in error["message"]


def test_without_any_home_the_local_store_has_to_be_named(mreg, model):
    env = {"HOME": "", "XDG_DATA_HOME": "", "XDG_CACHE_HOME": "",
           "XDG_CONFIG_HOME": "", "MREG_STORE": ""}
    error = mreg.fails(2, "push", model, "m", env=env)
    assert "local store" in error["message"] and "MREG_STORE" in error["hint"]


def test_everything_works_without_a_writable_home(mreg, model, tmp_path):
    env = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/proc/none",
           "XDG_CONFIG_HOME": "/nonexistent", "XDG_DATA_HOME": ""}
    first = mreg.json("push", model, "m", env=env)
    again = mreg.json("push", model, "m", env=env)
    assert again["identical"] and again["digest"] == first["digest"]
    mreg.run("pull", "m", "-o", tmp_path / "out", env=env)
    assert (tmp_path / "out").is_dir()
