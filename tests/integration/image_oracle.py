"""image_oracle.py - what `mreg image` makes of a model, computed again from
spec/image.md and the folder that was pushed: archives byte for byte, configs,
manifests, index.  Shares no code with mreg, and nothing of its results but the
version's own manifest goes in."""
import hashlib
import json
import os

MIB = 1 << 20
BLOCK = 512
PAGE = 4096
# From this size on a file has a layer of its own.
LARGE = MIB
LAYERS_MAX = 100
# What eleven octal digits can say.
OCTAL_MAX = 8 ** 11 - 1
NAME_MAX = 100
EPOCH = "1970-01-01T00:00:00Z"

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
PREFIX = "org.opencontainers.image."
DERIVED = "org.mreg.derived-from.digest"
# What a version says of its own base is not about its image.
OF_ITS_BASE = PREFIX + "base."
# Of what the version says, what the config repeats as labels.
LABELS = tuple(PREFIX + name for name in ("title", "version", "licenses"))
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def compact(document):
    """JSON as spec/model.md, *Encoding*, has it."""
    return json.dumps(document, separators=(",", ":"),
                      ensure_ascii=False).encode()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# -- archives ------------------------------------------------------------------


def number(value, width):
    """A field of a header: octal digits and NUL; where they do not suffice,
    GNU's: the first bit set, then the value, big-endian."""
    if value <= 8 ** (width - 1) - 1:
        return b"%0*o\0" % (width - 1, value)
    return b"\x80" + value.to_bytes(width - 1, "big")


def header(name, size, mode, kind):
    """One block (POSIX.1-2017, pax, *ustar Interchange Format*)."""
    fields = b"".join((
        name[:NAME_MAX].ljust(100, b"\0"), number(mode, 8), number(0, 8),
        number(0, 8), number(size, 12), number(0, 12), b" " * 8, kind,
        bytes(100), b"ustar\0" b"00", bytes(32), bytes(32), number(0, 8),
        number(0, 8), bytes(155)))
    block = fields.ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def record(key, value):
    """A PAX record: its own length, in digits, counts too."""
    rest = len(key) + len(value) + 3
    size = rest + 1
    while len(str(size)) + rest != size:
        size = len(str(size)) + rest
    return b"%d %s=%s\n" % (size, key, value)


def up(n, to=BLOCK):
    return -(-n // to) * to


def pax(records):
    """An extended header in front of a member."""
    if not records:
        return b""
    return header(b"PaxHeaders/0", len(records), 0o644, b"x") + \
        records.ljust(up(len(records)), b"\0")


def comment(at, records):
    """The record in front of whose member's bytes the next page begins, when
    the extended header begins at `at`."""
    if not records and (at + BLOCK) % PAGE == 0 or \
            records and (at + 2 * BLOCK + up(len(records))) % PAGE == 0:
        return b""
    # Behind it: the extended header's block, the records, the member's block.
    blocks = len(records) // BLOCK * BLOCK
    while blocks <= len(records) or (at + 2 * BLOCK + blocks) % PAGE:
        blocks += BLOCK
    size = blocks - len(records)
    text = size - len(b"%d comment=\n" % size)
    made = record(b"comment", b" " * text)
    assert len(made) == size
    return made


def head(path, size, mode, kind, at=0, paged=False):
    """Everything in front of a member's bytes."""
    records = record(b"path", path) if len(path) > NAME_MAX else b""
    if paged:
        records += comment(at, records)
    return pax(records) + header(short(path), size, mode, kind)


def short(path):
    """What of a path fits into a header, whole characters."""
    return path[:NAME_MAX].decode("utf-8", "ignore").encode()


class File:
    """A member-to-be: bytes, or where on disk they are."""

    def __init__(self, path, data=None, where=None, executable=False):
        self.path, self.data, self.where = path, data, where
        self.executable = executable
        self.size = len(data) if where is None else os.path.getsize(where)

    def digest(self):
        seen = hashlib.sha256()
        for chunk in self.chunks():
            seen.update(chunk)
        return "sha256:" + seen.hexdigest()

    def chunks(self):
        if self.where is None:
            yield self.data
            return
        with open(self.where, "rb") as f:
            while chunk := f.read(MIB):
                yield chunk


def archive(files, begins=None):
    """The bytes of a layer, in pieces: folders before what is in them, once.
    `begins`: where each file's bytes begin is added to it."""
    at, seen = 0, set()
    for f in files:
        parts = f.path.split("/")
        for i in range(1, len(parts)):
            folder = "/".join(parts[:i]) + "/"
            if folder not in seen:
                seen.add(folder)
                made = head(folder.encode(), 0, 0o755, b"5")
                at += len(made)
                yield made
        made = head(f.path.encode(), f.size, 0o755 if f.executable else 0o644,
                    b"0", at, f.size >= LARGE)
        at += len(made)
        yield made
        if f.size >= LARGE:
            assert at % PAGE == 0
        if begins is not None:
            begins.append(at)
        yield from f.chunks()
        yield bytes(-f.size % BLOCK)
        at += up(f.size)
    yield bytes(2 * BLOCK)


# -- layers --------------------------------------------------------------------


def bytewise(files):
    return sorted(files, key=lambda f: f.path.encode())


def layout(files):
    """Lists of files, one for each layer: large ones alone, the others
    together in the last."""
    large = sorted((f for f in files if f.size >= LARGE),
                   key=lambda f: (-f.size, f.path.encode()))
    small = bytewise(f for f in files if f.size < LARGE)
    room = LAYERS_MAX - 1 - bool(small)
    bins = [[f] for f in large[:room]]
    for f in large[room:]:
        min(bins, key=lambda b: sum(x.size for x in b)).append(f)
    bins = sorted(map(bytewise, bins), key=lambda b: (
        -sum(x.size for x in b), b[0].path.encode()))
    return bins + ([small] if small else [])


class Layer:
    """A layer's digest and size; its bytes are made again when asked for."""

    def __init__(self, files):
        self.files, self.size, seen = files, 0, hashlib.sha256()
        begins = []
        for chunk in archive(files, begins):
            seen.update(chunk)
            self.size += len(chunk)
        self.digest = "sha256:" + seen.hexdigest()
        self.offset = begins[0]
        self.label = files[0].path.removeprefix("models/")
        if len(files) > 1:
            self.label = f"{len(files)} files from {self.label}"

    def chunks(self):
        return archive(self.files)


# -- documents -----------------------------------------------------------------


class Image:
    """All documents of an image, and its layers."""

    def __init__(self, files, native, version, shells):
        """`files`: of the model; `native`: the digest of the version, whose
        manifest is `version`; `shells`: (architecture, bytes) in order."""
        inside = [File("models/" + f.path, f.data, f.where, f.executable)
                  for f in files]
        self.shared = [Layer(group) for group in layout(inside)]
        self.native, self.said = native, version.get("annotations", {})
        self.created = self.said.get(PREFIX + "created", EPOCH)
        self.layers, self.documents = {}, {}
        children = [self.child(*shell) for shell in shells]
        for layer in self.shared:
            self.layers[layer.digest] = layer
        self.index = compact({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": children,
            "annotations": self.annotations()})
        self.documents[sha256(self.index)] = self.index
        self.digest = sha256(self.index)

    def annotations(self):
        """What the version says of itself, and which one it is."""
        taken = {key: value for key, value in self.said.items()
                 if key.startswith(PREFIX) and
                 not key.startswith(OF_ITS_BASE)}
        return dict(sorted({**taken, DERIVED: self.native}.items()))

    def descriptor(self, kind, data, **more):
        self.documents[sha256(data)] = data
        return {"mediaType": kind, "digest": sha256(data), "size": len(data),
                **more}

    def child(self, architecture, shell):
        stand_in = Layer([File("bin/sh", shell, executable=True)])
        self.layers[stand_in.digest] = stand_in
        config = self.descriptor(CONFIG, self.config(architecture, stand_in))
        layers = [{"mediaType": LAYER, "digest": stand_in.digest,
                   "size": stand_in.size},
                  *(self.layer(layer) for layer in self.shared)]
        manifest = compact({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
            "layers": layers, "annotations": self.annotations()})
        return self.descriptor(MANIFEST, manifest, platform={
            "architecture": architecture, "os": "linux"})

    def config(self, architecture, stand_in):
        done = ["/bin/sh"] + [layer.label for layer in self.shared]
        return compact({
            "created": self.created, "architecture": architecture,
            "os": "linux",
            "config": {"Env": [PATH], "Cmd": ["sh"], "WorkingDir": "/",
                       "Labels": self.labels()},
            "rootfs": {"type": "layers", "diff_ids": [
                layer.digest for layer in [stand_in, *self.shared]]},
            "history": [{"created": self.created,
                         "created_by": f"mreg: {what}"} for what in done]})

    def labels(self):
        return dict(sorted({
            **{key: self.said[key] for key in LABELS if key in self.said},
            DERIVED: self.native, "org.mreg.profile": "image/1",
            "org.containers.type": "ai.image.model.car"}.items()))

    @staticmethod
    def layer(layer):
        """Where the one file of a layer is; nothing where there are more."""
        out = {"mediaType": LAYER, "digest": layer.digest,
               "size": layer.size}
        if len(layer.files) == 1:
            f, = layer.files
            out["annotations"] = {
                "olot.layer.content.digest": f.digest(),
                "olot.layer.content.type": "file",
                "olot.layer.content.inlayerpath": "/" + f.path,
                "olot.layer.content.name": f.path.split("/")[-1],
                "org.mreg.content.offset": str(layer.offset)}
        return out


def read_folder(folder):
    """The files of a model folder as they are on disk."""
    out = []
    for base, _, names in os.walk(folder):
        for name in names:
            where = os.path.join(base, name)
            out.append(File(os.path.relpath(where, folder), where=where,
                            executable=bool(os.stat(where).st_mode & 0o100)))
    return out


def push(image, registry, tag):
    """Into a repository (foreign.Registry) of what takes an upload whole."""
    for layer in image.layers.values():
        registry.blob(b"".join(layer.chunks()))
    for digest, data in image.documents.items():
        kind = json.loads(data).get("mediaType")
        if kind == MANIFEST:
            registry.put_bytes(digest, data, MANIFEST)
        else:
            registry.blob(data)
    registry.put_bytes(tag, image.index, INDEX)
