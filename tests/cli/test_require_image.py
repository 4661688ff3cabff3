"""test_require_image.py - resolve and pull --require-policy of what is an image:
it is judged as the version it was made of, or refused."""
import hashlib
import json

import pytest

import harness
from test_log import retag
from test_promote import gates, push, where  # noqa: F401  (fixtures)

DERIVED = "org.mreg.derived-from.digest"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def image(mreg, push, tmp_path):
    """That of v1, which `production` and `staging` have with their siblings;
    without a description."""
    push(1)
    made = mreg.json("image", "churn:v1")["digest"]
    for alias in "production", "staging":
        mreg.run("alias", "set", "churn:v1", alias)
    assert made == where(mreg, "churn:production-image") == \
        where(mreg, "churn:staging-image")
    return made


def test_a_sibling_of_what_has_gates_is_not_used_unasked(mreg, gates, image):
    gates("through: staging")
    error = mreg.fails(7, "resolve", "churn:production-image",
                       "--require-policy")
    assert [f["rule"] for f in error["findings"]] == ["aliases.production"]
    assert "not asked of 'production-image'" in error["findings"][0]["problem"]
    mreg.run("resolve", "churn:production-image")
    assert image == mreg.json("resolve", "churn:staging-image",
                              "--require-policy")["digest"]


def test_an_image_is_judged_as_the_version_it_is_of(mreg, gates, image,
                                                    tmp_path):
    gates("policy: 1\nrequire: description\n", whole=True)
    refs = [f"churn@{image}", "churn:v1-image", "churn:staging-image"]
    for ref in refs:
        error = mreg.fails(7, "resolve", ref, "--require-policy")
        assert [f["rule"] for f in error["findings"]] == ["require.description"]
    mreg.run("edit", "churn:v1", "--description", "who leaves")
    for ref in refs:
        assert mreg.json("resolve", ref, "--require-policy")["digest"] == image
    mreg.run("pull", refs[1], "--require-policy", "-o", tmp_path / "out")
    assert harness.tree(tmp_path / "m1").items() <= {
        path.removeprefix("models/"): data for path, data in
        harness.tree(tmp_path / "out").items()}.items()


@pytest.mark.parametrize("of, said", [
    (None, "does not say of which version"),
    ("v1", "does not say of which version"),
    ("sha256:" + "0" * 64, "a version that is not there"),
    ("itself", "of another image")])
def test_an_image_of_no_version_here_is_not_judged(mreg, gates, image, store,
                                                   of, said):
    """Nor what says that it is an image of an image."""
    gates("policy: 1\nrequire: license\n", whole=True)
    blobs = store / "churn/blobs/sha256"
    index = json.loads((blobs / image[7:]).read_text())
    if of:
        index["annotations"][DERIVED] = of.replace("itself", image)
    else:
        del index["annotations"][DERIVED]
    data = json.dumps(index).encode()
    other = "sha256:" + hashlib.sha256(data).hexdigest()
    (blobs / other[7:]).write_bytes(data)
    error = mreg.fails(7, "resolve", f"churn@{other}", "--require-policy")
    assert said in error["message"]
    assert "require it of the version" in error["hint"]


def test_an_image_under_an_aliass_own_tag_is_not_judged(mreg, gates, image,
                                                        store):
    gates("policy: 1\nlicenses: {deny: [MIT]}\n", whole=True)
    retag(store, "staging", image, INDEX)
    error = mreg.fails(7, "resolve", "churn:staging", "--require-policy")
    assert "as if it were a version" in error["message"]
