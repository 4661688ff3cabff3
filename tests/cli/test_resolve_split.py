"""test_resolve_split.py - resolve --format of an alias that is split: the
canary, what has no place for one, and what is told of it."""
import re

import pytest
import yaml

import aging
import foreign
import harness
from test_resolve_formats import churn, give_image, load, name, registry, \
    made, strict  # noqa: F401  (fixtures)


MODE = "serving.kserve.io/deploymentMode"


@pytest.fixture
def third(mreg, name, churn, tmp_path):
    """v3 with an image too."""
    folder = harness.small_model(tmp_path / "m3", 3)
    churn[3] = mreg.json("push", folder, name, "--format", "onnx")["digest"]
    churn["i3"] = give_image(name, "v3", churn[3])
    return churn


def split(mreg, name, *words):
    return mreg.json("split", f"{name}:production", *words)


def resolve(mreg, name, form, *words):
    return mreg.run("resolve", f"{name}:production", "--format", form,
                    *words).stdout


def test_kserve_has_the_canary(mreg, name, churn):
    plain = resolve(mreg, name, "kserve")
    split(mreg, name, "v1=90", "v2=10")
    text = resolve(mreg, name, "kserve", "--name", "churn")
    assert load(text) == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "churn", "annotations": {
            "org.mreg.model": name, "org.mreg.version": "v2",
            "org.mreg.digest": churn[2],
            # Refused by a service that is in Standard mode, which ignores this:
            MODE: "Knative"}},
        "spec": {"predictor": {
            "canaryTrafficPercent": 10,
            "model": {"modelFormat": {"name": "onnx"},
                      "storageUri": f"oci://{name}@{churn['i2']}"}}}}
    for share in "90 %  v1", churn["i1"], "10 %  v2", "Knative":
        assert share in text
    told = mreg.run("resolve", f"{name}:production", "--format", "kserve")
    assert told.stderr == (
        "warning: v1 has to be rolled out already, in KServe's Knative mode: a "
        "first revision gets all the traffic, and in Standard mode "
        "(RawDeployment) there is no such share\n")
    assert "Standard mode" in mreg.run("resolve", "--help").stdout
    # Undone, it is the file that it was, byte for byte.
    mreg.run("rollback", f"{name}:production")
    told = mreg.run("resolve", f"{name}:production", "--format", "kserve")
    assert told.stdout == plain and told.stderr == ""


def test_a_version_without_number_is_told_by_its_digest(mreg, name, churn):
    """Of an alias that has what was pushed without mreg."""
    host, repository = name.split("/", 1)
    own = foreign.Registry(host, repository).manifest(
        "mine", [foreign.named(foreign.MODELPACK + "weight.v1.raw", b"w",
                               filepath="w.bin")],
        b"{}", foreign.MODELPACK + "config.v1+json", foreign.MODEL)["digest"]
    mreg.run("alias", "set", f"{name}@{own}", "production")
    split(mreg, name, f"{own}=90", "v2=10")
    told = mreg.run("resolve", f"{name}:production", "--format", "kserve",
                    "--scheme", "mreg")
    assert told.stderr.startswith(
        f"warning: {own} has to be rolled out already")
    assert own in told.stdout


def test_a_promotion_takes_the_percentage_away(mreg, name, churn):
    split(mreg, name, "v1=90", "v2=10")
    mreg.run("promote", f"{name}:v2", "production")
    doc = load(resolve(mreg, name, "kserve"))
    assert "canaryTrafficPercent" not in doc["spec"]["predictor"]
    assert MODE not in doc["metadata"]["annotations"]
    assert doc["spec"]["predictor"]["model"]["storageUri"] == \
        f"oci://{name}@{churn['i2']}"


def test_mregs_own_scheme_needs_no_image(mreg, name, churn):
    split(mreg, name, "v1=60", "v2=40")
    doc = load(resolve(mreg, name, "kserve", "--scheme", "mreg"))
    assert doc["spec"]["predictor"]["canaryTrafficPercent"] == 40
    assert doc["spec"]["predictor"]["model"]["storageUri"] == \
        f"mreg://{name}@{churn[2]}"


def test_of_more_than_two_kserve_gets_the_aliass_own(mreg, name, third):
    split(mreg, name, "v1=80", "v2=10", "v3=10")
    text = resolve(mreg, name, "kserve")
    doc = load(text)
    assert "canaryTrafficPercent" not in doc["spec"]["predictor"]
    assert MODE not in doc["metadata"]["annotations"]
    assert doc["spec"]["predictor"]["model"]["storageUri"] == \
        f"oci://{name}@{third['i1']}"
    assert "canaryTrafficPercent knows two revisions" in text and third["i3"] in text


def test_k8s_has_an_object_for_each(mreg, name, third):
    split(mreg, name, "v1=80", "v2=15", "v3=5")
    text = resolve(mreg, name, "k8s", "--name", "churn")
    docs = list(yaml.safe_load_all(text))
    assert [d["kind"] for d in docs] == ["Deployment"] * 3
    assert [d["metadata"]["name"] for d in docs] == \
        ["churn", "churn-v2", "churn-v3"]
    label = "app.kubernetes.io/name"
    for doc, n in zip(docs, (1, 2, 3)):
        pods = doc["spec"]["template"]
        assert doc["spec"]["selector"]["matchLabels"][label] == \
            pods["metadata"]["labels"][label] == doc["metadata"]["name"]
        assert pods["spec"]["volumes"][0]["image"]["reference"] == \
            f"{name}@{third[f'i{n}']}"
        assert doc["metadata"]["annotations"]["org.mreg.version"] == f"v{n}"
    assert "80 %  v1" in text and "HTTPRoute" in text
    # What the comment prunes by is on all of them, and on what comes after, but
    # selects no pods: a selector never changes.
    by = dict(w.split("=") for w in re.search(
        r"--prune --prune-allowlist apps/v1/Deployment \\\n"
        r"# +--selector (\S+)$", text, re.M)[1].split(","))
    assert by == {"app.kubernetes.io/part-of": "churn",
                  "app.kubernetes.io/managed-by": "mreg"}
    split(mreg, name, "--end")
    after = load(resolve(mreg, name, "k8s", "--name", "churn"))
    for doc in [*docs, after]:
        assert by.items() <= doc["metadata"]["labels"].items()
        assert list(doc["spec"]["selector"]["matchLabels"]) == [label]
        assert list(doc["spec"]["template"]["metadata"]["labels"]) == [label]


def test_helm_has_a_list_with_weights(mreg, name, churn):
    split(mreg, name, "v1=90", "v2=10")
    model = load(resolve(mreg, name, "helm"))["model"]
    assert model["digest"] == churn[1]
    assert model["split"] == [
        {"digest": churn[n], "version": f"v{n}", "weight": weight,
         "uri": f"oci://{name}@{churn[f'i{n}']}",
         "reference": f"{name}@{churn[f'i{n}']}"}
        for n, weight in ((1, 90), (2, 10))]
    mreg.run("rollback", f"{name}:production")
    assert "split" not in load(resolve(mreg, name, "helm"))["model"]


@pytest.mark.parametrize("form", ["kustomize", "dockerfile"])
def test_others_tell_it_and_take_the_aliass_own(mreg, name, churn, form):
    plain = resolve(mreg, name, form)
    split(mreg, name, "v1=90", "v2=10")
    text = resolve(mreg, name, form)
    told = [line for line in text.splitlines() if line not in
            plain.splitlines()]
    assert all(line.startswith("#") for line in told)
    assert "10 %  v2" in text


def test_json_has_the_shares(mreg, name, churn):
    split(mreg, name, "v1=90", "v2=10")
    result = strict(mreg.json("resolve", f"{name}:production", "--format",
                              "kserve"))
    assert result["digest"] == churn[1] and result["version"] == "v1"
    assert [(s["version"], s["weight"], s["stable"], s["image"])
            for s in result["split"]] == \
        [("v1", 90, True, churn["i1"]), ("v2", 10, False, churn["i2"])]
    # Other names of the versions have none, and the digest alone asks nobody.
    for ref in f"{name}:v1", f"{name}:latest", f"{name}@{churn[1]}":
        assert strict(mreg.json("resolve", ref, "--format",
                                "kserve"))["split"] == []
    assert strict(mreg.json("resolve", f"{name}:production"))["split"] == []


@pytest.fixture
def bare(mreg, name, churn, tmp_path):
    """v3 without image and description."""
    folder = harness.small_model(tmp_path / "m3", 3)
    churn[3] = mreg.json("push", folder, name, "--format", "onnx")["digest"]
    return churn


def alone(mreg, name, *words, **kwargs):
    """The alias's own version has everything; what was said of that."""
    r = mreg.run("resolve", f"{name}:production", "--format", "kserve", *words,
                 **kwargs)
    assert "canaryTrafficPercent" not in r.stdout
    assert load(r.stdout)["metadata"]["annotations"]["org.mreg.version"] == "v1"
    assert "alias's own version gets everything" in r.stderr
    return r.stderr


def test_a_canary_without_image_is_told(mreg, name, bare):
    split(mreg, name, "v1=90", "v3=10")
    said = alone(mreg, name)
    assert "no image of v3" in said and "mreg image" in said


GONE = {"archived": {}, "removed": {"tags": ["v2"]}}


@pytest.mark.parametrize("kind", GONE)
def test_a_canary_that_is_gone_meanwhile_is_left_out(mreg, name, store,
                                                     tmp_path, kind):
    """Its event was written by somebody who had not seen the split."""
    digests = [mreg.json("push", harness.small_model(tmp_path / f"g{n}", n),
                         "gone", "--format", "onnx", "--also",
                         "image")["digest"] for n in (1, 2)]
    mreg.run("alias", "set", "gone:v1", "production")
    split(mreg, "gone", "v1=90", "v2=10")
    mreg.run("copy", "gone", name)
    assert "canaryTrafficPercent" in resolve(mreg, name, "kserve")
    aging.write_event(mreg, store / "gone", "gone", kind, version=digests[1],
                      **GONE[kind])
    mreg.run("copy", "gone", name)
    assert "archived or removed" in alone(mreg, name)
    assert len(list(yaml.safe_load_all(resolve(mreg, name, "k8s")))) == 1
    assert "split" not in load(resolve(mreg, name, "helm"))["model"]
    if kind == "archived":
        mreg.run("restore", f"{name}:v2")
        assert "canaryTrafficPercent" in resolve(mreg, name, "kserve")


@pytest.mark.parametrize("form, scheme", [
    ("kserve", "mreg"), ("kserve", "oci"), ("kustomize", "oci")])
def test_a_canary_that_was_deleted_is_left_out(mreg, name, churn, form, scheme):
    """Without mreg, so the log says nothing of it."""
    split(mreg, name, "v1=90", "v2=10")
    there = foreign.Registry(*name.split("/", 1))
    for gone in churn[2], churn["i2"]:
        there.send("DELETE", f"manifests/{gone}")
    r = mreg.run("resolve", f"{name}:production", "--format", form, "--scheme",
                 scheme)
    assert "alias's own version gets everything" in r.stderr
    assert churn[2] not in r.stdout and churn["i2"] not in r.stdout
    mreg.run("split", f"{name}:production", "--end")
    r = mreg.run("resolve", f"{name}:production", "--format", form, "--scheme",
                 scheme)
    assert r.stderr == ""


def test_a_canary_that_is_deprecated_stays(mreg, name, churn):
    """It was warned of when it was tried; until it is archived it is in use."""
    split(mreg, name, "v1=90", "v2=10")
    before = resolve(mreg, name, "kserve")
    mreg.run("deprecate", f"{name}:v2", "--reason", "slow")
    assert resolve(mreg, name, "kserve") == before


def test_the_policy_is_asked_of_the_canary(mreg, name, bare, tmp_path):
    """What got its share before there were rules for it."""
    mreg.run("edit", f"{name}:v1", "--description", "who leaves")
    give_image(name, "v3", bare[3])
    split(mreg, name, "v1=90", "v3=10")
    harness.write(tmp_path / "p.yaml", "policy: 1\nrequire: description\n")
    mreg.run("policy", "set", name, tmp_path / "p.yaml")
    assert "not to be used" in alone(mreg, name, "--require-policy")
    assert "v3" in resolve(mreg, name, "kserve")
    alone(mreg, name, env={"MREG_REQUIRE_POLICY": "true"})
    mreg.run("edit", f"{name}:v3", "--description", "who leaves")
    assert "v3" in resolve(mreg, name, "kserve", "--require-policy")


def test_the_alias_s_gates_are_asked_of_the_canary(mreg, name, bare, tmp_path):
    """The share was given before the alias had gates."""
    mreg.run("edit", f"{name}:v1", "--description", "who leaves")
    give_image(name, "v3", bare[3])
    split(mreg, name, "v1=90", "v3=10")
    harness.write(tmp_path / "p.yaml", "policy: 1\naliases:\n  production:\n"
                                       "    require: description\n")
    mreg.run("policy", "set", name, tmp_path / "p.yaml")
    assert "not to be used" in alone(mreg, name, "--require-policy")
    mreg.run("edit", f"{name}:v3", "--description", "who leaves")
    assert "v3" in resolve(mreg, name, "kserve", "--require-policy")


def test_an_image_named_itself_has_no_tag(mreg, name, churn):
    values = load(mreg.run("resolve", f"{name}@{churn['i1']}", "--format",
                           "helm").stdout)["model"]
    assert values["image"]["digest"] == churn["i1"]
    assert "tag" not in values["image"]


def write_event(mreg, name, kind, **fields):
    """What somebody without mreg would write to the log."""
    tag, data = aging.next_event(mreg, name, kind, **fields)
    foreign.Registry(*name.split("/", 1)).put_bytes(tag, data, foreign.MANIFEST)


def give_share(mreg, name, own, other):
    move = [e["digest"] for e in mreg.json("log", name)["events"]
            if e["kind"] == "alias_moved"][-1]
    write_event(mreg, name, "split_recorded", alias="production", move=move,
                weights={own: "90", other: "10"})


@pytest.fixture
def described(mreg, name, churn, tmp_path):
    mreg.run("edit", f"{name}:v1", "--description", "who leaves")
    harness.write(tmp_path / "p.yaml", "policy: 1\nrequire: description\n")
    mreg.run("policy", "set", name, tmp_path / "p.yaml")
    return churn


def test_what_is_no_version_gets_nothing(mreg, name, described):
    """An image of one is none, though it leads to one."""
    give_share(mreg, name, described[1], described["i2"])
    for words in (), ("--require-policy",):
        assert "no version that the log knows" in alone(mreg, name, *words)
    mreg.run("resolve", f"{name}:production", "--require-policy")


def test_what_cannot_be_judged_gets_nothing(mreg, name, described):
    """An index that somebody registered as a version."""
    there = foreign.Registry(*name.split("/", 1))
    pair = there.index("pair", [
        {"mediaType": foreign.MANIFEST, "digest": described[n],
         "size": 1000} for n in (1, 2)])["digest"]
    write_event(mreg, name, "version_registered", version=pair, number=3)
    give_share(mreg, name, described[1], pair)
    assert "index of 2 manifests" in alone(mreg, name, "--require-policy")
