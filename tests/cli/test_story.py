"""test_story.py - scripts/story: a newcomer runs it, and reads in it how a model
lives."""
import os
import re
import subprocess

import pytest

import harness

SCRIPT = harness.ROOT / "scripts/story"


def tell(tmp_path, *options, **env):
    """What it says, run by somebody with settings of their own."""
    done = subprocess.run(
        [SCRIPT, *options], capture_output=True, text=True, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path),
             "TMPDIR": str(tmp_path), "MREG": str(harness.program()),
             "MREG_STORE": "/nowhere", "MREG_ACTOR": "nobody", **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return tell(tmp_path_factory.mktemp("story"))


def part(told, number):
    """What was run below a line such as "4. To production...", and said."""
    return re.search(rf"^{number}\. .*?(?=^\d+\. |\Z)", told, re.M | re.S)[0]


def test_a_refusal_names_every_gate(told):
    said = part(told, 4)
    for gate in ("suites.holdout", "approvals.risk", "approvals.owner"):
        assert f"error: aliases.production.{gate}: " in said
    assert "nothing was promoted" in said
    assert "moved churn:production -> v1" in part(told, 7)


def test_the_third_window_makes_a_retraining_due(told):
    said = part(told, 9)
    assert said.count("recorded of churn:v2") == 3
    event, = re.findall(r"--because (sha256:[0-9a-f]{64})$", said, re.M)
    assert f"--because {event} --as ada\npushed churn:v3" in part(told, 10)


def test_it_goes_back(told):
    assert "moved churn:production -> v2" in part(told, 11)
    now = part(told, 12)
    assert re.search(r"^v2 +production ", now, re.M)
    assert re.search(r"^v3 +staging ", now, re.M)
    assert re.search(r"^churn +v2 +prod +scorer ", now, re.M)


def test_the_log_tells_it_all_in_order(told):
    said = part(told, 13)
    rows = re.findall(r"^(\d+) +\S+Z +(\S+) +([a-z]+ ?[a-z]+)  +(.*)$",
                      said.split("$ mreg log churn --verify")[0], re.M)
    assert [int(r[0]) for r in rows] == list(range(1, len(rows) + 1))
    moves = [r[3].split(":", 1)[1].split(",")[0] for r in rows
             if r[2] == "alias moved" and r[3].startswith("production")]
    assert moves == [" v1", " v2", " v3", " v2"]
    kinds = {r[2] for r in rows}
    assert kinds == {
        "record written", "policy changed", "version registered",
        "alias moved", "approval asked", "approval granted", "deployed",
        "evaluated",
        "observed", "retrain due", "incident"}
    assert {r[1] for r in rows} == {"ada", "rita", "ron", "olga", "deployer",
                                    "monitor", "oncall"}
    assert said.rstrip().endswith(
        f"whole: {len(rows)} events, each follows those before it")


def test_it_leaves_nothing_unless_asked_to(tmp_path):
    tell(tmp_path)
    assert list(tmp_path.iterdir()) == []
    kept = tell(tmp_path, "--keep").rstrip().split("\n")[-1]
    store = kept.removeprefix("kept: MREG_STORE=")
    assert os.path.exists(f"{store}/churn/index.json")


def test_it_says_what_it_takes(tmp_path):
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "usage: scripts/story [--keep]\n"
