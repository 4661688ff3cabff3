"""images.py - what the tests of images share: a repository read as a client of
images does, and results that fit their schema."""
import hashlib
import io
import json
import pathlib
import tarfile

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = ROOT / "spec"
MIB = 1 << 20
# Newer Pythons refuse what is unsafe, as KServe asks them to.
SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"


class Store:
    """A repository of a local store, as a client of images reads it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def blob(self, digest):
        data = (self.folder / "blobs/sha256" / digest[7:]).read_bytes()
        assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
        return data

    def document(self, digest):
        return json.loads(self.blob(digest))

    def tags(self):
        index = json.loads((self.folder / "index.json").read_bytes())
        name = "org.opencontainers.image.ref.name"
        return {m["annotations"][name]: m["digest"]
                for m in index["manifests"] if name in m.get("annotations", {})}

    def manifest(self, index, architecture="amd64"):
        found, = [m for m in self.document(index)["manifests"]
                  if m["platform"]["architecture"] == architecture]
        return self.document(found["digest"])

    def extract(self, manifest, target):
        """As KServe's storage initializer does: streaming."""
        for layer in manifest["layers"]:
            stream = io.BytesIO(self.blob(layer["digest"]))
            with tarfile.open(fileobj=stream, mode="r|*") as tar:
                tar.extractall(target, **SAFE)


def tree(root):
    return {str(p.relative_to(root)): (p.read_bytes(),
                                       bool(p.stat().st_mode & 0o100))
            for p in sorted(pathlib.Path(root).rglob("*")) if p.is_file()}


def schema():
    s = json.loads((SPEC / "schemas/image.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(s)
    return s


def strict(result):
    s = schema()
    jsonschema.Draft7Validator(s).validate(result)
    assert set(result) == set(s["properties"]) == set(s["required"])
    for rows in "platforms", "layers":
        row = s["properties"][rows]["items"]
        for item in result[rows]:
            assert set(item) == set(row["properties"]) == set(row["required"])
    return result
