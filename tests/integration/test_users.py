"""test_users.py - what another user cannot read or write is named, and nothing
is half done.  CI runs as root, which may do everything: so as uid 65534."""
import os

from harness import NOBODY, assert_pulled, small_model, tree


def owned(path, uid=NOBODY):
    for base, folders, names in os.walk(path):
        for name in [".", *folders, *names]:
            os.chown(os.path.join(base, name), uid, uid)
    return path


def assert_denied(e, path):
    """The error names what is closed, and the user can do something."""
    said = e["message"] + "; " + e["cause"]
    assert e["code"] == "io" and e["hint"], e
    assert str(path) in said and "Permission denied" in said, e


def test_an_unreadable_file_is_named_and_nothing_pushed(nobody, plain, box):
    folder = small_model(box / "m", "unreadable")
    (folder / "model.bin").chmod(0o600)
    before = plain.blobs()
    for name in "unreadable", f"{plain.host}/unreadable":
        e = nobody.fails(1, "push", folder, name)
        assert_denied(e, folder / "model.bin")
    assert not nobody.store.exists()
    assert plain.blobs() == before and plain.tags("unreadable") == set()


def test_an_unreadable_folder_is_named(nobody, plain, box):
    folder = small_model(box / "m", "unreadable folder")
    (folder / "sub").mkdir(mode=0o700)
    (folder / "sub/x.bin").write_bytes(b"x")
    e = nobody.fails(1, "push", folder, f"{plain.host}/unreadable")
    assert_denied(e, folder / "sub")
    assert plain.tags("unreadable") == set()


def test_an_unwritable_target_is_named_and_left_alone(nobody, plain, box):
    folder = small_model(box / "m", "target")
    nobody.run("push", folder, f"{plain.host}/target")
    target = box / "closed"
    target.mkdir(mode=0o755)
    (target / "config.json").write_text("mine")
    for out in target, target / "below":
        e = nobody.fails(1, "pull", f"{plain.host}/target", "-o", out)
        assert_denied(e, out)
    assert os.listdir(target) == ["config.json"]
    assert (target / "config.json").read_text() == "mine"


def test_a_file_of_somebody_else_in_the_target_is_replaced(nobody, plain, box):
    """The folder is ours, so its names are."""
    folder = small_model(box / "m", "theirs")
    nobody.run("push", folder, f"{plain.host}/theirs")
    out = box / "out"
    out.mkdir()
    os.chown(out, NOBODY, NOBODY)
    (out / "model.bin").write_text("root's")
    (out / "model.bin").chmod(0o600)
    nobody.run("pull", f"{plain.host}/theirs", "-o", out)
    assert_pulled(out, tree(folder))


def test_an_unwritable_store_is_named(nobody, mreg, box):
    folder = small_model(box / "m", "store")
    pushed = mreg.json("push", folder, "theirs")
    before = sorted(str(p) for p in mreg.store.rglob("*"))
    mreg.home.chmod(0o755)
    nobody.env["MREG_STORE"] = str(mreg.store)
    other = small_model(box / "other", "store 2")
    for name in "theirs", "new":
        e = nobody.fails(1, "push", other, name)
        assert_denied(e, mreg.store)
    e = nobody.fails(1, "alias", "set", "theirs:v1", "staging")
    assert_denied(e, mreg.store)
    assert sorted(str(p) for p in mreg.store.rglob("*")) == before

    # Reading it is another matter.
    assert nobody.json("resolve", "theirs")["digest"] == pushed["digest"]
    assert nobody.json("ls", "theirs")["versions"][0]["number"] == 1
    nobody.run("pull", "theirs", "-o", nobody.home / "out")
    assert_pulled(nobody.home / "out", tree(folder))


def test_no_writable_home_is_no_trouble(nobody, plain, box):
    """product.md 5.9: everything works, only slower."""
    os.chown(nobody.home, 0, 0)
    folder = small_model(box / "m", "homeless")
    out = box / "out"
    out.mkdir()
    os.chown(out, NOBODY, NOBODY)
    name = f"{plain.host}/homeless"
    pushed = nobody.json("push", folder, name, cwd=box)
    assert nobody.json("push", folder, name, cwd=box)["identical"]
    nobody.run("alias", "set", f"{name}:v1", "production", cwd=box)
    r = nobody.run("pull", f"{name}:production", "-o", out, cwd=box)
    assert "error" not in r.stderr
    assert_pulled(out, tree(folder))
    assert nobody.json("ls", name, cwd=box)["versions"][0]["digest"] == \
        pushed["digest"]
    assert list(nobody.home.iterdir()) == []


def test_a_state_file_of_somebody_else_is_no_trouble(nobody, mreg, plain, box):
    """sudo left root's files in the cache: they cannot be written, or not
    even read."""
    folder = small_model(box / "m", "cache")
    name = f"{plain.host}/cache"
    nobody.env["XDG_CACHE_HOME"] = mreg.env["XDG_CACHE_HOME"]
    pushed = mreg.json("push", folder, name)
    mreg.home.chmod(0o755)
    for mode, file_mode in (0o755, 0o644), (0o700, 0o600):
        for base, folders, names in os.walk(mreg.home / "cache"):
            os.chmod(base, mode)
            for n in names:
                os.chmod(os.path.join(base, n), file_mode)
        again = nobody.json("push", folder, name)
        assert (again["digest"], again["identical"]) == \
            (pushed["digest"], True)
        nobody.run("pull", name, "-o", nobody.home / f"out{mode}")
        assert_pulled(nobody.home / f"out{mode}", tree(folder))


def test_a_store_shared_by_two_users_of_one_group_keeps_its_versions(
        nobody, mreg, box):
    """A store that anybody may write: both versions are in it."""
    store = box / "shared"
    store.mkdir()
    store.chmod(0o777)
    mreg.env["MREG_STORE"] = nobody.env["MREG_STORE"] = str(store)
    nobody.run("push", small_model(box / "a", "a"), "both")
    mreg.run("push", small_model(box / "b", "b"), "both")
    rows = nobody.json("ls", "both")["versions"]
    assert [row["number"] for row in rows] == [2, 1]
