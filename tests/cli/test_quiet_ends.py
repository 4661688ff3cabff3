"""test_quiet_ends.py - whoever reads the result goes away; and hints that name
the command that was typed."""
import os
import subprocess

import pytest


@pytest.mark.parametrize("words", [["ls"], ["ls", "--json"], ["ls", "churn"],
                                   ["help"], ["doctor"]])
def test_a_reader_that_left_is_no_error_to_tell(mreg, pushed, words):
    """As after `| head -0`; the status says that not all was written."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(mreg.command(*words), stdout=writing,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          env=mreg.env, cwd=mreg.home, timeout=60)
    os.close(writing)
    assert done.stderr == b"" and done.returncode == 1


def test_a_full_disk_is_still_told(mreg, pushed):
    with open("/dev/full", "w") as full:
        done = subprocess.run(mreg.command("ls"), stdout=full,
                              stderr=subprocess.PIPE, text=True, env=mreg.env,
                              cwd=mreg.home, timeout=60)
    assert done.returncode == 1
    assert "error: cannot write the result" in done.stderr
    assert "hint: free some space" in done.stderr


@pytest.mark.parametrize("words, command", [
    (["copy", "x", "x"], "copy"),
    (["doctor", "--jsonl"], "doctor"),
    (["login", "localhost:1", "-u", "x", "--password-stdin"], "login"),
])
def test_hints_name_the_command(mreg, words, command):
    error = mreg.fails(2, *words)
    assert error["hint"] == f"see 'mreg {command} --help'"
