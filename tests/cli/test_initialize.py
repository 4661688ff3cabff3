"""test_initialize.py - mreg storage-initializer: URIs, directories, what the
cluster is told."""
import json
import pathlib
import shutil

import jsonschema
import pytest
import yaml

import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
RECIPES = SPEC.parent / "scripts/recipes/kserve"


@pytest.fixture
def log(mreg, tmp_path):
    """The file that a kubelet makes for a container."""
    file = tmp_path / "termination-log"
    file.touch()
    mreg.env["MREG_TERMINATION_LOG"] = str(file)
    return file


def strict(result):
    schema = json.loads((SPEC / "schemas/initialize.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    row = schema["properties"]["models"]["items"]
    for item in result["models"]:
        assert set(item) == set(row["properties"]) == set(row["required"])
    return result


def test_the_sample_fits():
    strict(json.loads((SPEC / "samples/initialize.json").read_text()))


def test_a_model_is_put_where_it_is_wanted(mreg, model, pushed, log, tmp_path):
    out = tmp_path / "mnt"
    found = strict(mreg.json("storage-initializer", "mreg://churn:staging", out))
    harness.assert_pulled(out, harness.tree(model), noted=True)
    assert found["digest"] == pushed and found["version"] == "v1"
    assert found["tag"] == "staging" and found["ref"] == f"churn@{pushed}"
    assert strict(json.loads(log.read_text())) == found
    assert "\n" not in log.read_text()


def test_several_pairs(mreg, model, pushed, log, tmp_path):
    other = harness.small_model(tmp_path / "other", 7)
    digest = mreg.json("push", other, "base")["digest"]
    found = strict(mreg.json(
        "storage-initializer", "mreg://churn", tmp_path / "a",
        f"mreg://base@{digest}", tmp_path / "b"))
    harness.assert_pulled(tmp_path / "a", harness.tree(model), noted=True)
    harness.assert_pulled(tmp_path / "b", harness.tree(other), noted=True)
    assert [m["digest"] for m in found["models"]] == [pushed, digest]
    assert found["models"][1]["tag"] is None and found["count"] == 2
    assert json.loads(log.read_text()) == found


def test_a_cluster_is_told_as_much_as_it_keeps(mreg, pushed, log, tmp_path):
    words = []
    for i in range(20):
        words += ["mreg://churn:v1", tmp_path / f"mnt{i}"]
    found = mreg.json("storage-initializer", *words)
    told = strict(json.loads(log.read_text()))
    assert len(log.read_bytes()) <= 4096 and told["count"] == 20
    assert 0 < len(told["models"]) < len(found["models"]) == 20
    assert told["models"] == found["models"][:len(told["models"])]


def test_a_part_of_a_version(mreg, tmp_path, log):
    folder = tmp_path / "m"
    for path in ("onnx/model.onnx", "onnx/a b.json", "onnx/x.txt", "y.bin"):
        harness.write(folder / path, path)
    mreg.run("push", folder, "parts")
    for query, expected in (
            ("?path=onnx", {"model.onnx", "a b.json", "x.txt"}),
            ("?path=onnx%2F&files=*.json", {"a b.json"}),
            ("?files=y.bin&files=onnx%2f*.txt", {"y.bin", "onnx/x.txt"}),
            ("?path=onnx&files=a%20b.json", {"a b.json"})):
        out = tmp_path / f"out{len(query)}"
        mreg.run("storage-initializer", f"mreg://parts{query}", out)
        assert {str(p.relative_to(out)) for p in out.rglob("*")
                if p.is_file()} == expected | {harness.NOTED}


def test_a_file_that_was_named_as_a_folder(mreg, pushed, tmp_path):
    error = mreg.fails(3, "storage-initializer",
                       "mreg://churn:v1?path=model.bin", tmp_path / "out")
    assert "'model.bin'" in error["message"] and "files=" in error["hint"]


# -- a directory that has one version after another -------------------------------


@pytest.fixture
def versions(mreg, tmp_path):
    """v1 to v3 of `names`, whose files have other names; their trees."""
    trees = {}
    for n, paths in ((1, ("config.json", "a/one.bin", "a/same", "old/x/y")),
                     (2, ("config.json", "a/two.bin", "a/same", "b")),
                     (3, ("config.json", "a", "b/c", "old"))):
        folder = tmp_path / f"v{n}"
        for path in paths:
            harness.write(folder / path, path if path == "a/same" else
                          f"{path} of {n}")
        mreg.run("push", folder, "names")
        trees[n] = harness.tree(folder)
    mreg.run("alias", "set", "names:v1", "production")
    return trees


def give(mreg, *words, **kwargs):
    """As in a container that is started again: nothing but the directory is
    what it was."""
    shutil.rmtree(mreg.env["XDG_CACHE_HOME"], ignore_errors=True)
    return mreg.run("storage-initializer", *words, **kwargs)


def test_an_alias_that_moved_leaves_nothing_of_its_version(mreg, versions,
                                                           tmp_path):
    """Also where a file becomes a folder, and back."""
    out = tmp_path / "mnt"
    for n in (1, 2, 3, 1, 3, 2, 1):
        mreg.run("alias", "set", f"names:v{n}", "production")
        for _ in range(2):
            give(mreg, "mreg://names:production", out)
            harness.assert_pulled(out, versions[n], noted=True)
    assert not (out / "b").exists() and (out / "old/x").is_dir()
    give(mreg, "mreg://names:v2", out)
    assert not (out / "old").exists()


def test_parts_of_a_killed_run_go(mreg, versions, tmp_path):
    """Also where only some files are wanted."""
    out = tmp_path / "mnt"
    part = harness.write(out / f".mreg-part-{'0' * 64}", "half")
    mreg.run("pull", "names:v1", "--include", "config.json", "-o", out)
    assert part.exists()
    give(mreg, "mreg://names:v2?files=config.json", out)
    assert {p.name for p in out.iterdir()} == {"config.json", harness.NOTED}


def test_what_others_put_there_stays(mreg, versions, tmp_path):
    """What was there before, with a version's own bytes too; and what was
    changed since."""
    out = tmp_path / "mnt"
    for path, text in (("a/same", "a/same"), ("lost+found/x", "x"),
                       ("a/other", "o"), ("b", "b")):
        harness.write(out / path, text)
    give(mreg, "mreg://names:v1", out)
    (out / "a/one.bin").write_text("another one")
    (out / "old/x/y").write_text("old/x/y of 8")
    said = give(mreg, "mreg://names:v2?files=config.json", out).stderr
    assert "'a/one.bin'" in said and "'old/x/y'" in said and "stays" in said
    found = harness.tree(out)
    assert found.pop(harness.NOTED)
    assert set(found) == {"config.json", "a/same", "a/other", "a/one.bin",
                          "old/x/y", "lost+found/x", "b"}
    assert (out / "b").read_text() == "b"
    assert "stays" not in give(mreg, "mreg://names:v1?files=config.json",
                               out).stderr


def test_a_part_takes_the_place_of_another(mreg, versions, tmp_path):
    out = tmp_path / "mnt"
    for query, files in (("", {"config.json", "a/one.bin", "a/same",
                               "old/x/y"}),
                         ("?path=a", {"one.bin", "same"}),
                         ("?files=a/*", {"a/one.bin", "a/same"}),
                         ("?path=a&files=same", {"same"})):
        give(mreg, f"mreg://names:v1{query}", out)
        assert set(harness.tree(out)) == files | {harness.NOTED}


@pytest.mark.parametrize("order", [1, -1])
def test_another_s_directory_below_is_spared(mreg, versions, tmp_path, order):
    """Where the version had files in it before, too."""
    out = tmp_path / "mnt"
    give(mreg, "mreg://names:v1", out)
    for n in (1, 2, 3, 1):
        pairs = [("mreg://names:v2?files=config.json", out),
                 (f"mreg://names:v{n}", out / "sub"),
                 ("mreg://names:v1?path=a", out / "a")][::order]
        give(mreg, *(word for pair in pairs for word in pair))
        harness.assert_pulled(out / "sub", versions[n], noted=True)
        assert set(harness.tree(out / "a")) == {"one.bin", "same",
                                                harness.NOTED}
        assert set(p.name for p in out.iterdir()) == {
            "a", "sub", "config.json", harness.NOTED}


def test_a_directory_is_of_one_model(mreg, versions, tmp_path):
    out = tmp_path / "mnt"
    (tmp_path / "link").symlink_to("mnt")
    for other in (out, f"{out}/", f"{tmp_path}/./x/..//mnt/.", "mnt",
                  tmp_path / "link"):
        for there in (False, True):
            if there:
                out.mkdir()
            elif other == tmp_path / "link":
                continue
            error = mreg.fails(2, "storage-initializer", "mreg://names:v1",
                               out, "mreg://names:v1", tmp_path / "b",
                               "mreg://names:v2", other, cwd=tmp_path)
            assert "two models" in error["message"]
            assert not (tmp_path / "b").exists()
            if there:
                assert not list(out.iterdir())
                out.rmdir()


@pytest.mark.parametrize("kill", ["placed", "noted"])
def test_what_a_killed_run_put_there_is_known(mreg, versions, tmp_path, kill):
    """It was noted what would be put there; some of that is."""
    out = tmp_path / "mnt"
    give(mreg, "mreg://names:v1", out)
    first = (out / harness.NOTED).read_text()
    give(mreg, "mreg://names:v2", tmp_path / "other")
    second = (tmp_path / "other" / harness.NOTED).read_text()
    (out / harness.NOTED).write_text(first + second)
    if kill == "placed":
        for path in "a/two.bin", "config.json":
            shutil.copy(tmp_path / "other" / path, out / path)
    assert give(mreg, "mreg://names:v3", out).stderr == ""
    harness.assert_pulled(out, versions[3], noted=True)


def test_it_is_noted_before_it_is_put_there(mreg, versions, store, tmp_path):
    """A run that fails half-way."""
    out = tmp_path / "mnt"
    blob = store / "names/blobs/sha256" / versions[2]["a/two.bin"][0]
    blob.rename(tmp_path / "blob")
    assert give(mreg, "mreg://names:v2", out, status=None).status
    noted = (out / harness.NOTED).read_text()
    assert all(f" {path}\n" in noted for path in versions[2])
    give(mreg, "mreg://names:v1", out)
    harness.assert_pulled(out, versions[1], noted=True)


ROW = "put sha256:" + "0" * 64
HOSTILE = [f"{ROW} 1 ../../keep\n", f"{ROW} 1 /etc/passwd\n", f"{ROW} -1 a\n",
           f"{ROW} 99999999999999999999 a\n", f"{ROW} 1 a\0b\n", f"{ROW} 1\n",
           f"{ROW} 1 a", f"{ROW[4:]} 1 a\n", "put sha256:0 1 a\n", "put\n",
           "put \n", "x", "\0\n", "\n"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_list_that_is_none_is_told(mreg, versions, tmp_path, text):
    out = tmp_path / "mnt"
    harness.write(out / harness.NOTED, text)
    error = mreg.fails(1, "storage-initializer", "mreg://names:v1", out)
    assert harness.NOTED in error["message"]
    assert [p.name for p in out.iterdir()] == [harness.NOTED]


def test_a_list_leads_to_nothing_outside(mreg, versions, tmp_path):
    """Nor through a link."""
    out = tmp_path / "mnt"
    give(mreg, "mreg://names:v1", out)
    shutil.copytree(out / "a", tmp_path / "away")
    shutil.rmtree(out / "a")
    (out / "a").symlink_to(tmp_path / "away")
    give(mreg, "mreg://names:v1?files=config.json", out)
    assert {p.name for p in (tmp_path / "away").iterdir()} == {"one.bin",
                                                               "same"}
    (out / harness.NOTED).unlink()
    (out / harness.NOTED).symlink_to(tmp_path / "v1/config.json")
    mreg.fails(4, "storage-initializer", "mreg://names:v1?files=config.json",
               out)
    assert (tmp_path / "v1/config.json").read_text() == "config.json of 1"


# -- what is no URI ---------------------------------------------------------------


@pytest.mark.parametrize("uri, said", [
    ("churn", "does not begin with mreg://"),
    ("oci://churn", "does not begin"), ("MREG://churn", "does not begin"),
    ("mreg://", "names no model"), ("mreg://?path=a", "names no model"),
    ("mreg://http://evil.example/churn", "names another URI"),
    ("mreg://churn?path=HTTPS://evil.example/", "names another URI"),
    ("mreg://oci:/srv//churn", "folder of this machine"),
    ("mreg://churn#x", "has a '#'"), ("mreg://churn?path=a#x", "has a '#'"),
    ("mreg://churn?", "query"), ("mreg://churn?path", "query"),
    ("mreg://churn?path=", "query"), ("mreg://churn?path=a&path=b", "query"),
    ("mreg://churn?exact=1", "query"), ("mreg://churn?files=%0", "hex"),
    ("mreg://churn?files=%zz", "hex"), ("mreg://churn?files=a%00b", "hex"),
    ("mreg://churn?" + "&".join(["files=a"] * 101), "too many"),
    *((f"mreg://churn?path={path}", "no folder of a version") for path in (
        "/etc", "%2Fetc", "..", "a/../b", "a/..", ".", "./a", "a/.", "a//b",
        "%2e%2e/x", "a%0Ab", "a%1B[2J", "a%7f")),
    ("mreg://UPPER", "UPPER"), ("mreg://../x", "..")])
def test_what_is_no_such_uri_is_refused(mreg, pushed, log, tmp_path, uri, said):
    """Also when it is the last of several: nothing is fetched then."""
    for words in ([uri, tmp_path / "b"],
                  ["mreg://churn", tmp_path / "a", uri, tmp_path / "b"]):
        error = mreg.fails(2, "storage-initializer", *words)
        assert said in error["message"]
    assert not (tmp_path / "b").exists() and log.read_text() == ""
    if not uri.startswith(("mreg://UPPER", "mreg://..")):
        assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("uri", [
    "mreg://user:s3cret@h/x?bad", "mreg://user:s3cret@h/x", "https://user:s3cret@h/x",
    "user:s3cret@h/x", "mreg://user:s3c/s3cret@h/x#y",
    "mreg://user:s3cret@h/x@sha256:12?bad", "mreg://http://u:s3cret@h/x",
    "mreg://user:p@s3cret@h/x?path=/etc", "mreg://user:s3c?s3cret@h/x"])
def test_a_password_in_a_uri_is_not_told(mreg, log, tmp_path, uri):
    r = mreg.run("storage-initializer", uri, tmp_path / "out", status=2)
    assert "s3c" not in r.stdout + r.stderr + log.read_text()
    assert "h/x" in r.stderr


def test_a_digest_in_a_uri_is_told(mreg, tmp_path):
    uri = f"mreg://churn@sha256:{'0' * 64}?bad"
    assert uri[:40] in mreg.fails(2, "storage-initializer", uri,
                                  tmp_path / "out")["message"]


def test_a_directory_for_each_of_several(mreg, tmp_path):
    error = mreg.fails(2, "storage-initializer", "mreg://a", tmp_path,
                       "mreg://b")
    assert "/mnt/models" in error["hint"]


def test_a_failure_says_what_failed_last(mreg, pushed, log, tmp_path):
    """The cluster shows the last lines of a container that left no message."""
    r = mreg.run("storage-initializer", "mreg://churn:prodution",
                 tmp_path / "out", status=3)
    assert r.stdout == "" and log.read_text() == ""
    assert "'prodution'" in "\n".join(r.stderr.splitlines()[-2:])


def test_demands_hold_here_too(mreg, pushed, log, tmp_path):
    words = ("storage-initializer", "mreg://churn:staging", tmp_path / "out")
    mreg.fails(7, *words, env={"MREG_REQUIRE_DIGEST": "1"})
    mreg.fails(7, *words, env={"MREG_REQUIRE_POLICY": "1"})
    assert not (tmp_path / "out").exists()
    mreg.run("storage-initializer", f"mreg://churn@{pushed}", tmp_path / "out",
             env={"MREG_REQUIRE_DIGEST": "1"})


def test_no_termination_log_is_fine_and_a_bad_one_is_told(mreg, pushed, log,
                                                          tmp_path):
    words = ("storage-initializer", "mreg://churn", tmp_path / "out")
    log.unlink()
    assert mreg.run(*words).stderr == "" and not log.exists()
    log.mkdir()
    assert "termination log" in mreg.run(*words).stderr
    assert "termination" not in mreg.run(*words, "--quiet").stderr


# -- scripts/recipes/kserve -------------------------------------------------------


def recipe(name):
    document, = yaml.safe_load_all((RECIPES / f"{name}.yaml").read_text())
    return document


@pytest.mark.parametrize("name, workload", [
    ("storage-container", "initContainer"),
    ("local-model-container", "localModelDownloadJob")])
def test_the_storage_containers_are_what_kserve_takes(name, workload):
    """storage_container_types.go; the container's name is what the webhook
    looks for."""
    document = recipe(name)
    assert document["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert document["kind"] == "ClusterStorageContainer"
    spec = document["spec"]
    assert set(spec) - {"supportsMultiModelDownload"} == {
        "workloadType", "supportedUriFormats", "container"}
    assert spec["workloadType"] == workload
    assert spec["supportedUriFormats"] == [{"prefix": "mreg://"}]
    container = spec["container"]
    assert container["name"] == "storage-initializer"
    assert "@sha256:" in container["image"]
    assert "volumeMounts" not in container and "command" not in container
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    env = {e["name"]: e for e in container["env"]}
    source = "".join(p.read_text() for p in SPEC.parent.glob("src/*/*.c"))
    assert all(f'"{variable}"' in source for variable in env)
    secret = recipe("secret")
    assert env["MREG_DOCKER_CONFIG_JSON"]["valueFrom"]["secretKeyRef"] == {
        "name": secret["metadata"]["name"], "key": ".dockerconfigjson",
        "optional": True}
    assert list(secret["data"]) == [".dockerconfigjson"]


@pytest.mark.parametrize("name", ["by-digest", "by-alias"])
def test_the_services_have_uris_that_are_understood(mreg, model, tmp_path,
                                                    name):
    """All but the model itself, which is not there."""
    model_of = recipe(name)["spec"]["predictor"]["model"]
    uri = model_of["storageUri"].replace("registry.example.com/ml/", "")
    error = mreg.fails(3, "storage-initializer", uri, tmp_path / "out")
    assert "churn" in error["message"]


def test_the_image_begins_as_anybody():
    lines = (RECIPES / "Containerfile").read_text().splitlines()
    assert "USER 65532:65532" in lines
    assert lines[-1] == \
        'ENTRYPOINT ["/usr/local/bin/mreg", "storage-initializer"]'
