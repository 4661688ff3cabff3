"""test_require.py - what a consumer demands: a digest, a policy; by flag, by
variable, by a file; and a part of a version, put where it is wanted."""
import json

import pytest

import harness

MUTABLE = ["churn", "churn:staging", "churn:v1", "churn:latest"]
COMMANDS = [("resolve",), ("pull", "-o", "out")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
@pytest.mark.parametrize("ref", MUTABLE)
def test_a_digest_can_be_required(mreg, pushed, command, ref):
    """By flag or by setting; then a tag will not do, whichever it is."""
    words = [command[0], ref, *command[1:]]
    mreg.run(*words)
    for more, env in ((["--require-digest"], {}),
                      ([], {"MREG_REQUIRE_DIGEST": "1"}),
                      ([], {"MREG_REQUIRE_DIGEST": "true"})):
        error = mreg.fails(7, *words, *more, env=env)
        assert error["code"] == "policy" and ref in error["message"]
        assert "NAME@DIGEST" in error["hint"]
        assert ("MREG_REQUIRE_DIGEST" in error["hint"]) == bool(env)
    for ref in (f"churn@{pushed}", f"churn:v1@{pushed}"):
        mreg.run(command[0], ref, *command[1:], "--require-digest",
                 env={"MREG_REQUIRE_DIGEST": "1"})
    mreg.run(*words, env={"MREG_REQUIRE_DIGEST": "0"})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_a_policy_can_be_required_everywhere(mreg, pushed, command):
    words = [command[0], "churn:staging", *command[1:]]
    error = mreg.fails(7, *words, env={"MREG_REQUIRE_POLICY": "1"})
    assert "no policy in force" in error["message"]
    assert error == mreg.fails(7, *words, "--require-policy")
    mreg.run("config", "set", "require.policy", "true")
    mreg.fails(7, *words)


def test_a_project_may_demand_but_not_waive(mreg, pushed, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    file = folder / ".mreg.json"
    file.write_text(json.dumps({"require": {"digest": True}}))
    mreg.fails(7, "resolve", "churn", cwd=folder)
    file.unlink()
    mreg.run("config", "set", "require.digest", "true", "--project", cwd=folder)
    mreg.fails(7, "resolve", "churn", cwd=folder)
    mreg.run("config", "unset", "require.digest", "--project", cwd=folder)
    mreg.run("config", "set", "require.digest", "1")
    mreg.fails(7, "resolve", "churn", cwd=folder)
    for value in (False, "false", "0", 0):
        file.write_text(json.dumps({"require": {"digest": value}}))
        error = mreg.fails(2, "resolve", "churn", cwd=folder)
        assert "require.digest" in error["message"]
    file.unlink()
    error = mreg.fails(2, "config", "set", "require.digest", "false",
                       "--project", cwd=folder)
    assert "may not set" in error["message"]
    mreg.run("resolve", "churn", env={"MREG_REQUIRE_DIGEST": "0"}, cwd=folder)


@pytest.mark.parametrize("value", ["yes", "2", "TRUE", "on"])
def test_a_demand_is_true_or_false(mreg, value):
    error = mreg.fails(2, "resolve", "churn",
                       env={"MREG_REQUIRE_DIGEST": value})
    assert "MREG_REQUIRE_DIGEST" in error["message"]


# -- pull --below -----------------------------------------------------------------


@pytest.fixture
def nested(mreg, tmp_path):
    folder = tmp_path / "nested"
    for path in ("a/x.bin", "a/b/y.bin", "ab/z.bin", "x.bin", "a.txt"):
        harness.write(folder / path, path)
    mreg.run("push", folder, "nested")
    return folder


@pytest.mark.parametrize("given", ["a", "a/", "./a", "././a//"])
def test_below_puts_a_folders_files_without_it(mreg, nested, tmp_path, given):
    out = tmp_path / "out"
    result = mreg.json("pull", "nested", "--below", given, "-o", out)
    assert {f["path"] for f in result["files"]} == {"x.bin", "b/y.bin"}
    harness.assert_pulled(out, harness.tree(nested / "a"))
    again = mreg.json("pull", "nested", "--below", given, "-o", out)
    assert again["bytesFetched"] == 0 and again["filesKept"] == 2


def test_include_is_about_what_is_below(mreg, nested, tmp_path):
    out = tmp_path / "out"
    mreg.run("pull", "nested", "--below", "a", "--include", "b/*", "-o", out)
    assert [p.name for p in out.rglob("*.*")] == ["y.bin"]
    error = mreg.fails(3, "pull", "nested", "--below", "a", "--include",
                       "z.bin", "-o", out)
    assert "z.bin" in error["message"]


@pytest.mark.parametrize("given, status, said", [
    ("none", 3, "no folder"), ("a/x.bin", 3, "is a file"), ("", 2, "folder"),
    ("/", 2, "folder"), ("../a", 3, "no folder"), ("A", 3, "no folder"),
    ("x" * 5000, 2, "folder")])
def test_below_what_is_not_there(mreg, nested, tmp_path, given, status, said):
    error = mreg.fails(status, "pull", "nested", "--below", given, "-o",
                       tmp_path / "out")
    assert said in error["message"]
    assert not (tmp_path / "out").exists()


def test_below_is_not_for_exact(mreg, nested, tmp_path):
    error = mreg.fails(2, "pull", "nested", "--below", "a", "--exact", "-o",
                       tmp_path / "out")
    assert "--below" in error["message"]
