"""test_bad_source.py - what push finds in a folder, and disks that are full
or cannot be written."""
import os
import signal
import subprocess
import threading
import time

import pytest

import bad
from harness import (MIB, NOBODY, assert_pulled, finish, small_model, tree,
                     write)


# What looks for leaks uses ptrace itself.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture
def who(tmp_path):
    return bad.user(tmp_path / "home")


@pytest.fixture
def store(who):
    """A local store with a model that may not be lost."""
    who.run("push", small_model(who.home / "first", 1), "m")
    return who.store


@pytest.fixture
def src(tmp_path):
    write(tmp_path / "src/config.json", "{}\n")
    write(tmp_path / "src/model.bin", b"weights" * 100)
    return tmp_path / "src"


@pytest.fixture
def open_tmp():
    """A folder that other users may pass through, unlike pytest's own."""
    import pathlib
    import shutil
    import tempfile
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mreg-bad-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def no_push(who, status, src, names, advice=None, **kwargs):
    return bad.refused(who, status, "push", src, "m", names=names,
                       advice=advice, quiet_in=[who.store, src], **kwargs)


# -- the folder ---------------------------------------------------------------


def test_a_folder_that_is_not_there(who, store, tmp_path):
    bad.refused(who, 3, "push", tmp_path / "none", "m", names="none",
                advice="path", quiet_in=[store])


def test_an_empty_folder(who, store, tmp_path):
    (tmp_path / "empty/inside").mkdir(parents=True)
    no_push(who, 2, tmp_path / "empty", "empty")


def test_a_folder_of_which_everything_is_left_out(who, store, src):
    write(src / ".mregignore", "*\n")
    no_push(who, 2, src, "src", advice=["--all", ".mregignore"])


def test_a_name_that_cannot_be_a_repository(who, store, tmp_path):
    """The name is never taken from the folder, so only the given one counts."""
    src = small_model(tmp_path / "Über Model!", 2)
    for name in ("Über", "My Model", "UPPER", "m!", ".hidden", "m..n", "_m"):
        bad.refused(who, 2, "push", src, name, quiet_in=[store, src])
    assert who.json("push", src, "fine")["number"] == 1


def test_a_dangling_link(who, store, src):
    (src / "gone.bin").symlink_to("../nowhere/gone.bin")
    no_push(who, 3, src, "gone.bin")


@pytest.mark.parametrize("make", [
    lambda src: (src / "loop").symlink_to("."),
    lambda src: (src / "loop").symlink_to("loop"),
    lambda src: ((src / "sub").mkdir(), (src / "sub/loop").symlink_to("..")),
], ids=["itself-folder", "itself", "above"])
def test_a_loop_of_links(who, store, src, make):
    make(src)
    r = who.run("push", src, "m", status=None)
    assert r.status in (1, 2, 4), str(r)
    no_push(who, r.status, src, "loop")


@pytest.mark.parametrize("make", [
    lambda p: os.mkfifo(p),
    lambda p: bad.harness.socket.socket(
        bad.harness.socket.AF_UNIX).bind(str(p)),
    lambda p: os.mknod(p, 0o20644, os.makedev(1, 5)),
    lambda p: p.symlink_to("/dev/zero"),
], ids=["fifo", "socket", "device", "link-to-device"])
def test_special_files(who, store, src, make):
    """H15: refused, and without opening them (a FIFO would hang)."""
    try:
        make(src / "odd")
    except PermissionError:
        pytest.skip("no device may be made here")
    r = who.run("push", src, "m", status=None, timeout=30)
    assert r.status in (1, 2, 9), str(r)
    no_push(who, r.status, src, "odd", timeout=30)


@pytest.mark.parametrize("name", [b"a\nb", b"a\x1bb", b"a\x7fb", b"\xff\xfe",
                                  b"back\\slash", b"tab\t"])
def test_names_that_no_model_may_have(who, store, src, name):
    with open(os.path.join(os.fsencode(src), name), "wb"):
        pass
    r = who.run("push", src, "m", status=None)
    assert r.status in (1, 2, 6), str(r)
    no_push(who, r.status, src, [])


def test_a_git_lfs_pointer(who, store, src):
    write(src / "model.safetensors",
          "version https://git-lfs.github.com/spec/v1\n"
          "oid sha256:" + "a" * 64 + "\nsize 12345\n")
    error = no_push(who, 1, src, "model.safetensors", advice="git lfs pull")
    assert error["code"] == "format"


def test_a_missing_shard(who, store, src):
    write(src / "model.safetensors.index.json", bad.compact(
        {"metadata": {}, "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors"}}))
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    write(src / "model-00001-of-00002.safetensors",
          len(header).to_bytes(8, "little") + header + b"\0" * 4)
    r = who.run("push", src, "m", status=None)
    assert r.status in (1, 3), str(r)
    no_push(who, r.status, src, "model-00002-of-00002.safetensors")


@pytest.mark.parametrize("index", [
    {"weight_map": {"a": "../secret"}}, {"weight_map": {"a": "/etc/passwd"}},
    {"weight_map": {"a": 5}}, {"weight_map": []}, [], {"weight_map": {}},
])
def test_a_wrong_shard_index_reads_nothing_outside(who, store, src, index):
    write(src / "model.safetensors.index.json", bad.compact(index))
    r = who.run("push", src, "m", status=None)
    assert r.status in (0, 1, 3, 6), str(r)
    if r.status:
        bad.refused(who, r.status, "push", src, "m", quiet_in=[store, src])


@pytest.mark.parametrize("what, make", [
    ("file", lambda src: (src / "model.bin").chmod(0)),
    ("folder", lambda src: (write(src / "sub/x", "x"),
                            (src / "sub").chmod(0))),
], ids=["file", "folder"])
def test_what_cannot_be_read(open_tmp, what, make):
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    who = bad.user(open_tmp / "home", uid=NOBODY)
    bad.shutil.copy(who.binary, open_tmp / "mreg")
    who.binary = open_tmp / "mreg"
    src = small_model(open_tmp / "src", 3)
    make(src)
    bad.refused(who, 1, "push", src, "m",
                names="model.bin" if what == "file" else "sub",
                advice="permission", quiet_in=[who.store, src])


def test_a_target_and_a_store_that_cannot_be_written(open_tmp):
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    who = bad.user(open_tmp / "home", uid=NOBODY)
    bad.shutil.copy(who.binary, open_tmp / "mreg")
    who.binary = open_tmp / "mreg"
    src = small_model(open_tmp / "src", 4)
    theirs = bad.sentinel(open_tmp / "theirs")
    who.run("push", src, "m")
    bad.refused(who, 1, "pull", "m", "-o", theirs, names="theirs",
                advice=["permission", "writable"],
                quiet_in=[theirs, who.store])
    bad.refused(who, 1, "pull", "m", "-o", theirs / "new", names="theirs",
                quiet_in=[theirs])
    bad.refused(who, 1, "push", "-j1", src, f"oci:{theirs}//m", names="theirs",
                quiet_in=[theirs, src])
    bad.refused(who, 1, "push", "-j1", src, "m", "--store",
                theirs / "store", names="theirs", quiet_in=[theirs, src])


def test_nothing_is_remembered_where_nothing_can_be(open_tmp):
    """product.md 5.9: everything works with no writable home."""
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    who = bad.user(open_tmp / "home", uid=NOBODY)
    bad.shutil.copy(who.binary, open_tmp / "mreg")
    who.binary = open_tmp / "mreg"
    os.chown(who.home, 0, 0)
    who.home.chmod(0o555)
    src = small_model(open_tmp / "src", 5)
    (open_tmp / "out").mkdir()
    (open_tmp / "out").chmod(0o777)
    who.run("push", src, f"oci:{open_tmp}/out/s//m")
    who.run("pull", f"oci:{open_tmp}/out/s//m", "-o", open_tmp / "out/m")
    assert_pulled(open_tmp / "out/m", tree(src))
    assert list(who.home.iterdir()) == []


# -- a file that changes while it is read -----------------------------------------


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "remove"])
@pytest.mark.parametrize("moment", ["openat", "read"])
def test_a_file_that_changes_while_it_is_read(who, store, src, tmp_path,
                                              change, moment):
    """strace holds mreg when it opens the file, or between two reads."""
    bad.need("strace")
    big = write(src / "big.bin", bytes(range(256)) * (3 * MIB // 256))
    done = threading.Event()

    def meddle():
        # Each call on the file takes 0.4 s longer once it was made.
        end = time.monotonic() + 20
        while time.monotonic() < end and not done.is_set() and \
                not (trace.exists() and trace.read_text()):
            time.sleep(0.02)
        if change == "grow":
            with open(big, "ab") as f:
                f.write(b"more")
        elif change == "shrink":
            os.truncate(big, MIB)
        elif change == "rewrite":
            with open(big, "r+b") as f:
                f.seek(2 * MIB + 5)
                f.write(b"changed")
        else:
            big.unlink()

    trace = tmp_path / "trace"
    what = ["-e", "inject=openat:delay_exit=400000"] if moment == "openat" \
        else ["-e", "inject=pread64,read:delay_exit=400000"]
    words = ["strace", "-f", "-qq", "-o", str(trace), "-P", str(big), *what,
             *who.command("push", src, "m")]
    index = (store / "m/index.json").read_bytes()
    process = subprocess.Popen(words, env={**who.env, **TRACED}, cwd=who.home, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    thread = threading.Thread(target=meddle)
    thread.start()
    r = finish(process, 60)
    done.set()
    thread.join()
    if "PTRACE" in r.stderr:
        pytest.skip("strace may not trace here")
    assert r.status == 4, str(r)
    assert "big.bin" in r.stderr and "hint: " in r.stderr, str(r)
    assert r.stdout == ""
    # No version, and the next push is fine.
    assert len(who.json("ls", "m")["versions"]) == 1
    assert (store / "m/index.json").read_bytes() == index
    who.run("push", src, "m")
    who.run("pull", "m", "-o", tmp_path / "after")
    assert_pulled(tmp_path / "after", tree(src))


# -- disks that fill up ---------------------------------------------------------------


def versions(who, name="m"):
    r = who.run("ls", name, "--json", status=None)
    assert r.status in (0, 3), str(r)
    return len(r.json["versions"]) if r.status == 0 else 0


def full(who, *words, names=()):
    """One command that meets a full disk."""
    r = who.run(*words, status=1)
    assert "No space left" in r.stderr, str(r)
    assert "free some space" in r.stderr, str(r)
    assert r.stdout == ""
    for name in names:
        assert name in r.stderr, str(r)
    return r


def test_the_disk_of_the_target_fills_up(who, tmp_path):
    src = tmp_path / "src"
    for i in range(6):
        write(src / f"part-{i}.bin", os.urandom(MIB))
    who.run("push", src, "m")
    with bad.mounted(tmp_path / "mnt", "-t", "tmpfs", "-o", "size=3m",
                     "none") as mnt:
        bad.sentinel(mnt / "t")
        before = bad.snapshot(mnt / "t", times=False)
        full(who, "pull", "m", "-o", mnt / "t", names=["needed in", "free"])
        assert not list((mnt / "t").glob(".mreg-part-*")), "bytes were fetched"
        assert bad.snapshot(mnt / "t", times=False) == before
        # With room the same command succeeds.
        full(who, "pull", "m", "-o", mnt / "t")
        subprocess.run(["mount", "-o", "remount,size=16m", mnt], check=True)
        who.run("pull", "m", "-o", mnt / "t")
        for i in range(6):
            name = f"part-{i}.bin"
            assert (mnt / "t" / name).read_bytes() == \
                (src / name).read_bytes()
        assert (mnt / "t/mine.txt").read_text() == "do not touch\n"


def test_the_inodes_of_the_target_run_out(who, tmp_path):
    src = tmp_path / "src"
    for i in range(40):
        write(src / f"part-{i}.bin", os.urandom(100))
    who.run("push", src, "m")
    with bad.mounted(tmp_path / "mnt", "-t", "tmpfs", "-o",
                     "size=3m,nr_inodes=20", "none") as mnt:
        full(who, "pull", "m", "-o", mnt / "t")
        assert all(p.name.startswith(".mreg-part-")
                   for p in (mnt / "t").iterdir())
        subprocess.run(["mount", "-o", "remount,nr_inodes=200", mnt],
                       check=True)
        who.run("pull", "m", "-o", mnt / "t")
        assert_pulled(mnt / "t", tree(src))


def test_the_disk_of_the_store_fills_up(who, tmp_path):
    with bad.mounted(tmp_path / "mnt", "-t", "tmpfs", "-o", "size=3m",
                     "none") as mnt:
        small = small_model(tmp_path / "small", 1)
        at = f"oci:{mnt}/s//m"
        assert who.json("push", small, at)["number"] == 1
        big = tmp_path / "big"
        for i in range(4):
            write(big / f"part-{i}.bin", os.urandom(MIB))
        full(who, "push", big, at)
        assert versions(who, at) == 1
        who.run("pull", at, "-o", tmp_path / "out1")
        assert_pulled(tmp_path / "out1", tree(small))
        subprocess.run(["mount", "-o", "remount,size=16m", mnt], check=True)
        who.run("push", big, at)
        assert versions(who, at) == 2
        who.run("pull", at, "-o", tmp_path / "out2")
        assert_pulled(tmp_path / "out2", tree(big))


def test_the_last_pages_of_the_store_run_out(who, tmp_path):
    """Sizes around what one small push needs: blobs, log, index, each may be
    the one that fails."""
    small = small_model(tmp_path / "small", 2)
    seen = set()
    for kib in range(8, 84, 12 if bad.BRIEF else 4):
        mnt = tmp_path / f"mnt{kib}"
        with bad.mounted(mnt, "-t", "tmpfs", "-o", f"size={kib}k", "none"):
            at = f"oci:{mnt}/s//m"
            r = who.run("push", small, at, status=None)
            assert r.status in (0, 1), str(r)
            seen.add(r.status)
            if r.status:
                assert "No space left" in r.stderr, str(r)
            subprocess.run(["mount", "-o", "remount,size=1m", mnt],
                           check=True)
            assert versions(who, at) <= 1
            who.run("push", small, at)
            assert versions(who, at) == 1
            out = tmp_path / f"out{kib}"
            who.run("pull", at, "-o", out)
            assert_pulled(out, tree(small))
    assert seen == {0, 1}


def test_the_disk_of_the_cache_is_full(who, tmp_path):
    """What is remembered may be lost at any time: nothing fails for it."""
    src = small_model(tmp_path / "src", 3)
    with bad.mounted(tmp_path / "mnt", "-t", "tmpfs", "-o", "size=64k",
                     "none") as mnt:
        filler = os.open(mnt / "filler", os.O_CREAT | os.O_WRONLY)
        with pytest.raises(OSError):
            while True:
                os.write(filler, bytes(4096))
        os.close(filler)
        env = {"XDG_CACHE_HOME": str(mnt)}
        who.run("push", src, "m", env=env)
        who.run("push", src, "m", env=env)
        who.run("pull", "m", "-o", tmp_path / "out", env=env)
        assert_pulled(tmp_path / "out", tree(src))


@pytest.mark.parametrize("state", [b"", b"garbage" * 1000, b"SQLite format 3\0"
                                   + b"\xff" * 5000])
def test_a_broken_state_file_is_no_trouble(who, tmp_path, state):
    """H98."""
    src = small_model(tmp_path / "src", 4)
    who.run("push", src, "m")
    for path in (who.home / "cache/mreg").iterdir():
        path.write_bytes(state)
    who.run("push", src, "m")
    who.run("pull", "m", "-o", tmp_path / "out")
    assert_pulled(tmp_path / "out", tree(src))
    assert versions(who) == 1


# -- what a user sends ------------------------------------------------------------------


# The third write comes while the session opens, the tenth is of a model's
# bytes.
@pytest.mark.parametrize("when", [3, 10])
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_so(who, tmp_path, sig, when):
    bad.need("strace")
    src = tmp_path / "src"
    for i in range(8):
        write(src / f"part-{i}.bin", os.urandom(2 * MIB))
    who.run("push", src, "m")
    target = bad.sentinel(tmp_path / "target")
    before = bad.snapshot(target, times=False)
    words = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e",
             f"inject=pwrite64:signal={sig.name}:when={when}",
             *who.command("pull", "m", "-o", target, "--jobs", "1")]
    r = finish(subprocess.Popen(
        words, env={**who.env, **TRACED}, cwd=who.home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE), 60)
    if "PTRACE" in r.stderr:
        pytest.skip("strace may not trace here")
    assert r.status == 130, str(r)
    assert r.stdout == "" and "error: " in r.stderr and "hint: " in r.stderr
    bad.check_parts(target)
    assert bad.snapshot(target, times=False) == before
    who.run("pull", "m", "-o", target)
    for path in src.iterdir():
        assert (target / path.name).read_bytes() == path.read_bytes()
