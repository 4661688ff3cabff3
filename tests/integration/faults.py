"""faults.py - running mreg so that its N-th call that changes something kills
it, is torn or fails (fault_preload.c)."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shlex
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ("write", "send", "sync", "name", "open", "size")
# Whole sweeps; else samples.
FULL = any(os.environ.get(name, "") not in ("", "0")
           for name in ("MREG_CAMPAIGN", "MREG_TEST_FULL"))


def build(folder):
    """The preloaded object."""
    path = pathlib.Path(folder) / "fault_preload.so"
    if not path.exists():
        cc = shlex.split(os.environ.get("CC", "gcc"))
        subprocess.run([*cc, "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared",
                        "-fPIC", "-o", str(path),
                        str(HERE / "fault_preload.c"), "-ldl"], check=True)
    return path


class Faults:
    """Environments that make mreg fail, and how often they did."""

    def __init__(self, folder):
        self.preload = build(folder)
        self.count_file = pathlib.Path(folder) / f"count-{os.getpid()}"

    def env(self, classes, at, what="kill", spare=None):
        """`at` 0: only count.  `what`: kill, torn, or an error's number.
        `spare`: files with this in their path do not count."""
        self.count_file.write_bytes(bytes(8))
        return {
            **({"FAULT_NOT": spare} if spare else {}),
            "LD_PRELOAD": str(self.preload),
            "FAULT_ON": " ".join(classes), "FAULT_AT": str(at),
            "FAULT_DO": str(what), "FAULT_COUNT": str(self.count_file),
            # The linker's order does not matter: we replace no allocator.
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }

    @property
    def count(self):
        """Calls that counted in the last run."""
        return struct.unpack("q", self.count_file.read_bytes())[0]


def tell(capsys, text):
    """A count, for everybody to see in the campaign."""
    with capsys.disabled() if FULL else contextlib.nullcontext():
        print("\n" + text)


def points(total, samples):
    """Which of 1..total: all in the campaign, else some, spread evenly."""
    if FULL or total <= samples:
        return list(range(1, total + 1))
    return sorted({1 + (2 * i + 1) * total // (2 * samples)
                   for i in range(samples)})


def some(everything, *sample):
    """What a test is parametrized with: all in the campaign."""
    return list(everything) if FULL else list(sample)


# -- what must hold at every moment ---------------------------------------------


def versions_whole(read_tags, read_manifest, has_blob, missing):
    """Every tag names a manifest of that digest, all of whose blobs are
    there, or an index, of all of whose manifests the same is true; returns
    the digests of v<N> by N.  read_manifest() takes a tag or a digest."""
    def descend(tag, reference):
        digest, raw = read_manifest(reference)
        if raw is None or "sha256:" + hashlib.sha256(raw).hexdigest() != \
                digest:
            missing.append(f"manifest {reference} of {tag}")
            return digest
        document = json.loads(raw)
        for d in document.get("manifests", []):
            descend(tag, d["digest"])
        parts = [document["config"], *document["layers"]] \
            if "config" in document else []
        for d in parts:
            if not has_blob(d["digest"], d["size"]):
                missing.append(f"{d['digest']} of {tag}")
        return digest

    out = {}
    for tag in read_tags():
        digest = descend(tag, tag)
        if re.fullmatch("v[0-9]+", tag):
            out[int(tag[1:])] = digest
    return out


def layout_tags(folder):
    """{tag: digest} of an OCI layout, none where there is none yet."""
    path = folder / "index.json"
    name = "org.opencontainers.image.ref.name"
    return {e["annotations"][name]: e["digest"]
            for e in json.loads(path.read_bytes())["manifests"]
            if name in e.get("annotations", {})} if path.exists() else {}


def look_at_layout(folder, missing):
    """The same of an OCI layout, with all bytes hashed: also blobs that
    nothing names are what their names say."""
    blobs = folder / "blobs/sha256"
    if not (folder / "index.json").exists():
        # Then nobody sees anything yet.
        return {}
    index = json.loads((folder / "index.json").read_bytes())
    assert json.loads((folder / "oci-layout").read_bytes())
    for path in blobs.iterdir():
        if not path.name.startswith((".", "mreg.")) and \
                hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            missing.append(f"bytes of {path.name}")
    # What is attached has no name, but has to be whole as well.
    tags = {e.get("annotations", {}).get("org.opencontainers.image.ref.name",
                                         e["digest"]): e["digest"]
            for e in index["manifests"]}

    def read_manifest(tag):
        digest = tags.get(tag, tag)
        path = blobs / digest.split(":")[1]
        return digest, path.read_bytes() if path.exists() else None

    def has_blob(digest, size):
        path = blobs / digest.split(":")[1]
        return path.exists() and path.stat().st_size == size

    return versions_whole(lambda: tags, read_manifest, has_blob, missing)


def look_at_registry(registry, name, missing):
    """The same of a repository of Debian's registry, which proves the bytes
    of its blobs itself."""
    def read_manifest(tag):
        status, raw = registry.get(
            f"/v2/{name}/manifests/{tag}",
            "application/vnd.oci.image.manifest.v1+json, "
            "application/vnd.oci.image.index.v1+json")
        if status != 200:
            return None, None
        return "sha256:" + hashlib.sha256(raw).hexdigest(), raw

    def has_blob(digest, size):
        status, raw = registry.get(f"/v2/{name}/blobs/{digest}")
        return status == 200 and len(raw) == size

    return versions_whole(lambda: registry.tags(name), read_manifest,
                          has_blob, missing)


def look(who, name):
    """({N: digest} of the versions in who's store, what is wrong there)."""
    missing = []
    registry = getattr(who, "registry", None)
    if registry:
        found = look_at_registry(registry, name, missing)
    else:
        found = look_at_layout(who.store / name, missing)
    return found, missing
