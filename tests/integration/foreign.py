"""foreign.py - what other tools push, made here: their layers, configs and
manifests, in the shape that peers.md 6.5 and 6.7 give."""
import gzip
import hashlib
import io
import json
import struct
import tarfile
import urllib.parse
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
MODEL = "application/vnd.cncf.model.manifest.v1+json"
TITLE = "org.opencontainers.image.title"
FILEPATH = "org.cncf.model.filepath"
MODELPACK = "application/vnd.cncf.model."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def expect(content):
    """{path: bytes or (bytes, executable)} as assert_pulled wants it."""
    return {path: (hashlib.sha256(c[0] if isinstance(c, tuple) else c)
                   .hexdigest(), isinstance(c, tuple) and c[1])
            for path, c in content.items()}


# -- archives ------------------------------------------------------------------


def tar(files, format=tarfile.PAX_FORMAT, prefix=""):
    """A tar of {path: bytes, or (bytes, mode), or TarInfo}; a path that ends in
    '/' is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as t:
        for path, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                t.addfile(content)
                continue
            data, mode = content if isinstance(content, tuple) else \
                (content, 0o644)
            info = tarfile.TarInfo(prefix + path)
            info.mode = mode
            if path.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                t.addfile(info)
                continue
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def link(path, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def gz(data):
    return gzip.compress(data, 6, mtime=0)


def zstd(data):
    """A frame of raw blocks (RFC 8878, section 3.1.1)."""
    out = [b"\x28\xb5\x2f\xfd\xa0", struct.pack("<I", len(data))]
    for at in range(0, len(data) or 1, 65536):
        block = data[at:at + 65536]
        last = at + 65536 >= len(data)
        out.append(struct.pack("<I", last | len(block) << 3)[:3] + block)
    return b"".join(out)


def zstd_hole(first, size, window_log):
    """The same of `first` and zeros up to `size` bytes, in a frame that asks
    for a window of that size; few bytes, and room for what they stand for
    (mreg's limit is 200 times as many) in a frame to skip."""
    def block(data, n, kind):
        return struct.pack("<I", kind << 1 | n << 3)[:3] + data

    zeros, rest = divmod(size - len(first), 1 << 17)
    spare = bytes(size // 200 + 1000)
    return b"".join(
        [b"\x50\x2a\x4d\x18", struct.pack("<I", len(spare)), spare,
         b"\x28\xb5\x2f\xfd\0", bytes([window_log - 10 << 3]),
         block(first, len(first), 0)] +
        [block(b"\0", 1 << 17, 1)] * zeros +
        [block(b"\0", rest, 1), b"\1\0\0"])


# -- documents -----------------------------------------------------------------


def layer(media_type, data, more=None, **annotations):
    """A descriptor, and the bytes it is of."""
    d = {"mediaType": media_type, "digest": digest(data), "size": len(data),
         **(more or {})}
    if annotations:
        d["annotations"] = annotations
    return d, data


def named(media_type, data, **names):
    """The same with annotations whose keys are no Python names."""
    return layer(media_type, data, {"annotations": {
        {"title": TITLE, "filepath": FILEPATH,
         "unpack": "io.deis.oras.content.unpack",
         "inlayerpath": "olot.layer.content.inlayerpath",
         "metadata": "org.cncf.model.file.metadata+json",
         "cnai": "org.cnai.model.filepath"}[k]: v for k, v in names.items()}})


class Registry:
    """Pushing to a repository of a plain registry, without mreg."""

    def __init__(self, host, repository):
        self.host, self.repository = host, repository

    @property
    def name(self):
        return f"{self.host}/{self.repository}"

    def send(self, method, path, data=b"", **headers):
        base = f"http://{self.host}/v2/{self.repository}/"
        request = urllib.request.Request(urllib.parse.urljoin(base, path),
                                         data, {
            k.replace("_", "-"): v for k, v in headers.items()},
            method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(answer.headers)

    def blob(self, data):
        place = self.send("POST", "blobs/uploads/")["Location"]
        place += ("&" if "?" in place else "?") + "digest=" + digest(data)
        self.send("PUT", place, data,
                  Content_Type="application/octet-stream")

    def put(self, reference, document, media_type):
        """A manifest or index; its descriptor."""
        data = json.dumps(document).encode()
        return self.put_bytes(reference or digest(data), data, media_type)

    def put_bytes(self, reference, data, media_type):
        self.send("PUT", f"manifests/{reference}", data,
                  Content_Type=media_type)
        return {"mediaType": media_type, "digest": digest(data),
                "size": len(data)}

    def manifest(self, reference, layers, config=b"{}", config_type=EMPTY,
                 artifact=None, media_type=MANIFEST, **more):
        """Push layers (of layer()), config and manifest."""
        for _, data in layers:
            self.blob(data)
        self.blob(config)
        document = {"schemaVersion": 2, "mediaType": media_type,
                    "config": {"mediaType": config_type,
                               "digest": digest(config), "size": len(config)},
                    "layers": [d for d, _ in layers], **more}
        if artifact:
            document["artifactType"] = artifact
        return self.put(reference, document, media_type)

    def index(self, reference, children, media_type=INDEX, **more):
        return self.put(reference, {"schemaVersion": 2,
                                    "mediaType": media_type,
                                    "manifests": children, **more},
                        media_type)


class Layout(Registry):
    """The same in a local store at `folder`."""

    def __init__(self, folder, repository):
        self.folder, self.repository = folder, repository
        self.root = folder / repository
        (self.root / "blobs/sha256").mkdir(parents=True)
        (self.root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.manifests = []

    @property
    def name(self):
        return f"oci:{self.folder}//{self.repository}"

    def blob(self, data):
        (self.root / "blobs/sha256" / digest(data)[7:]).write_bytes(data)

    def put(self, reference, document, media_type):
        data = json.dumps(document).encode()
        self.blob(data)
        d = {"mediaType": media_type, "digest": digest(data),
             "size": len(data)}
        self.manifests.append(d if not reference else {**d, "annotations": {
            "org.opencontainers.image.ref.name": reference}})
        (self.root / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": self.manifests}))
        return d


def image(registry, reference, layers, media_type=MANIFEST,
          config_type=OCI_CONFIG):
    """An ordinary container image."""
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers",
                   "diff_ids": [d["digest"] for d, _ in layers]}}).encode()
    return registry.manifest(reference, layers, config, config_type,
                             media_type=media_type)


# -- a model in an image -------------------------------------------------------

WEIGHTS = bytes(range(256)) * 40
CONFIG, README = b'{"model_type":"toy"}\n', b"# toy\n"


def modelcar_layers(compress=bytes, suffix=""):
    base = layer(LAYER + suffix, compress(tar({
        "bin": link("bin", "usr/bin"), "etc/": None,
        "etc/passwd": b"root:x:0:0", "dev/null": link(
            "dev/null", "", tarfile.CHRTYPE)})))
    one = layer(LAYER + suffix, compress(tar({
        "models/": None, "models/old.bin": b"old", "models/dir/a": b"a",
        "models/config.json": b"{}"}, tarfile.GNU_FORMAT)))
    two = layer(LAYER + suffix, compress(tar({
        "models/.wh.old.bin": b"", "models/dir/.wh..wh..opq": b"",
        "models/dir/b": b"b", "models/config.json": CONFIG,
        "models/m.bin": WEIGHTS, "models/run": (b"#!", 0o755),
        "models/model.file": link("models/model.file", "m.bin")})))
    return [base, one, two]


MODELCAR = {"dir/b": b"b", "config.json": CONFIG, "m.bin": WEIGHTS,
            "run": (b"#!", True), "model.file": WEIGHTS}
