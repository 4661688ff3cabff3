"""images.py - what the tests of images share: a repository read as a client of
images does, and results that fit their schema."""
import gzip
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


def layer_of(members, compress=bytes):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue(), compress(out.getvalue())


class Base:
    """An image like busybox, made by hand: one layer that is compressed, for
    two platforms and for one that no model is for."""

    CONFIG = "application/vnd.oci.image.config.v1+json"
    MANIFEST = "application/vnd.oci.image.manifest.v1+json"

    def __init__(self, root, kind=LAYER + "+gzip", extra=None):
        self.root, self.kind, self.extra = pathlib.Path(root), kind, extra
        (self.root / "blobs/sha256").mkdir(parents=True)
        (self.root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.layers, children = {}, []
        for os_, arch, variant in (("linux", "arm64", "v8"),
                                   ("linux", "amd64", None),
                                   ("windows", "amd64", None)):
            children.append(self.child(os_, arch, variant))
        children.append({**children[0], "platform": {
            "os": "unknown", "architecture": "unknown"}, "annotations": {
                "vnd.docker.reference.type": "attestation-manifest"}})
        self.children = children
        self.digest = self.tag("1", self.put(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": children},
            INDEX))

    def blob(self, data, kind):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        (self.root / "blobs/sha256" / digest[7:]).write_bytes(data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def put(self, document, kind):
        return self.blob(json.dumps(document).encode(), kind)

    def child(self, os_, arch, variant):
        plain, packed = layer_of({"bin/sh": b"sh of " + arch.encode()},
                                 gzip.compress)
        self.layers[arch] = self.blob(packed, self.kind)
        config = {"os": os_, "architecture": arch, "config": {
            "Env": ["PATH=/bin", "A=\u00e4"], "Cmd": ["/bin/sh"],
            "Entrypoint": ["/init"], "User": "nobody", "WorkingDir": "/x"},
            "rootfs": {"type": "layers", "diff_ids": [
                "sha256:" + hashlib.sha256(plain).hexdigest()]},
            **(self.extra or {})}
        manifest = {"schemaVersion": 2, "mediaType": self.MANIFEST,
                    "config": self.put(config, self.CONFIG),
                    "layers": [self.layers[arch]]}
        platform = {"os": os_, "architecture": arch}
        if variant:
            platform["variant"] = variant
        return {**self.put(manifest, self.MANIFEST), "platform": platform}

    def tag(self, name, descriptor):
        (self.root / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": [{**descriptor, "annotations": {
                "org.opencontainers.image.ref.name": name}}]}))
        return descriptor["digest"]
