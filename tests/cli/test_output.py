"""test_output.py - what commands say, where, and with which exit status
(house.md 5)."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

import harness
from words import COMMANDS, GLOBAL, LISTS

ESC = "\x1b"


def files(folder):
    """{path: bytes} of everything below, folders as None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
            for p in folder.rglob("*")} if folder.exists() else None


def columns(text):
    return max(map(len, text.splitlines()), default=0)


# -- help -------------------------------------------------------------------------


def test_help_lists_every_command(mreg):
    """Those of a group on one line."""
    r = mreg.run("--help")
    listed = []
    for word, text in re.findall(r"^  ([a-z-]+)  +(.*(?:\n   .*)*)", r.stdout,
                                 re.M):
        group = re.match(r"((?:[a-z]+, )+[a-z]+): ", text)
        listed += [f"{word} {part}" for part in group[1].split(", ")] \
            if group else [word]
    assert listed == COMMANDS
    assert r.stderr == "" and columns(r.stdout) <= 80
    assert r.stdout.count("\n") <= 72
    assert mreg.run("-h").stdout == r.stdout
    assert mreg.run("help").stdout == r.stdout
    assert mreg.run().stdout == r.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_80_columns(mreg, command):
    r = mreg.run(*command.split(), "--help")
    assert r.stdout.startswith(f"usage: mreg {command} ")
    assert r.stderr == "" and columns(r.stdout) <= 80
    assert not re.search(r"[ \t]$", r.stdout, re.M)
    assert mreg.run(*command.split(), "-h").stdout == r.stdout
    assert mreg.run("help", *command.split()).stdout == r.stdout


def test_options_of_every_command_are_explained_once(mreg):
    r = mreg.run("help", "options")
    assert columns(r.stdout) <= 80 and r.stderr == ""
    for option in GLOBAL:
        assert len(re.findall(rf"^  +(?:-., )?{option}\b", r.stdout, re.M)) == 1
        assert option in mreg.run("ls", "--help").stdout
    assert "'mreg help options'" in mreg.run("--help").stdout


def test_help_wins_over_missing_arguments(mreg):
    assert mreg.run("push", "x", "-h").stdout.startswith("usage: mreg push")


@pytest.mark.parametrize("group", ["alias", "config"])
def test_help_of_a_group_lists_its_commands(mreg, group):
    r = mreg.run(group, "--help")
    assert r.stdout.startswith(f"usage: mreg {group} COMMAND")
    for command in COMMANDS:
        assert (f"  {command} " in r.stdout) == command.startswith(group + " ")
    assert columns(r.stdout) <= 80


def test_examples_of_help_are_understood(mreg):
    """Every example parses: none fails with 'usage' for its options."""
    for command in COMMANDS:
        text = mreg.run(*command.split(), "--help").stdout
        if "examples:" not in text:
            continue
        examples = re.sub(r" \\\n +", " ", text.split("examples:")[1])
        for line in examples.strip().splitlines():
            words, = (part.split() for part in re.split(r"[|<>]", line)
                      if part.split()[0] == "mreg")
            r = mreg.run(*words[1:], "--help")
            assert r.stdout == text, line


def test_version_is_told_in_three_ways(mreg):
    text = mreg.run("version").stdout
    assert re.fullmatch(r"mreg \d+\.\d+\.\d+\n", text)
    assert mreg.run("--version").stdout == text
    assert mreg.run("-V").stdout == text
    assert mreg.json("version")["schema"] == "mreg.version/1"


# -- wrong command lines ----------------------------------------------------------


@pytest.mark.parametrize("words, said, hint", [
    ("psuh a b", "unknown command 'psuh'", "'mreg push'"),
    ("alias sett a b", "unknown command 'alias sett'", "'mreg alias set'"),
    ("xyzzy", "unknown command 'xyzzy'", "'mreg --help'"),
    ("push a b --dryrun", "unknown option '--dryrun'", "'--dry-run'"),
    ("pull a --quite", "unknown option '--quite'", "'--quiet'"),
    ("--jsno ls", "unknown option '--jsno'", "'--json'"),
    ("pull", "'mreg pull' needs REF", "'mreg pull --help'"),
    ("push a", "'mreg push' needs NAME", "'mreg push --help'"),
    ("resolve a b", "'b' is one word too many", "'mreg resolve --help'"),
    ("pull a -j many", "needs a number, not 'many'", "whole number"),
    ("ls --progress=fast", "--progress cannot be 'fast'",
     "auto|bar|plain|json|none"),
    ("ls --color", "--color needs a value", "auto|always|never"),
    ("push a b --all=1", "--all takes no value", ""),
    ("completion tcsh", "'tcsh'", ""),
])
def test_a_wrong_word_is_named_and_the_nearest_told(mreg, words, said, hint):
    r = mreg.run(*words.split(), status=2)
    assert r.stdout == ""
    assert r.stderr.startswith("error: ") and said in r.stderr
    assert hint in r.stderr
    error = mreg.run("--json", *words.split(), status=2).error
    assert error["code"] == "usage" and said in error["message"]


def test_values_that_help_describes_are_taken(mreg, model, pushed):
    """None of these is taken for a list of the only words allowed."""
    mreg.run("alias", "set", "churn:v1", "prod", "--expect", "none")
    mreg.run("alias", "set", "churn:v1", "prod", "--expect", pushed)
    mreg.run("push", model, "other", "--environment", "README.md",
             "--input", "train=s3://bucket/rows")


def test_jsonl_is_only_for_lists(mreg):
    error = mreg.fails(2, "version", "--jsonl")
    assert "no list" in error["message"] + error["hint"]


# -- JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize("words, schema", [
    ("push {model} fresh", "push"),
    ("push {model} fresh --dry-run", "push"),
    ("pull churn", "pull"),
    ("pull churn --dry-run", "pull"),
    ("resolve churn", "resolve"),
    ("ls", "models"),
    ("ls churn", "versions"),
    ("inspect churn:staging", "inspect"),
    ("alias set churn:v1 prod", "alias"),
    ("alias set churn:v1 prod --dry-run", "alias"),
    ("alias rm churn:staging", "alias"),
    ("alias ls churn", "aliases"),
    ("logout localhost:1", "logout"),
    ("config show", "config"),
    ("config get jobs", "config"),
    ("config set jobs 3", "config"),
    ("config unset jobs", "config"),
    ("version", "version"),
])
def test_json_is_one_document_with_a_schema(mreg, model, pushed, words,
                                            schema):
    words = words.format(model=model).split()
    r = mreg.run(*words, "--json")
    assert r.stderr == "" and r.stdout.count("\n") == 1
    assert r.json["schema"] == f"mreg.{schema}/1"


def test_json_may_be_asked_for_before_the_command(mreg, pushed):
    assert mreg.run("--json", "ls").stdout == mreg.run("ls", "--json").stdout


@pytest.mark.parametrize("words", LISTS)
def test_jsonl_is_one_object_a_line(mreg, pushed, words):
    r = mreg.run(*words.split(), "--jsonl")
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    assert rows and all(isinstance(row, dict) for row in rows)
    assert r.stderr == ""
    whole = mreg.json(*words.split())
    longest = max((v for v in whole.values() if isinstance(v, list)), key=len)
    assert len(rows) == len(longest)


FAILURES = [
    # exit status, code, what is run
    (1, "format", "push {model} churn --metadata {tmp}/broken.json"),
    (1, "limit", "push {model} churn --metadata {tmp}/huge.json"),
    (2, "usage", "pull UPPER"),
    (2, "usage", "inspect churn@sha256:12"),
    (2, "usage", "config get registri"),
    (2, "usage", "alias set churn:v1 v7"),
    (2, "usage", "push {model} churn --metric auc=high"),
    (3, "not_found", "ls nope"),
    (3, "not_found", "pull nope"),
    (3, "not_found", "pull churn:nope"),
    (3, "not_found", "resolve churn@sha256:" + "0" * 64),
    (3, "not_found", "push {tmp}/nope churn"),
    (3, "not_found", "alias rm churn:nope"),
    (4, "conflict", "alias set churn:v1 staging --expect none"),
    (4, "conflict", "push {model} churn:1.2.0 --metric auc=0.1"),
    (8, "network", "pull localhost:{port}/m"),
]


@pytest.fixture
def ready(mreg, model, tmp_path, pushed):
    """What FAILURES need."""
    mreg.run("push", model, "churn:1.2.0")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "huge.json").write_text('{"a": "%s"}' % ("x" * (2 << 20)))
    port = harness.free_port()
    return lambda words: words.format(model=model, tmp=tmp_path,
                                      port=port).split()


@pytest.mark.parametrize("status, code, words", FAILURES)
def test_a_failure_is_one_line_of_json_and_no_result(mreg, ready, store,
                                                     status, code, words):
    before = files(store)
    r = mreg.run(*ready(words), "--json", status=status)
    assert r.stdout == "" and r.stderr.count("\n") == 1
    assert json.loads(r.stderr).keys() == {"error"}
    error = r.error
    assert error["code"] == code
    assert set(error) >= {"code", "message", "hint", "cause"}
    message = error["message"]
    assert message and not message.endswith(".") and "\n" not in message
    assert message[0] == message[0].lower() or message[0] == "'"
    assert files(store) == before


def timeless(text):
    """Without how long curl took, which differs from run to run."""
    return re.sub(r" after \d+ ms", "", text)


@pytest.mark.parametrize("status, code, words", FAILURES)
def test_a_failure_is_told_to_people_on_stderr(mreg, ready, status, code,
                                               words):
    r = mreg.run(*ready(words), status=status)
    assert r.stdout == ""
    assert r.stderr.startswith("error: ")
    assert "cause:" not in r.stderr
    # Quiet or not, an error is told.
    quiet = mreg.run(*ready(words), "-q", status=status)
    assert timeless(quiet.stderr) == timeless(r.stderr)


def test_verbose_adds_the_cause(mreg):
    port = harness.free_port()
    words = ["pull", f"localhost:{port}/m", "--no-progress"]
    cause = mreg.fails(8, *words)["cause"]
    r = mreg.run(*words, "-v", status=8)
    assert cause and timeless(cause) in timeless(r.stderr)


def test_wrong_bytes_are_told_as_integrity(mreg, store, pushed):
    big = max((p for p in store.rglob("blobs/sha256/*")),
              key=lambda p: p.stat().st_size)
    data = bytearray(big.read_bytes())
    data[100] ^= 1
    big.chmod(0o644)
    big.write_bytes(data)
    error = mreg.fails(6, "pull", "churn")
    assert error["code"] == "integrity"
    assert not (mreg.home / "churn/model.bin").exists()


@pytest.mark.parametrize("words", [
    "version", "--help", "push --help", "completion bash", "completion man",
    "ls", "config show", "resolve churn", "ls --json"])
def test_a_result_that_cannot_be_written_is_an_error(mreg, pushed, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(mreg.command(*words.split()), env=mreg.env,
                              stdout=full, stderr=subprocess.PIPE, text=True,
                              cwd=mreg.home)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr


def test_a_reader_that_went_away_kills_nobody(mreg, pushed):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(mreg.command("config", "show"), env=mreg.env,
                          stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 1 and done.stderr == ""


# -- quiet, colours, outside text ---------------------------------------------------


def test_quiet_leaves_stderr_empty(mreg, model):
    for words in (["push", model, "churn"], ["pull", "churn"], ["ls"],
                  ["alias", "set", "churn:v1", "prod"]):
        assert mreg.run(*words, "-q").stderr == "", words
    assert mreg.run("resolve", "churn", "-q").stdout.startswith("sha256:")


def test_pipes_have_no_colour(mreg, pushed):
    for words in ("ls churn", "inspect churn", "alias ls churn",
                  "config show"):
        assert ESC not in mreg.run(*words.split()).stdout
    assert ESC not in mreg.run("pull", "nope", status=3).stderr


def test_color_always_colours_pipes(mreg, pushed):
    assert ESC in mreg.run("ls", "churn", "--color=always").stdout
    assert ESC in mreg.run("pull", "nope", "--color", "always",
                           status=3).stderr
    # The flag wins over the environment.
    assert ESC in mreg.run("ls", "churn", "--color=always",
                           env={"NO_COLOR": "1"}).stdout


@pytest.mark.parametrize("env, words, coloured", [
    ({}, [], True),
    ({"NO_COLOR": "1"}, [], False),
    ({"NO_COLOR": ""}, [], True),
    ({"TERM": "dumb"}, [], False),
    ({}, ["--color=never"], False),
    ({"MREG_COLOR": "never"}, [], False),
    ({"NO_COLOR": "1"}, ["--color=always"], True),
    ({"MREG_COLOR": "never"}, ["--color=auto"], True),
])
def test_a_terminal_has_colour(terminal, pushed, env, words, coloured):
    t = terminal("ls", "churn", *words, env=env)
    assert t.status == 0 and "VERSION" in t.raw
    assert (ESC in t.raw) == coloured
    t = terminal("pull", "nope", *words, env=env)
    assert t.status == 3 and "no such model" in t.raw
    assert (ESC in t.raw) == coloured


def test_colour_is_for_each_stream(terminal, pushed):
    t = terminal("ls", "churn", out=subprocess.PIPE)
    assert "VERSION" in t.piped and ESC not in t.piped
    t = terminal("pull", "nope", err=subprocess.PIPE)
    assert "error:" in t.piped and ESC not in t.piped


def test_outside_text_moves_no_cursor(mreg, pushed):
    evil = f"x{ESC}[2J\x07\x08\u202ey"
    for words, status in ((["pull", evil], 2), ([evil], 2),
                          (["ls", "--" + evil], 2),
                          (["push", evil, "churn"], 3),
                          (["pull", "churn", "-o", f"{evil}/{evil}"], None),
                          (["ls", "--store", evil], None),
                          (["config", "get", evil], 2)):
        r = mreg.run(*words, status=status)
        for text in (r.stdout, r.stderr):
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text), r
    assert "\\x1b[2J" in mreg.run("pull", evil, status=2).stderr


# -- progress -----------------------------------------------------------------------


def test_short_transfers_show_no_progress(mreg, model, terminal):
    assert mreg.run("push", model, "churn").stderr == ""
    t = terminal("pull", "churn")
    assert t.status == 0 and not t.drawn and "%" not in t.raw


def test_a_terminal_has_a_bar_that_goes_away(terminal, slow):
    t = terminal("pull", slow.name, "-o", "out")
    assert t.status == 0, t.raw
    bars = [s for s in t.drawn if re.match(r" *\d+%", s)]
    assert 3 <= len(bars) <= 25
    assert all(len(s) < t.columns for s in bars)
    assert any(re.search(r"/s  ETA \d+:\d\d  \d/\d  model\.bin", s)
               for s in bars)
    shown = [int(s.split("%")[0]) for s in bars]
    assert shown == sorted(shown) and shown[-1] <= 100
    # What stays is the result alone.
    assert not any("%" in line or "ETA" in line for line in t.screen)
    assert t.screen[0].startswith("pulled")


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_the_bar_fits_the_terminal(terminal, slow, width):
    t = terminal("pull", slow.name, "-o", "out", columns=width)
    bars = [s for s in t.drawn if re.match(r" *\d+%", s)]
    assert t.status == 0 and bars
    assert all(len(s) < width for s in bars)


def test_a_dumb_terminal_gets_lines(terminal, slow):
    t = terminal("pull", slow.name, "-o", "out", env={"TERM": "dumb"})
    assert t.status == 0 and not t.drawn
    assert "done  model.bin  800.0 KiB" in t.screen


def test_a_log_gets_a_line_for_each_blob(mreg, slow):
    r = mreg.run("pull", slow.name, "-o", "out")
    assert sorted(r.stderr.splitlines()) == sorted([
        "done  README.md  8 B", "done  config.json  11 B",
        "done  model.bin  800.0 KiB"])
    assert r.stdout.startswith("pulled")


@pytest.mark.parametrize("words, env", [
    (["--json"], {}), (["-q"], {}), (["--no-progress"], {}),
    (["--progress=none"], {}), ([], {"MREG_PROGRESS": "none"}),
    (["-q"], {"MREG_PROGRESS": "plain"}),
])
def test_progress_can_be_turned_off(mreg, slow, words, env):
    r = mreg.run("pull", slow.name, "-o", "out", *words, env=env)
    assert r.stderr == ""


def test_progress_can_be_asked_for_by_name(mreg, terminal, slow):
    r = mreg.run("pull", slow.name, "-o", "a", "--progress=bar")
    assert re.search(r"^ *\d+% .*/s  ETA", r.stderr, re.M)
    t = terminal("pull", slow.name, "-o", "b", "--progress=plain")
    assert not t.drawn and "done  model.bin  800.0 KiB" in t.screen
    r = mreg.run("pull", slow.name, "-o", "c", "--json", "--progress=plain")
    assert "done  model.bin" in r.stderr and r.json


def test_progress_as_json_adds_up(mreg, slow):
    r = mreg.run("pull", slow.name, "-o", "out", "--progress=json", "--json")
    events = [json.loads(line) for line in r.stderr.splitlines()]
    assert all(e["type"] == "progress" for e in events)
    kinds = [e["event"] for e in events]
    assert kinds.count("plan") == 1 and kinds[-1] == "end"
    plan = events[kinds.index("plan")]
    assert plan["count"] == 3
    assert plan["total"] == sum(e["bytes"] for e in events
                                if e["event"] == "bytes")
    assert kinds.count("start") == kinds.count("done") == 3
    mine = [e for e in events if e["label"] == "model.bin"]
    assert mine[-1]["event"] == "done"
    assert sum(e["event"] == "bytes" for e in mine) <= 10 * 4
    assert r.json["schema"] == "mreg.pull/1"


def test_a_failure_leaves_no_bar_behind(terminal, slow, store, tmp_path):
    big = max((tmp_path / "slow/store").rglob("blobs/sha256/*"),
              key=lambda p: p.stat().st_size)
    big.chmod(0o644)
    big.write_bytes(big.read_bytes()[:-1] + b"!")
    t = terminal("pull", slow.name, "-o", "out")
    assert t.status == 6, t.raw
    assert t.drawn
    assert t.screen[0].startswith("error: ")


# -- nothing written ------------------------------------------------------------------


def test_a_dry_run_of_push_writes_nothing(mreg, model, store):
    r = mreg.run("push", model, "churn:staging", "--dry-run")
    assert r.stdout.startswith("would push")
    assert not files(store)
    done = mreg.json("push", model, "churn:staging", "--dry-run")
    assert done["dryRun"] is True and done["bytesSent"] > 0
    assert not files(store)
    # And it says what a push then does.
    assert mreg.json("push", model, "churn")["digest"] == done["digest"]
    before = files(store)
    mreg.run("push", model, "churn:1.0.0", "-a", "x", "-m", "a=1", "-n")
    assert files(store) == before


def test_a_dry_run_of_pull_writes_nothing(mreg, pushed, store):
    before = files(store)
    done = mreg.json("pull", "churn", "--dry-run")
    assert done["dryRun"] is True and done["bytesFetched"] > 0
    assert not (mreg.home / "churn").exists()
    mreg.run("pull", "churn", "-n", "-o", "deep/down")
    assert not (mreg.home / "deep").exists()
    assert files(store) == before


def test_a_dry_run_of_alias_writes_nothing(mreg, pushed, store):
    before = files(store)
    assert mreg.json("alias", "set", "churn:v1", "x", "-n")["changed"] is True
    assert mreg.json("alias", "rm", "churn:staging", "-n")["dryRun"] is True
    assert files(store) == before


# -- interrupted ------------------------------------------------------------------------


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_pull_says_so(mreg, hanging, sig):
    process = mreg.start("pull", hanging.name, "-o", "out", "--json")
    assert hanging.asked.wait(20)
    began = time.monotonic()
    process.send_signal(sig)
    r = harness.finish(process, 20)
    assert time.monotonic() - began < 5
    assert r.status == 130 and r.stdout == ""
    assert r.error["code"] == "canceled"
    assert not (mreg.home / "out").exists()


def test_an_interrupted_pull_leaves_no_wrong_file(mreg, slow):
    slow.go.clear()
    process = mreg.start("pull", slow.name, "-o", "out")
    assert slow.half.wait(20)
    process.send_signal(signal.SIGINT)
    r = harness.finish(process, 20)
    slow.go.set()
    assert r.status == 130
    assert "error: interrupted" in r.stderr
    assert not (mreg.home / "out/model.bin").exists()
    mreg.run("pull", slow.name, "-o", "out")
    assert (mreg.home / "out/model.bin").stat().st_size == 819200


def test_an_interrupted_push_is_invisible(mreg, model, store):
    with open(model / "large.bin", "wb") as f:
        f.truncate(64 << 30)
    process = mreg.start("push", model, "churn", "--progress=json")
    under_way = any(event["event"] == "start" and event["label"] == "large.bin"
                    for event in map(json.loads, process.stderr))
    process.send_signal(signal.SIGINT)
    r = harness.finish(process, 60)
    assert under_way and r.status == 130, str(r)
    assert mreg.run("resolve", "churn", status=3).stdout == ""
    left = [p for p in store.rglob("*") if p.is_file()] \
        if store.exists() else []
    assert sum(p.stat().st_size for p in left) < 1 << 20
