"""test_resolve_formats.py - resolve --format: what clusters and builds are
given is pinned by digest, is what their own readers take, and is of the version
that was named."""
import json
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

import foreign
import harness

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
RENDERED = ["kserve", "k8s", "dockerfile", "kustomize", "helm"]
DERIVED = "org.mreg.derived-from.digest"
HUB = {"config.json": '{"model_type": "bert"}', "README.md": "# Small\n"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    registry = harness.Registry(tmp_path_factory.mktemp("r") / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def name(registry, request):
    """Of a model of this test's own."""
    return f"{registry.host}/acme/" + \
        re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:80]


def give_image(name, version, derived, tag=None):
    """An image that was made without mreg, and says what it likes."""
    host, repository = name.split("/", 1)
    there = foreign.Registry(host, repository)
    child = foreign.image(there, None, [foreign.layer(foreign.LAYER, foreign.tar(
        {"models/": None, "models/version.txt": version.encode()}))])
    notes = {"annotations": {DERIVED: derived}} if derived else {}
    return there.index(
        tag or f"{version}-image",
        [{**child, "platform": {"architecture": "amd64", "os": "linux"}}],
        **notes)["digest"]


@pytest.fixture(scope="module")
def made(registry, tmp_path_factory):
    """A repository with v1 and v2, both with images, `production` at v1: its
    folder, digests of the versions and of the images."""
    box = tmp_path_factory.mktemp("made")
    mreg = harness.Mreg(harness.program(), box / "home")
    name, out = f"{registry.host}/made/churn", {}
    for n in (1, 2):
        folder = harness.small_model(box / f"m{n}", n)
        out[n] = mreg.json("push", folder, name, "--format", "onnx")["digest"]
        out[f"i{n}"] = mreg.json("image", f"{name}:v{n}")["digest"]
    mreg.run("alias", "set", f"{name}:v1", "production")
    return registry.repository("made/churn"), out


@pytest.fixture
def churn(registry, name, made):
    """NAME with what `made` has; those digests."""
    folder, out = made
    shutil.copytree(folder, registry.repository(name.split("/", 1)[1]))
    return dict(out)


def load(text):
    """The one document in it, by a reader of YAML that is not ours."""
    return yaml.safe_load(text)


def strict(result):
    schema = json.loads((SPEC / "schemas/resolve.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)
    assert set(result) == set(schema["properties"]) == set(schema["required"])
    return result


# -- each format ------------------------------------------------------------------


def test_kserve_is_an_inference_service(mreg, name, churn):
    doc = load(mreg.run("resolve", f"{name}:production", "--format", "kserve",
                        "--name", "churn").stdout)
    assert doc == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "churn", "annotations": {
            "org.mreg.model": name, "org.mreg.version": "v1",
            "org.mreg.digest": churn[1]}},
        "spec": {"predictor": {"model": {
            "modelFormat": {"name": "onnx"},
            "storageUri": f"oci://{name}@{churn['i1']}"}}}}


@pytest.mark.parametrize("scheme", ["oci", "oci+native", "oci+fetch"])
def test_a_scheme_goes_before_the_image(mreg, name, churn, scheme):
    doc = load(mreg.run("resolve", f"{name}:v2", "--format", "kserve",
                        "--scheme", scheme).stdout)
    assert doc["spec"]["predictor"]["model"]["storageUri"] == \
        f"{scheme}://{name}@{churn['i2']}"


def test_mreg_takes_the_version_itself_and_needs_no_image(mreg, model, name):
    digest = mreg.json("push", model, name, "--format", "onnx")["digest"]
    for form in ("kserve", "helm", "kustomize"):
        text = mreg.run("resolve", name, "--format", form, "--scheme",
                        "mreg").stdout
        assert f"mreg://{name}@{digest}" in text
        assert "image" not in load(text).get("model", {})
        assert "images" not in load(text)
    r = mreg.run("resolve", name, "--format", "k8s", "--scheme", "mreg",
                 status=2)
    assert "no storageUri in k8s" in r.stderr


def test_k8s_is_a_deployment_with_an_image_volume(mreg, name, churn):
    doc = load(mreg.run("resolve", f"{name}:production", "--format", "k8s",
                        "--name", "churn", "--server",
                        "ghcr.io/acme/server:2").stdout)
    labels = {"app.kubernetes.io/name": "churn"}
    notes = {"org.mreg.model": name, "org.mreg.version": "v1",
             "org.mreg.digest": churn[1]}
    assert doc == {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "churn", "annotations": notes, "labels": {
            **labels, "app.kubernetes.io/part-of": "churn",
            "app.kubernetes.io/managed-by": "mreg"}},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": notes},
                "spec": {
                    "containers": [{
                        "name": "server", "image": "ghcr.io/acme/server:2",
                        "volumeMounts": [{
                            "name": "model", "mountPath": "/mnt/models",
                            "subPath": "models", "readOnly": True}]}],
                    "volumes": [{"name": "model", "image": {
                        "reference": f"{name}@{churn['i1']}",
                        "pullPolicy": "IfNotPresent"}}]}}}}


def test_dockerfile_copies_from_the_image(mreg, name, churn):
    text = mreg.run("resolve", f"{name}:production", "--format",
                    "dockerfile").stdout
    *notes, line = text.splitlines()
    assert line == f"COPY --from={name}@{churn['i1']} /models /models"
    assert notes and all(note.startswith("# ") for note in notes)
    assert f"v1 of {name}, which 'production' was" in notes[0]


def test_helm_has_repository_tag_digest_and_uri(mreg, name, churn):
    doc = load(mreg.run("resolve", f"{name}:production", "--format",
                        "helm").stdout)
    model = doc.pop("model")
    assert not doc
    assert model["uri"] == f"oci://{name}@{churn['i1']}"
    assert model["digest"] == churn[1] and model["version"] == "v1"
    assert model["image"] == {
        "repository": name, "tag": "v1-image", "digest": churn["i1"],
        "reference": f"{name}@{churn['i1']}", "pullPolicy": "IfNotPresent",
        "subPath": "models"}


# -- Kustomize --------------------------------------------------------------------

SERVICE = """apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: %s
spec:
  predictor:
    model:
      modelFormat: {name: onnx}
      storageUri: to-be-replaced
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers: [{name: server, image: s:1}]
      volumes:
      - name: other
        emptyDir: {}
      - name: model
        image: {reference: to-be-replaced, pullPolicy: Always}
"""


def test_kustomize_is_a_component(mreg, name, churn):
    doc = load(mreg.run("resolve", f"{name}:production", "--format",
                        "kustomize", "--name", "churn").stdout)
    assert doc["apiVersion"] == "kustomize.config.k8s.io/v1alpha1"
    assert doc["kind"] == "Component"
    assert doc["images"] == [{"name": name, "digest": churn["i1"]}]
    service, deployment = (load(p["patch"]) for p in doc["patches"])
    assert service["spec"]["predictor"]["model"] == {
        "storageUri": f"oci://{name}@{churn['i1']}"}
    volume, = deployment["spec"]["template"]["spec"]["volumes"]
    assert volume["image"]["reference"] == f"{name}@{churn['i1']}"
    assert [p["target"] for p in doc["patches"]] == [
        {"group": "serving.kserve.io", "kind": "InferenceService",
         "name": "churn"},
        {"group": "apps", "kind": "Deployment", "name": "churn"}]


def kustomize():
    for words in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(words[0]) and subprocess.run(
                [*words, "--help"], capture_output=True).returncode == 0:
            return words
    return pytest.skip("neither kustomize nor kubectl is here")


@pytest.mark.parametrize("objects", ["churn", "else", "service"])
def test_kustomize_itself_takes_it(mreg, name, churn, tmp_path, objects):
    """What has the name is changed, and nothing else; what is not there is not
    missed."""
    build = kustomize()
    named = "other" if objects == "else" else "churn"
    harness.write(tmp_path / "k/model/kustomization.yaml",
                  mreg.run("resolve", f"{name}:production", "--format",
                           "kustomize", "--name", "churn").stdout)
    harness.write(tmp_path / "k/service.yaml", SERVICE % named)
    files = ["service.yaml"]
    if objects != "service":
        harness.write(tmp_path / "k/deployment.yaml", DEPLOYMENT % named)
        files.append("deployment.yaml")
    harness.write(tmp_path / "k/kustomization.yaml", yaml.safe_dump(
        {"resources": files, "components": ["model"]}))
    done = subprocess.run([*build, str(tmp_path / "k")], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    made = {d["kind"]: d for d in yaml.safe_load_all(done.stdout)}
    uri = made["InferenceService"]["spec"]["predictor"]["model"]["storageUri"]
    if objects == "else":
        assert done.stdout.count("to-be-replaced") == 2
        return
    assert uri == f"oci://{name}@{churn['i1']}"
    assert made["InferenceService"]["metadata"]["annotations"][
        "org.mreg.version"] == "v1"
    if objects == "churn":
        volumes = {v["name"]: v for v in made["Deployment"]["spec"]["template"]
                   ["spec"]["volumes"]}
        assert volumes["other"] == {"name": "other", "emptyDir": {}}
        assert volumes["model"]["image"] == {
            "reference": f"{name}@{churn['i1']}",
            "pullPolicy": "IfNotPresent"}


# -- which version, which image ---------------------------------------------------


def test_the_image_is_that_of_the_version_the_alias_has(mreg, name, churn):
    """Not what ALIAS-image says, which moves after the alias."""
    give_image(name, "x", churn[2], tag="production-image")
    for form in RENDERED:
        text = mreg.run("resolve", f"{name}:production", "--format",
                        form).stdout
        assert churn["i1"] in text and churn["i2"] not in text
    mreg.run("alias", "set", f"{name}:v2", "production")
    for form in RENDERED:
        text = mreg.run("resolve", f"{name}:production", "--format",
                        form).stdout
        assert churn["i2"] in text and churn["i1"] not in text


def test_every_way_to_name_a_version_gives_the_same(mreg, name, churn):
    mreg.run("release", f"{name}:v1", "1.0.0")
    texts = {ref: load(mreg.run("resolve", f"{name}{ref}", "--format",
                                "kserve").stdout)
             for ref in (":v1", ":production", ":1.0.0", f"@{churn[1]}",
                         f":v1@{churn[1]}", ":v1-image", f"@{churn['i1']}")}
    assert all(text == texts[":v1"] for text in texts.values()), texts


def test_every_reference_is_by_digest(mreg, name, churn):
    for form in RENDERED:
        text = mreg.run("resolve", f"{name}:production", "--format",
                        form).stdout
        lines = [line for line in text.splitlines()
                 if not line.lstrip().startswith("#")]
        assert not re.search(rf"{re.escape(name)}:", "\n".join(lines))
        assert f"{name}@{churn['i1']}" in "\n".join(lines)


def test_without_an_image_it_says_how_to_make_one(mreg, model, name):
    digest = mreg.json("push", model, f"{name}:staging")["digest"]
    for form in RENDERED:
        for ref in ("", ":v1", ":staging", f"@{digest}"):
            error = mreg.fails(3, "resolve", name + ref, "--format", form)
            assert "no image of v1" in error["message"]
            assert f"mreg image {name}:v1" in error["hint"]


def test_an_image_of_another_version_is_refused(mreg, name, churn):
    give_image(name, "v1", churn[2])
    error = mreg.fails(4, "resolve", f"{name}:v1", "--format", "kserve")
    assert "another version" in error["message"]
    assert churn[2] in error["hint"]


def test_an_image_that_does_not_say_is_warned_of(mreg, name, churn):
    digest = give_image(name, "v1", None)
    r = mreg.run("resolve", f"{name}:v1", "--format", "kserve")
    assert digest in r.stdout and "does not say" in r.stderr


def test_what_is_no_image_under_the_tag_is_refused(mreg, name, churn):
    host, repository = name.split("/", 1)
    there = foreign.Registry(host, repository)
    there.manifest("v1-image", [foreign.layer("text/plain", b"x")],
                   artifact="application/x.none")
    error = mreg.fails(1, "resolve", f"{name}:v1", "--format", "dockerfile")
    assert "is no image" in error["message"]


def test_an_image_of_others_is_served_as_it_is(mreg, name):
    """A modelcar that somebody built without mreg."""
    host, repository = name.split("/", 1)
    d = foreign.image(foreign.Registry(host, repository), "v1.0",
                      [foreign.layer(foreign.LAYER, foreign.tar(
                          {"models/": None, "models/a": b"a"}))])["digest"]
    text = mreg.run("resolve", f"{name}:v1.0", "--format", "dockerfile").stdout
    assert f"COPY --from={name}@{d} /models /models" in text
    doc = load(mreg.run("resolve", f"{name}:v1.0", "--format", "kserve",
                        "--model-format", "sklearn").stdout)
    assert "org.mreg.version" not in doc["metadata"]["annotations"]
    assert doc["spec"]["predictor"]["model"]["storageUri"] == f"oci://{name}@{d}"


def test_a_local_store_cannot_be_deployed(mreg, pushed):
    for form in RENDERED:
        error = mreg.fails(9, "resolve", "churn:staging", "--format", form)
        assert error["code"] == "unsupported"
        assert "local store" in error["message"]
        assert "mreg copy" in error["hint"]


def test_what_is_not_there_is_not_found(mreg, name, churn):
    mreg.fails(3, "resolve", f"{name}:v9", "--format", "kserve")
    mreg.fails(3, "resolve", f"{name}:v9-image", "--format", "k8s")


# -- KServe's formats, names ------------------------------------------------------


@pytest.mark.parametrize("given, format", [
    (["--format", "safetensors"], "huggingface"),
    (["--format", "onnx"], "onnx"),
    (["--format", "pytorch"], "pytorch"),
    (["--format", "pickle", "--family", "xgboost"], "xgboost"),
    (["--format", "pickle"], "sklearn"),
    (["--format", "pickle", "--label", "flavors=python_function,sklearn"],
     "mlflow"),
    (["--format", "gguf"], "gguf"),
])
def test_the_model_format_follows_from_the_metadata(mreg, model, name, given,
                                                    format):
    mreg.run("push", model, name, *metadata(given))
    text = mreg.run("resolve", name, "--format", "kserve", "--scheme",
                    "mreg").stdout
    found = load(text)["spec"]["predictor"]["model"]["modelFormat"]
    assert found == {"name": format}
    assert ("no runtime that comes with KServe" in text) == (format == "gguf")
    text = mreg.run("resolve", name, "--format", "kserve", "--scheme", "mreg",
                    "--model-format", "triton").stdout
    assert load(text)["spec"]["predictor"]["model"]["modelFormat"] == \
        {"name": "triton"}


def metadata(given):
    words, out = iter(given), []
    for word in words:
        value = next(words)
        out += ["--tag", value] if word == "--label" else [word, value]
    return out


def test_nothing_known_of_it_is_an_error_that_helps(mreg, name, tmp_path):
    harness.write(tmp_path / "m/notes.txt", "words")
    mreg.run("push", tmp_path / "m", name)
    words = ("resolve", name, "--scheme", "mreg", "--format")
    assert "--model-format" in mreg.fails(2, *words, "kserve")["hint"]
    assert "format" not in load(mreg.run(*words, "helm").stdout)["model"]


@pytest.mark.parametrize("words", [
    ["kserve", "--name", "Upper"], ["kserve", "--name", "a" * 64],
    ["kserve", "--name", "-a"], ["kserve", "--name", "a\nb: c"],
    ["kserve", "--model-format", "a b"], ["kserve", "--server", "x"],
    ["k8s", "--server", "x\ny"], ["k8s", "--model-format", "onnx"],
    ["dockerfile", "--name", "x"], ["dockerfile", "--scheme", "mreg"],
    ["digest", "--name", "x"], ["ref", "--scheme", "mreg"],
])
def test_words_that_do_not_fit_are_refused(mreg, words):
    """Before anything is asked."""
    error = mreg.fails(2, "resolve", "localhost:1/a", "--format", *words)
    assert error["code"] == "usage"


@pytest.mark.parametrize("last, expected", [
    ("churn", "churn"), ("a_b.c", "a-b-c"), ("7b-chat", "model-7b-chat"),
    ("x" * 80, "x" * 63),
])
def test_the_name_is_the_models_as_a_cluster_takes_it(mreg, model, registry,
                                                      last, expected):
    name = f"{registry.host}/named/{last}"
    mreg.run("push", model, name, "--format", "onnx")
    doc = load(mreg.run("resolve", name, "--format", "kserve", "--scheme",
                        "mreg").stdout)
    assert doc["metadata"]["name"] == expected


@pytest.mark.parametrize("words", [
    ["kserve", "--scheme", "oci+fetch", "--name", "a", "--model-format", "b.c"],
    ["k8s", "--name", "a", "--server", "h/s:1"], ["dockerfile"],
    ["helm", "--scheme", "mreg"],
], ids=lambda words: words[0])
def test_the_comment_writes_it_again(mreg, name, churn, words):
    text = mreg.run("resolve", f"{name}:production", "--format", *words).stdout
    by = re.search("^# by: mreg (.*)$", text, re.M)[1]
    assert by.split() == ["resolve", f"{name}:production", "--format", *words]
    assert mreg.run(*by.split()).stdout == text


# -- hostile, JSON ----------------------------------------------------------------


def test_metadata_of_others_stays_data(mreg, name):
    """A format that would be YAML of its own is no format."""
    host, repository = name.split("/", 1)
    there = foreign.Registry(host, repository)
    config = json.dumps({"descriptor": {}, "modelfs": {"type": "layers",
                                                       "diffIds": []},
                         "config": {"format": 'x"\n  evil: true'}}).encode()
    there.manifest("v1", [foreign.named(
        foreign.MODELPACK + "weight.v1.raw", b"w", filepath="w.bin")],
        config, foreign.MODELPACK + "config.v1+json", foreign.MODEL)
    words = ("resolve", f"{name}:v1", "--scheme", "mreg", "--format")
    mreg.fails(2, *words, "kserve")
    assert set(load(mreg.run(*words, "helm").stdout)["model"]) == {
        "name", "repository", "version", "digest", "uri"}


def test_json_has_the_text_too(mreg, name, churn):
    plain = strict(mreg.json("resolve", f"{name}:production"))
    assert plain["image"] is plain["text"] is plain["format"] is None
    for form in RENDERED:
        found = strict(mreg.json("resolve", f"{name}:production", "--format",
                                 form))
        assert found["format"] == form and found["image"] == churn["i1"]
        assert found["digest"] == churn[1] and found["version"] == "v1"
        assert found["text"] == mreg.run("resolve", f"{name}:production",
                                         "--format", form).stdout


def test_the_sample_fits():
    strict(json.loads((SPEC / "samples/resolve.json").read_text()))


def test_a_required_policy_is_asked_first(mreg, name, churn):
    for form in RENDERED:
        assert mreg.fails(7, "resolve", f"{name}:production", "--format", form,
                          "--require-policy")["code"] == "policy"
