"""test_initialize.py - mreg storage-initializer: URIs, directories, what the
cluster is told."""
import json
import pathlib

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
    harness.assert_pulled(out, harness.tree(model))
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
    harness.assert_pulled(tmp_path / "a", harness.tree(model))
    harness.assert_pulled(tmp_path / "b", harness.tree(other))
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
                if p.is_file()} == expected


def test_a_file_that_was_named_as_a_folder(mreg, pushed, tmp_path):
    error = mreg.fails(3, "storage-initializer",
                       "mreg://churn:v1?path=model.bin", tmp_path / "out")
    assert "'model.bin'" in error["message"] and "files=" in error["hint"]


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
