"""test_skopeo.py - what mreg writes is ordinary OCI: skopeo copies it, and
reads the local store, digests unchanged."""
import hashlib
import subprocess

from harness import assert_pulled, tree


def skopeo(*args):
    done = subprocess.run(["skopeo", "--insecure-policy", *map(str, args)],
                          capture_output=True)
    assert done.returncode == 0, f"{args}: {done.stderr.decode()}"
    return done.stdout


def copy(source, target):
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false",
           "--preserve-digests", source, target)


def raw_digest(where):
    raw = skopeo("inspect", "--raw", "--tls-verify=false", where)
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def test_a_copy_by_skopeo_to_a_layout_and_back_keeps_the_digest(
        at_plain, plain, models, box):
    folder = models("minilm")
    pushed = at_plain.json("push", folder, "skopeo/source",
                           "--license", "Apache-2.0")
    layout = f"oci:{box}/layout:copied"
    copy(f"docker://{plain.host}/skopeo/source:v1", layout)
    assert raw_digest(layout) == pushed["digest"]
    copy(layout, f"docker://{plain.host}/skopeo/target:again")
    assert raw_digest(f"docker://{plain.host}/skopeo/target:again") == \
        pushed["digest"]

    for i, ref in enumerate(("skopeo/target:again",
                             f"skopeo/target@{pushed['digest']}")):
        pulled = at_plain.json("pull", ref, "-o", box / f"out{i}")
        assert pulled["digest"] == pushed["digest"]
        assert_pulled(box / f"out{i}", tree(folder))
    assert at_plain.json("inspect", "skopeo/target:again")["metadata"][
        "license"] == "Apache-2.0"


def test_mreg_reads_a_layout_that_skopeo_wrote(mreg, plain, models, box):
    folder = models("gguf")
    mreg.run("push", folder, f"{plain.host}/skopeo/gguf")
    (box / "dir").mkdir()
    copy(f"docker://{plain.host}/skopeo/gguf:latest", 
         f"oci:{box}/dir/gguf:mine")
    mreg.run("pull", f"oci:{box}/dir//gguf:mine", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))


def test_skopeo_reads_the_local_store(mreg, plain, models, box):
    folder = models("sharded")
    pushed = mreg.json("push", folder, "team/sharded:staging")
    for tag in "v1", "latest", "staging":
        assert raw_digest(f"oci:{mreg.store}/team/sharded:{tag}") == \
            pushed["digest"]
    copy(f"oci:{mreg.store}/team/sharded:staging",
         f"docker://{plain.host}/skopeo/from-store:staging")
    pulled = mreg.json("pull", f"{plain.host}/skopeo/from-store:staging",
                       "-o", box / "out")
    assert pulled["digest"] == pushed["digest"]
    assert_pulled(box / "out", tree(folder))


def test_what_skopeo_put_into_a_local_store_stays_there(mreg, plain, models,
                                                        box):
    """Foreign entries of index.json are kept."""
    mreg.run("push", models("single"), f"{plain.host}/skopeo/foreign")
    mreg.run("push", models("gguf"), "mixed")
    copy(f"docker://{plain.host}/skopeo/foreign:v1",
         f"oci:{mreg.store}/mixed:theirs")
    before = raw_digest(f"oci:{mreg.store}/mixed:theirs")
    mreg.run("push", models("sharded"), "mixed:staging")
    mreg.run("alias", "rm", "mixed:staging")
    assert raw_digest(f"oci:{mreg.store}/mixed:theirs") == before
    assert mreg.json("resolve", "mixed:theirs")["digest"] == before
