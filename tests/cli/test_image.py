"""test_image.py - mreg image: an ordinary container image of a version, made of
its own blobs, the same wherever and whenever it is made."""
import hashlib
import io
import json
import os
import shutil
import tarfile

import jsonschema
import pytest

import image_oracle as oracle
from images import INDEX, LAYER, MIB, SPEC, Store, schema, strict, tree


def noise(size, seed):
    """Bytes that are the same in every run."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


@pytest.fixture
def files(tmp_path):
    """A model with two large files, a long name and an executable."""
    root = tmp_path / "files"
    content = {
        "model-00001-of-00002.bin": noise(3 * MIB + 17, 1),
        "model-00002-of-00002.bin": noise(MIB, 2),
        "README.md": b"# toy\n",
        "config.json": b'{"model_type":"toy"}\n',
        "empty.txt": b"",
        "\u00fcml\u00e4ut/\u540d.txt": b"unicode\n",
        "deep/" + "d" * 120 + "/" + "n" * 160 + ".txt": b"long\n",
        "tools/run.sh": b"#!/bin/sh\necho run\n",
    }
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "tools/run.sh").chmod(0o755)
    return root


@pytest.fixture
def churn(store):
    return Store(store / "churn")


def test_the_sample_fits():
    made = strict(json.loads((SPEC / "samples/image.json").read_text()))
    assert made["names"] and made["layers"] and made["platforms"]


@pytest.mark.parametrize("change", [
    {"tag": "latest-image"}, {"version": "3"}, {"digest": ""},
    {"layers": []}, {"layers": [{"digest": None}]}, {"profile": "kit"},
    {"platforms": [{"os": "linux"}]}, {"bytesSent": -1}, {"names": None}])
def test_what_is_wrong_does_not_fit(change):
    sample = json.loads((SPEC / "samples/image.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema()).validate({**sample, **change})


def test_the_image_holds_the_files(mreg, files, churn, tmp_path):
    version = mreg.json("push", files, "churn:production")["digest"]
    made = strict(mreg.json("image", "churn:production"))
    assert made["tag"] == "v1-image" and made["versionDigest"] == version
    assert not made["identical"] and made["bytesReused"] == 0
    index = churn.document(made["digest"])
    assert index["mediaType"] == INDEX and "artifactType" not in index
    assert [m["platform"] for m in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"}]
    assert index["annotations"]["org.mreg.derived-from.digest"] == version
    for architecture in "amd64", "arm64":
        manifest = churn.manifest(made["digest"], architecture)
        out = tmp_path / architecture
        churn.extract(manifest, out)
        assert tree(out / "models") == tree(files)
        assert os.access(out / "bin/sh", os.X_OK)
        assert sorted(p.name for p in out.iterdir()) == ["bin", "models"]


def test_documents_are_those_of_an_image(mreg, files, churn):
    mreg.json("push", files, "churn", "--license", "MIT", "--created",
              "2026-01-01T00:00:00Z", "--version-label", "one")
    made = mreg.json("image", "churn")
    manifest = churn.manifest(made["digest"])
    config = churn.document(manifest["config"]["digest"])
    assert "artifactType" not in manifest and "subject" not in manifest
    assert {layer["mediaType"] for layer in manifest["layers"]} == {LAYER}
    assert config["rootfs"] == {
        "type": "layers",
        "diff_ids": [layer["digest"] for layer in manifest["layers"]]}
    assert len(config["history"]) == len(manifest["layers"])
    assert config["created"] == "2026-01-01T00:00:00Z"
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    run = config["config"]
    assert "Entrypoint" not in run and "User" not in run
    assert run["Cmd"] == ["sh"] and run["WorkingDir"] == "/"
    assert run["Labels"] == {
        "org.containers.type": "ai.image.model.car",
        "org.mreg.derived-from.digest": made["versionDigest"],
        "org.mreg.profile": "image/1",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.title": "churn",
        "org.opencontainers.image.version": "one"}
    for document in manifest, churn.document(made["digest"]):
        assert document["annotations"] == {
            "org.mreg.derived-from.digest": made["versionDigest"],
            "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
            "org.opencontainers.image.licenses": "MIT",
            "org.opencontainers.image.title": "churn",
            "org.opencontainers.image.version": "one"}


def test_large_files_can_be_found_in_their_layers(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    manifest = churn.manifest(made["digest"])
    shell, first, second, small = manifest["layers"]
    assert "annotations" not in shell and "annotations" not in small
    for layer, name in ((first, "model-00001-of-00002.bin"),
                        (second, "model-00002-of-00002.bin")):
        told = layer["annotations"]
        data = (files / name).read_bytes()
        offset = int(told["org.mreg.content.offset"])
        assert offset % 4096 == 0
        assert churn.blob(layer["digest"])[offset:offset + len(data)] == data
        assert told["olot.layer.content.digest"] == \
            "sha256:" + hashlib.sha256(data).hexdigest()
        assert told["olot.layer.content.inlayerpath"] == f"/models/{name}"
        assert told["olot.layer.content.name"] == name
        assert told["olot.layer.content.type"] == "file"
        assert not any("title" in key for key in told)
    for layer in manifest["layers"]:
        blob = churn.blob(layer["digest"])
        assert len(blob) == layer["size"] and blob[-1024:] == bytes(1024)
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            for m in tar:
                assert (m.uid, m.gid, m.uname, m.gname, m.mtime) == \
                    (0, 0, "", "", 0)
                assert m.mode == (0o755 if m.isdir() or m.name in
                                  ("bin/sh", "models/tools/run.sh") else 0o644)
            assert m.offset_data + -(-m.size // 512) * 512 == len(blob) - 1024


def test_layers_are_those_that_the_document_tells_of(mreg, files, churn):
    """Byte for byte, computed again from spec/image.md without mreg."""
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    inside = [oracle.File("models/" + f.path, where=f.where,
                          executable=f.executable)
              for f in oracle.read_folder(files)]
    manifest = churn.manifest(made["digest"])
    assert [layer["digest"] for layer in manifest["layers"][1:]] == \
        [oracle.Layer(group).digest for group in oracle.layout(inside)]


def test_siblings_follow_names(mreg, files, churn, tmp_path):
    mreg.json("push", files, "churn:production")
    mreg.run("release", "churn:v1", "1.0.0")
    mreg.json("alias", "set", "churn:v1", "staging")
    made = mreg.json("image", "churn")
    assert made["names"] == ["1.0.0-image", "latest-image",
                             "production-image", "staging-image"]
    tags = churn.tags()
    for name in ["v1-image", *made["names"]]:
        assert tags[name] == made["digest"]
    (files / "config.json").write_text('{"model_type":"two"}')
    mreg.json("push", files, "churn")
    tags = churn.tags()
    assert "latest-image" not in tags and tags["v1-image"] == made["digest"]
    second = mreg.json("image", "churn")
    assert second["tag"] == "v2-image"
    assert churn.tags()["latest-image"] == second["digest"]
    assert churn.tags()["production-image"] == made["digest"]
    mreg.json("alias", "set", "churn:v2", "production")
    assert churn.tags()["production-image"] == second["digest"]
    mreg.json("rollback", "churn:production")
    assert churn.tags()["production-image"] == made["digest"]
    mreg.json("archive", "churn:v2")
    assert churn.tags()["latest-image"] == made["digest"]


def test_a_release_gets_the_image_that_was_there(mreg, files, churn):
    made = mreg.json("push", files, "churn", "--also", "image")["also"][0]
    mreg.run("release", "churn:v1", "1.0.0")
    assert churn.tags()["1.0.0-image"] == made["digest"]
    # A run that was killed in between is completed by the next.
    index = churn.folder / "index.json"
    document = json.loads(index.read_bytes())
    document["manifests"] = [
        e for e in document["manifests"] if e["annotations"].get(
            "org.opencontainers.image.ref.name") != "1.0.0-image"]
    index.write_text(json.dumps(document))
    assert "1.0.0-image" not in churn.tags()
    mreg.run("release", "churn:v1", "1.0.0")
    assert churn.tags()["1.0.0-image"] == made["digest"]


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("what", ["layer", "shell", "child", "other child",
                                  "config", "index"])
def test_what_a_folder_lost_is_made_again(mreg, files, churn, tmp_path, what,
                                          fresh):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    manifest = churn.manifest(made["digest"])
    children = churn.document(made["digest"])["manifests"]
    lost = {"layer": manifest["layers"][-1], "shell": manifest["layers"][0],
            "child": children[0], "other child": children[1],
            "config": manifest["config"], "index": made}[what]["digest"]
    (churn.folder / "blobs/sha256" / lost[7:]).unlink()
    env = {"XDG_CACHE_HOME": str(tmp_path / "new")} if fresh else {}
    again = mreg.json("image", "churn", env=env)
    assert again["digest"] == made["digest"]
    assert not again["identical"]
    assert churn.blob(lost)
    assert mreg.json("image", "churn", env=env)["identical"]


def test_the_second_time_nothing_is_sent(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn")
    before = tree(churn.folder)
    again = strict(mreg.json("image", "churn:v1"))
    assert again["identical"] and again["digest"] == made["digest"]
    assert again["bytesSent"] == 0
    assert {layer["action"] for layer in again["layers"]} == {"reuse"}
    # Nor where nothing is remembered of the first.
    shutil.rmtree(mreg.home)
    mreg.home.mkdir()
    again = mreg.json("image", "churn:v1")
    assert again["identical"] and again["digest"] == made["digest"]
    assert tree(churn.folder) == before


def test_day_place_and_umask_do_not_matter(mreg, files, tmp_path, later):
    """Another store, another clock, another time zone, files written anew."""
    mreg.json("push", files, "churn")
    first = mreg.json("image", "churn")
    moved = tmp_path / "moved"
    shutil.copytree(files, moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100
                   else 0o600)
    other = mreg.clone(tmp_path / "other", MREG_STORE=str(tmp_path / "s2"))
    env = {**later(24 * 400), "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    other.json("push", moved, "churn", env=env)
    second = other.json("image", "churn", env=env, cwd="/")
    assert second["digest"] == first["digest"] and not second["identical"]


def test_a_version_makes_one_image(mreg, files, churn):
    mreg.json("push", files, "churn")
    mreg.json("image", "churn")
    for words in (["--no-shell"], ["--user", "1010"],
                  ["--platform", "linux/amd64"]):
        found = mreg.fails(4, "image", "churn", *words)
        assert "was made otherwise" in found["message"]
        assert "never moves" in found["hint"]


def test_a_dry_run_writes_nothing(mreg, files, churn):
    mreg.json("push", files, "churn")
    before = tree(churn.folder)
    planned = strict(mreg.json("image", "churn", "--dry-run"))
    assert planned["dryRun"] and planned["digest"] is None
    assert planned["bytesSent"] == planned["bytesTotal"] > 4 * MIB
    assert tree(churn.folder) == before
    made = mreg.json("image", "churn")
    assert [row["size"] for row in made["layers"]] == \
        [row["size"] for row in planned["layers"]]


def test_pull_gives_the_files_back(mreg, files, tmp_path):
    mreg.json("push", files, "churn")
    mreg.json("image", "churn")
    mreg.json("pull", "churn:v1-image", "-o", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(files)
    assert mreg.json("check", tmp_path / "out", "churn")["same"]


# -- push --also -------------------------------------------------------------------


def test_push_makes_the_image_too(mreg, files, churn, tmp_path):
    pushed = mreg.json("push", files, "churn:production", "--also", "image")
    made, = pushed["also"]
    strict({"schema": "mreg.image/1", **made})
    assert made["versionDigest"] == pushed["digest"]
    assert made["names"] == ["latest-image", "production-image"]
    out = tmp_path / "out"
    churn.extract(churn.manifest(made["digest"]), out)
    assert tree(out / "models") == tree(files)
    again = mreg.json("image", "churn")
    assert again["identical"] and again["digest"] == made["digest"]


def test_names_never_lack_the_image_that_push_makes(mreg, files, churn):
    """Of two pushes each with its image, the tag of the first is never away:
    it is not removed and written again."""
    mreg.json("push", files, "churn:production", "--also", "image")
    (files / "config.json").write_text('{"model_type":"two"}')
    r = mreg.run("push", files, "churn:production", "--also", "image", "-vv")
    assert "removed" not in r.stderr and "untag" not in r.stderr
    tags = churn.tags()
    assert tags["latest-image"] == tags["production-image"] == \
        tags["v2-image"] != tags["v1-image"]


def test_push_adds_the_image_to_a_version_that_is_there(mreg, files, churn):
    first = mreg.json("push", files, "churn:production")
    again = mreg.json("push", files, "churn", "--also", "image")
    assert again["identical"] and again["digest"] == first["digest"]
    made, = again["also"]
    assert not made["identical"]
    assert made["names"] == ["latest-image", "production-image"]
    third = mreg.json("push", files, "churn", "--also", "image")
    assert third["also"][0]["identical"]
    # Nor is it otherwise where nothing is remembered.
    shutil.rmtree(mreg.home)
    mreg.home.mkdir()
    fourth = mreg.json("push", files, "churn", "--also", "image")
    assert fourth["also"][0]["identical"]
    assert churn.tags()["v1-image"] == made["digest"]


def test_a_rehearsed_push_tells_of_the_image(mreg, files, store):
    told = mreg.json("push", files, "churn", "--also", "image", "--dry-run")
    made, = told["also"]
    assert made["tag"] is None and made["bytesSent"] == made["bytesTotal"] > 0
    assert not (store / "churn").exists()


def test_where_no_image_can_be_made_there_is_no_version(mreg, files, churn):
    (files / ".wh.config.json").write_text("hostile")
    why = mreg.fails(9, "push", files, "churn", "--also", "image")
    assert "an image cannot hold '.wh.config.json'" in why["message"]
    assert "v1" not in churn.tags()
    mreg.json("push", files, "churn")
    why = mreg.fails(9, "push", files, "churn", "--also", "image")
    assert "churn:v1' is there" in why["message"]
    assert "an image cannot hold" in why["cause"]


@pytest.mark.parametrize("words, told", [
    (["kit"], "cannot be 'kit'"), (["image", "--also", "image"], "twice")])
def test_push_knows_its_profiles(mreg, files, words, told):
    why = mreg.fails(2, "push", files, "churn", "--also", *words)
    assert told in why["message"]


# -- what is no image, and who asks for one -------------------------------------------


@pytest.mark.parametrize("words, told", [
    (["--user", "root"], "no user"), (["--user", "1:2:3"], "no user"),
    (["--user", ""], "no user"), (["--user", "4294967295"], "no user"),
    (["--platform", "windows/amd64"], "no platform"),
    (["--platform", "linux"], "no platform"),
    (["--platform", "linux/AMD64"], "no platform"),
    (["--platform", "linux/amd64", "--platform", "linux/amd64"],
     "platform linux/amd64 is asked for twice"),
    (["--platform", "linux/arm/v7", "--platform", "linux/arm/v6",
      "--platform", "linux/arm/v7"],
     "platform linux/arm/v7 is asked for twice"),
    (["--base", "busybox:1", "--no-shell"], "exclude each other"),
    (["--profile", "kit"], "cannot be 'kit'")])
def test_options_are_checked(mreg, pushed, words, told):
    assert told in mreg.fails(2, "image", "churn", *words)["message"]


def test_a_platform_without_a_shell_is_told(mreg, pushed):
    for platform in "linux/s390x", "linux/arm/v7":
        why = mreg.fails(9, "image", "churn", "--platform", platform)
        assert why["message"].endswith(f"no /bin/sh for {platform}")
    made = mreg.json("image", "churn", "--platform", "linux/s390x",
                     "--no-shell", "--user", "1010:0")
    assert [p["architecture"] for p in made["platforms"]] == ["s390x"]


def test_variants_share_what_is_the_same(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = strict(mreg.json("image", "churn", "--platform", "linux/arm64",
                            "--platform", "linux/arm64/v8"))
    assert [p["variant"] for p in made["platforms"]] == [None, "v8"]
    layers = [row["digest"] for row in made["layers"]]
    first, second = churn.document(made["digest"])["manifests"]
    both = [churn.document(m["digest"])["layers"] for m in (first, second)]
    assert both[0] == both[1] and len(set(layers)) == len(both[0])
    assert sorted(layers) == sorted(layer["digest"] for layer in both[0])
    assert made["bytesTotal"] == made["bytesSent"] == \
        sum(row["size"] for row in made["layers"])


def test_user_and_no_shell_are_in_the_config(mreg, files, churn):
    mreg.json("push", files, "churn")
    made = mreg.json("image", "churn", "--no-shell", "--user", "1010")
    manifest = churn.manifest(made["digest"])
    config = churn.document(manifest["config"]["digest"])["config"]
    assert config["User"] == "1010" and "Cmd" not in config
    assert len(manifest["layers"]) == 3


def test_only_versions_have_images(mreg, pushed, churn):
    made = mreg.json("image", "churn")
    for ref in "churn:v1-image", f"churn@{made['digest']}":
        assert "churn" in mreg.fails(9, "image", ref)["message"]
    child = churn.document(made["digest"])["manifests"][0]["digest"]
    mreg.fails(9, "image", f"churn@{child}")
    mreg.fails(3, "image", "churn:v9")
    mreg.fails(3, "image", "nothing")
