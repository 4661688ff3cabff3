"""test_completion.py - completion scripts and the man page come out whole."""
import re
import shutil
import subprocess

import pytest

import harness
from words import COMMANDS, GLOBAL


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_well_formed(mreg, tmp_path, shell):
    script = tmp_path / f"mreg.{shell}"
    script.write_text(mreg.run("completion", shell).stdout)
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n", script], capture_output=True,
                          text=True)
    assert done.returncode == 0 and done.stderr == ""


def complete_bash(mreg, tmp_path, line):
    """What <Tab> offers behind `line`."""
    script = tmp_path / "mreg.bash"
    script.write_text(mreg.run("completion", "bash").stdout)
    (tmp_path / "bin").mkdir(exist_ok=True)
    if not (tmp_path / "bin/mreg").exists():
        (tmp_path / "bin/mreg").symlink_to(mreg.binary)
    done = subprocess.run(
        ["bash", "-c", 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _mreg; '
         'printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, line],
        capture_output=True, text=True, cwd=mreg.home,
        env={**mreg.env, "PATH": f"{tmp_path}/bin:{mreg.env['PATH']}"})
    assert done.returncode == 0 and done.stderr == ""
    return [word for word in done.stdout.split("\n") if word]


@pytest.mark.parametrize("line, offered", [
    ("mreg pu", ["push", "pull"]),
    ("mreg alias ", ["set", "rm", "ls", "repair"]),
    ("mreg --store x ali", ["alias"]),
    ("mreg push --met", ["--metadata", "--metric"]),
    ("mreg --progress ", ["auto", "bar", "plain", "json", "none"]),
    ("mreg ls --color=n", ["never"]),
    ("mreg completion z", ["zsh"]),
    ("mreg pull ch", ["churn"]),
    ("mreg pull churn:st", ["staging"]),
    ("mreg pull churn -o wh", ["where"]),
    ("mreg pull other:", []),
    ("mreg push wh", ["where"]),
    ("mreg push x churn --from-run wh", ["where"]),
    ("mreg push where ch", ["churn"]),
    ("mreg push where --alias ", []),
    ("mreg nonsense ", []),
])
def test_bash_completes(mreg, tmp_path, pushed, line, offered):
    (mreg.home / "where").mkdir()
    assert complete_bash(mreg, tmp_path, line) == offered


def test_completion_is_quiet_about_trouble(mreg, tmp_path):
    mreg.env["MREG_REGISTRY"] = f"localhost:{harness.free_port()}"
    assert complete_bash(mreg, tmp_path, "mreg pull ") == []


def test_the_man_page_has_everything(mreg):
    page = mreg.run("completion", "man").stdout.replace("\\-", "-")
    for command in COMMANDS:
        assert f'.SS "mreg {command}' in page
        options = re.findall(r"(--[a-z-]+)", mreg.run(
            *command.split(), "--help").stdout.split("options of every")[0])
        for option in options:
            assert option in page
    for option in GLOBAL:
        assert f"\\fB{option}\\fR" in page
    for status in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130):
        assert f"\\fB{status}\\fR" in page


def test_the_man_page_is_proper_roff(mreg, tmp_path):
    page = tmp_path / "mreg.1"
    page.write_text(mreg.run("completion", "man").stdout)
    if not shutil.which("groff"):
        pytest.skip("no groff here")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
