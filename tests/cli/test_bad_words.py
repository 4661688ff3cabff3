"""test_bad_words.py - what was typed: commands, flags, references, metadata."""
import json

import pytest

import bad
from harness import write


@pytest.fixture
def who(tmp_path):
    return bad.user(tmp_path / "home")


@pytest.fixture
def model(tmp_path):
    write(tmp_path / "m/config.json", "{}\n")
    write(tmp_path / "m/model.bin", b"weights" * 100)
    return tmp_path / "m"


@pytest.fixture
def target(tmp_path):
    return bad.sentinel(tmp_path / "target")


# -- commands and flags -------------------------------------------------------


@pytest.mark.parametrize("word, meant", [
    ("psuh", "push"), ("pul", "pull"), ("resolv", "resolve"),
    ("inspekt", "inspect"), ("lst", "ls"), ("lgoin", "login"),
    ("confg", "config"), ("alais", "alias"), ("versoin", "version"),
])
def test_unknown_command_suggests_the_nearest(who, word, meant):
    bad.refused(who, 2, word, names=word, advice=f"mreg {meant}",
                quiet_in=[who.store])


@pytest.mark.parametrize("words, meant", [
    (("alias", "sett", "m", "x"), "alias set"),
    (("alias", "remove", "m:x"), "alias"),
    (("config", "sho"), "config show"),
])
def test_unknown_part_of_a_command_suggests_the_nearest(who, words, meant):
    bad.refused(who, 2, *words, advice=meant, quiet_in=[who.store])


def test_nothing_like_a_command_points_at_the_help(who):
    bad.refused(who, 2, "qqqqqqqqqq", names="qqqqqqqqqq", advice="help",
                quiet_in=[who.store])


@pytest.mark.parametrize("flag, meant", [
    ("--metrci", "--metric"), ("--exlude", "--exclude"), ("--dry-rum",
                                                          "--dry-run"),
    ("--licence", "--license"), ("--jbos", "--jobs"),
])
def test_unknown_flag_suggests_the_nearest(who, model, flag, meant):
    bad.refused(who, 2, "push", flag, "x", model, "m", names=flag,
                advice=meant, quiet_in=[who.store, model])


@pytest.mark.parametrize("words, culprit", [
    (("push",), "DIR"), (("pull",), "REF"), (("pull", "m", "n"), "n"),
    (("pull", "m", "-o"), "-o"), (("pull", "m", "--jobs", "many"), "many"),
    (("pull", "m", "--jobs", "-1"), "-1"),
    (("pull", "m", "--jobs", "99999999999999999999"), "9999"),
    (("pull", "m", "--dry-run=yes"), "--dry-run"),
    (("ls", "--color", "sometimes"), "sometimes"),
    (("ls", "--progress", "loud"), "loud"), (("pull", "m", "-Z"), "-Z"),
    (("config", "set", "no.such.key", "x"), "no.such.key"),
    (("push", "x", "m", "--kind", "spaceship"), "spaceship"),
])
def test_wrong_arguments_are_named(who, words, culprit):
    bad.refused(who, 2, *words, names=culprit)


# -- references ------------------------------------------------------------------

NO_REFERENCES = [
    "", " ", "/", ":", "@", "m:", "m@", "m@sha256:", "m@sha256:xyz",
    "m@md5:d41d8cd98f00b204e9800998ecf8427e", "m@sha256:" + "a" * 63,
    "m@sha256:" + "A" * 64, "m@sha256:" + "a" * 65, "m@sha256:../../x",
    "m@sha512:" + "a" * 64, "UPPER", "a//b", "/a", "a/", "../m", "a/../b",
    "./m", "a/./b", "-m/x", "m:v1:v2", "m:-x", "m:" + "t" * 129, "m n", "m\tn",
    "m\nn", "m\x1b[31m", "m\\n", "http://localhost:1/m", "https://x.invalid/m",
    "localhost:99999/m", "localhost:/m", "localhost:abc/m",
    "user:pw@host.invalid/m", "host.invalid/" + "a" * 300, "größe", "m;rm",
    "$(m)", "m?x=1", "m#x", "oci:", "oci:dir", "oci://", "oci:dir//",
    "m\x7f", "mreg.m", "blobs", "index.json", "oci-layout", "a/blobs/b",
    "[::1/m", "a" * 5000,
]


@pytest.mark.parametrize("text", NO_REFERENCES,
                         ids=lambda t: repr(t)[:30])
def test_what_is_no_reference_is_refused_before_anything_is_done(
        who, model, target, text):
    bad.refused(who, 2, "pull", "-o", target, "--", text,
                quiet_in=[who.store, target])
    for command in ("resolve", "inspect"):
        who.run(command, "--", text, status=2)
    bad.refused(who, 2, "push", "--", model, text,
                quiet_in=[who.store, model])


@pytest.mark.parametrize("text", ["m\x1b[31m", "m\nn", "m\u202en"])
def test_control_bytes_of_a_reference_are_escaped(who, text):
    r = who.run("pull", text, status=2)
    for c in ("\x1b", "\u202e"):
        assert c not in r.stderr
    assert "m\nn" not in r.stderr


def test_a_reference_that_is_no_utf8_is_refused(who):
    r = bad.subprocess.run([who.binary, "pull", b"m\xff\xfe"], env=who.env,
                           capture_output=True)
    assert r.returncode == 2 and r.stdout == b""
    r.stderr.decode()


@pytest.mark.parametrize("tag, words", [
    ("v3", "numbers"), ("latest", "latest"), ("mreg.log.1", "alias"),
    ("sha256-" + "a" * 64, "alias"), ("x-image", "alias"),
    ("x.sig", "alias"),
])
def test_push_refuses_tags_that_are_not_the_users(who, model, tag, words):
    bad.refused(who, 2, "push", model, f"m:{tag}", names=tag, advice=words,
                quiet_in=[who.store, model])


def test_push_to_a_digest_is_refused(who, model):
    bad.refused(who, 2, "push", model, "m@sha256:" + "a" * 64,
                quiet_in=[who.store])


@pytest.mark.parametrize("alias", ["v7", "latest", "1.2.0", "a b", "",
                                   "mreg.x", "x-docker", "sha256-" + "0" * 64])
def test_what_cannot_be_an_alias_is_refused(who, model, alias):
    who.run("push", model, "m")
    bad.refused(who, 2, "alias", "set", "m:v1", "--", alias,
                quiet_in=[who.store])


# -- what is not there ---------------------------------------------------------


def test_no_such_repository_tag_or_digest(who, model, target):
    who.run("push", model, "m")
    kept = [who.store, target]
    gone = "sha256:" + "0" * 64
    for ref, culprit in (("nothere", "nothere"), ("nothere:v1", "nothere"),
                         ("m:v9", "v9"), ("m:staging", "staging"),
                         (f"m@{gone}", gone)):
        for words in (("pull", ref, "-o", target), ("resolve", ref),
                      ("inspect", ref)):
            bad.refused(who, 3, *words, names=culprit, advice="mreg ls",
                        quiet_in=kept)
    bad.refused(who, 3, "ls", "nothere", names="nothere", quiet_in=kept)
    bad.refused(who, 3, "alias", "set", "m:v9", "production", names="v9",
                quiet_in=kept)
    bad.refused(who, 3, "alias", "rm", "m:production", names="production",
                quiet_in=kept)


def test_parent_that_is_not_there_fails_the_push(who, model):
    who.run("push", model, "m")
    write(model / "more.txt", "more\n")
    for words in (("--parent", "finetune=base:v4"),
                  ("--input", "train=data/churn:v3")):
        bad.refused(who, 3, "push", model, "m", *words, names=words[1][9:13]
                    .strip("=:"), quiet_in=[who.store])


# -- metadata --------------------------------------------------------------------


@pytest.mark.parametrize("value", [
    "nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999", "0x10", "1,5",
    "", "one", "1e", "--1", "1 ", "٣", "1_000", "+-1"])
def test_a_metric_that_is_no_finite_number_is_refused(who, model, value):
    bad.refused(who, 2, "push", model, "m", f"--metric=auc={value}",
                names="auc", advice="0.91", quiet_in=[who.store, model])


@pytest.mark.parametrize("words", [
    ("--metric", "auc"), ("--metric", "=1"), ("--metric", "a b=1"),
    ("--param", "lr"), ("--param", "=x"), ("--tag", "novalue"),
    ("--parent", "cousin=base:v1"), ("--parent", ""), ("--input", "nothing"),
    ("--created", "yesterday"), ("--because", "sha256:12"),
    ("--annotation", "org.mreg.schema=2"), ("--annotation", "x"),
])
def test_wrong_metadata_is_refused(who, model, words):
    bad.refused(who, 2, "push", model, "m", *words,
                quiet_in=[who.store, model])


@pytest.mark.parametrize("name, text, status", [
    ("m.json", "{", 1), ("m.json", "[]", 1),
    ("m.json", '{"metrics": {"auc": NaN}}', 1),
    ("m.json", '{"metrics": {"auc": "nan"}}', 2),
    ("m.json", '{"metrics": {"auc": true}}', 2),
    ("m.json", '{"metrics": {"auc": 1e999}}', 1),
    ("m.json", '{"licence": "MIT"}', 2),
    ("m.json", '{"license": "MIT", "license": "GPL"}', 1),
    ("m.json", "[" * 5000 + "]" * 5000, 1),
    ("m.json", '{"a": "' + "x" * (5 << 20) + '"}', 1),
    ("m.json", "<html></html>", 1),
    ("m.yaml", "metrics: {auc: .nan}", 2),
    ("m.yaml", "a: &a [*a]", 1), ("m.yaml", "a: [1, 2", 1),
    ("m.yaml", "license: MIT\nlicense: GPL\n", 1),
    ("m.yaml", "a: !!python/object/apply:os.system [id]", 1),
    ("m.yaml", "a: &x [1]\nb: [*x, *x, *x]\n", 1),
], ids=lambda v: repr(v)[:24])
def test_a_wrong_metadata_file_is_refused(who, model, tmp_path, name, text,
                                          status):
    path = write(tmp_path / name, text)
    r = who.run("push", model, "m", "--metadata", path, status=None)
    assert r.status in (1, 2), str(r)
    bad.refused(who, r.status, "push", model, "m", "--metadata", path,
                names=name, quiet_in=[who.store, model])


def test_a_metadata_file_that_is_not_there(who, model, tmp_path):
    bad.refused(who, 3, "push", model, "m", "--metadata",
                tmp_path / "none.json", names="none.json",
                quiet_in=[who.store])
    bad.refused(who, 1, "push", model, "m", "--metadata", tmp_path,
                names=str(tmp_path)[:40], quiet_in=[who.store])


@pytest.mark.parametrize("text, status", [("{", 1), ("double -> long", 2)])
def test_a_signature_that_is_no_json_is_refused(who, model, text, status):
    bad.refused(who, status, "push", model, "m", "--signature", text,
                names="signature", quiet_in=[who.store, model])


# -- settings ---------------------------------------------------------------------


def test_a_broken_settings_file_is_named(who, model):
    path = write(who.home / "config/mreg/config.json", "{\"registry\": ")
    r = who.run("ls", status=None)
    bad.refused(who, r.status, "ls", names="config.json",
                quiet_in=[who.store])
    assert r.status in (1, 2)
    path.write_text(json.dumps({"registry": 5}))
    r = who.run("ls", status=None)
    assert r.status in (1, 2), str(r)
    bad.refused(who, r.status, "ls", names="registry", quiet_in=[who.store])


def test_output_that_cannot_be_written_is_an_error(who, model):
    """H101: never success when the answer is lost."""
    who.run("push", model, "m")
    for words in (("ls",), ("ls", "--json"), ("resolve", "m"),
                  ("inspect", "m"), ("version",), ("--help",)):
        with open("/dev/full", "w") as full:
            r = bad.subprocess.run([who.binary, *words], env=who.env,
                                   stdout=full, stderr=-1, text=True)
        assert r.returncode == 1, f"{words}: {r.returncode} {r.stderr}"
        assert "No space left" in r.stderr


def test_huge_and_odd_environments_do_no_harm(who, model):
    """H105."""
    for name in ("MREG_REGISTRY", "MREG_STORE", "MREG_AUTHOR", "MREG_LOG",
                 "MREG_ACTOR", "HOME", "XDG_CACHE_HOME"):
        for value in ("\x1b[31mred\x07", "x" * 100000):
            r = who.run("push", model, "m", status=None, env={name: value})
            assert r.status in (0, 1, 2, 4, 8), str(r)
            assert "\x1b" not in r.stdout + r.stderr, name
