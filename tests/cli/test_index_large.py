"""test_index_large.py - a model that does not fit into the memory of a sync:
its first versions wait in a file until the last are read."""
import json

import pytest
from bad import sha256
from harness import small_model, write
from index_life import anew, assert_same, dump, index_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI = "org.opencontainers.image."
VERSIONS = 70


@pytest.fixture
def large(mreg, store, tmp_path):
    """Some versions as people push them, indexed; behind them many with large
    manifests, which are not."""
    for number in range(1, 4):
        folder = small_model(tmp_path / f"m{number}", number)
        write(folder / "README.md", b"# churn\n\nlearnt on tuesday %d\n" %
              number)
        mreg.run("push", folder, "churn:staging", "--metric",
                 f"auc=0.{number}", "--param", f"depth={number}")
    mreg.run("evaluate", "churn:v2", "--suite", "speed", "--pass")
    mreg.run("index", "sync")
    layout = store / "churn"
    index = json.loads((layout / "index.json").read_text())
    first = next(json.loads(path.read_text()) for path in
                 (layout / "blobs/sha256" / d["digest"][7:]
                  for d in index["manifests"]
                  if d["annotations"][OCI + "ref.name"] == "v1"))
    for number in range(4, VERSIONS + 1):
        said = {"org.mreg.tag.big": f"{number}" + "x" * 300000}
        manifest = json.dumps({**first, "annotations": said}).encode()
        write(layout / "blobs/sha256" / sha256(manifest)[7:], manifest)
        index["manifests"].append({
            "mediaType": MANIFEST, "digest": sha256(manifest),
            "size": len(manifest),
            "annotations": {OCI + "ref.name": f"v{number}"}})
    (layout / "index.json").write_text(json.dumps(index))


def test_its_versions_are_what_they_are_one_by_one(mreg, large, tmp_path):
    mreg.run("index", "sync")
    said = dump(index_of(mreg))
    assert len(said["versions"]) == VERSIONS
    assert len(said["documents"]) == 1
    assert [words for _, number, words in said["cards"] if number == 2]
    # There, the first ones wait; here, they were there before.
    assert_same(anew(mreg, tmp_path / "other"), said)


def test_without_room_for_the_file_nothing_is_lost(mreg, large, tmp_path):
    before = dump(index_of(mreg))
    nowhere = {"TMPDIR": str(tmp_path / "nowhere")}
    why = mreg.run("index", "sync", status=1, env=nowhere).stderr
    assert "cannot make a temporary file in" in why
    assert_same(dump(index_of(mreg)), before)
    mreg.run("index", "sync", env={"TMPDIR": str(tmp_path)})
    assert len(dump(index_of(mreg))["versions"]) == VERSIONS
    assert not list(tmp_path.glob("mreg-sync-*"))
