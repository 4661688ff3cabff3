"""test_engines.py - what the programs of Debian that pull, mount and build do
with our image: podman, buildah, containerd, skopeo, and docker where it is.

Volumes of images in containerd are of its version 2.1; Debian 12 has 1.6, in
which the image is pulled and mounted as such volumes are."""
import hashlib
import json
import pathlib
import platform
import random
import shutil
import subprocess

import engines
import foreign
import pytest
from engines import same_files
from harness import MIB, ROOT, Mreg, Registry, docker_auth, tree, write

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
OTHER = "arm64" if HERE == "amd64" else "amd64"
REPOSITORY = "engines/model"
RECIPES = ROOT / "scripts/recipes/docker"
# More than an image may have layers.
SHARDS = 104


@pytest.fixture(scope="module")
def folder(work):
    """Weights that have a layer each, small files, and what names can be."""
    rng = random.Random("engines")
    top = work / "engines-model"
    for i in 1, 2:
        write(top / f"model-0000{i}-of-00002.safetensors",
              weights(f"w{i}", rng.randbytes(MIB + 4000 * i)))
    write(top / "config.json", '{"model_type": "bert"}\n')
    write(top / "README.md", "---\nlicense: mit\n---\n# Engines\n")
    write(top / "empty.txt", "")
    write(top / "run.sh", "#!/bin/sh\necho model\n", executable=True)
    write(top / "größe/模型/ё.txt", "letters\n")
    write(top / "with space/and  two.txt", "spaces\n")
    write(top / ("deep/" * 12) / ("long-" * 30) / ("n" * 200), "long\n")
    return top


def weights(name, data):
    """A safetensors file of one tensor."""
    head = json.dumps({name: {"dtype": "U8", "shape": [len(data)],
                              "data_offsets": [0, len(data)]}}).encode()
    return len(head).to_bytes(8, "little") + head + data


def raw(registry, repository, reference):
    """The bytes of a manifest or an index."""
    status, body = registry.get(f"/v2/{repository}/manifests/{reference}",
                                f"{foreign.MANIFEST}, {foreign.INDEX}")
    assert status == 200, body
    return body


class Image:
    """A model in a registry, with its siblings."""

    def __init__(self, mreg, registry, folder, repository, *profiles):
        self.registry, self.repository = registry, repository
        self.name = f"{registry.host}/{repository}"
        self.native = mreg.json("push", folder, self.name)["digest"]
        for profile in profiles:
            mreg.run("image", f"{self.name}:v1", "--profile", profile)
        self.files = tree(folder)
        self.digest = self.digest_of("v1-image")
        self.reference = f"{self.name}@{self.digest}"

    def raw(self, reference):
        return raw(self.registry, self.repository, reference)

    def digest_of(self, reference):
        return "sha256:" + hashlib.sha256(self.raw(reference)).hexdigest()

    def of(self, architecture):
        """The manifest's digest of one platform."""
        digest, = [m["digest"] for m in
                   json.loads(self.raw(self.digest))["manifests"]
                   if m["platform"]["architecture"] == architecture]
        return digest

    def below(self, root):
        """The files are below /models, and nothing else is but a shell."""
        same_files(root / "models", self.files)
        assert {p.name for p in root.iterdir()} == {"bin", "models"}
        assert {p.name for p in (root / "bin").iterdir()} == {"sh"}


@pytest.fixture(scope="module")
def room(work):
    room = engines.Room(work / "engines")
    yield room
    room.close()


@pytest.fixture(scope="module")
def registry(work, room):
    """One that has its files in memory, too."""
    registry = Registry(work / "engines-registry",
                        data=room.outside(room.make("registry")))
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def user(binary, work):
    return Mreg(binary, work / "engines-user")


@pytest.fixture(scope="module")
def private(work, room, user):
    """One that asks who it is; `config`: what the user's login wrote."""
    passwords = work / "engines-htpasswd"
    passwords.touch()
    subprocess.run(["htpasswd", "-bB", "-C", "4", str(passwords), "ada",
                    "s3cret"], check=True, capture_output=True)
    server = Registry(work / "engines-private",
                      data=room.outside(room.make("private")),
                      auth={"htpasswd": {"realm": "engines",
                                         "path": str(passwords)}})
    server.config = pathlib.Path(user.env["DOCKER_CONFIG"]) / "config.json"
    write(server.config, json.dumps(docker_auth(server.host, "ada",
                                                "s3cret")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def image(user, registry, folder):
    return Image(user, registry, folder, REPOSITORY, "image", "docker")


@pytest.fixture(scope="module")
def storage(room):
    return engines.Storage(room)


@pytest.fixture(scope="module")
def containerd(room):
    return engines.Containerd(room)


# -- podman --------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [HERE, OTHER])
def test_podman_pulls_and_mounts_the_image(image, storage, architecture):
    engines.missing("podman")
    pulled = storage.pull(image.reference, f"--arch={architecture}")
    image.below(storage.mount(pulled))
    seen, = json.loads(storage.podman("image", "inspect", pulled))
    assert seen["Architecture"] == architecture and seen["Os"] == "linux"
    assert f"{image.name}@{image.of(architecture)}" in seen["RepoDigests"]
    assert seen["Labels"]["org.mreg.derived-from.digest"] == image.native
    storage.podman("image", "unmount", pulled)


@pytest.fixture(scope="module")
def base(storage, room, binary):
    """The ID of an image with a shell and mreg, for what builds on one."""
    engines.missing("buildah")
    root = engines.program_image(room, binary)
    write(root / "Dockerfile", "FROM scratch\nCOPY . /\n")
    return storage.build(room.inside(root))


def test_podman_mounts_the_image_as_a_volume(image, storage, base):
    """As Kubernetes does it; the container reads every file."""
    engines.missing("podman", "runc")
    storage.pull(image.reference)
    sums = "".join(f"{digest}  {path}\n"
                   for path, (digest, _) in sorted(image.files.items()))
    write(storage.at / "sums", sums)
    status, out = storage.podman(
        "run", "--rm", "--network=none",
        f"--cgroup-parent=/{storage.room.cgroup}", "--mount",
        f"type=image,source={image.reference},destination=/mnt/image",
        f"--volume={storage.folder}/sums:/sums:ro", "--workdir",
        "/mnt/image/models", base, "/bin/busybox", "sha256sum", "-c", "/sums",
        status=None)
    if status in (125, 126) and "cgroup" in out:
        pytest.skip(f"no container can have a control group here: {out}")
    assert status == 0, out
    assert out.count(": OK\n") == len(image.files)


# -- buildah ---------------------------------------------------------------------


def mount_built(storage, built):
    """The folder of what buildah made."""
    if shutil.which("podman", path=engines.PATH):
        return storage.mount(built)
    container = storage.run("buildah", "from", built).strip()
    return storage.room.outside(
        storage.run("buildah", "mount", container).strip())


def test_buildah_copies_from_the_image_by_digest(image, storage, box):
    engines.missing("buildah")
    write(box / "context/Dockerfile",
          f"FROM scratch\nCOPY --from={image.reference} /models /models\n")
    built = storage.build(box / "context")
    same_files(mount_built(storage, built) / "models", image.files)


def test_buildah_copies_as_the_recipe_does(image, storage, base):
    built = storage.build(
        RECIPES, f"--file={RECIPES}/copy.Dockerfile", f"--build-arg=BASE={base}",
        f"--build-arg=MODEL_IMAGE={image.reference}")
    same_files(mount_built(storage, built) / "models", image.files)


def test_buildah_pulls_as_the_recipe_does(user, storage, base, private,
                                          folder):
    """With credentials that no layer of what is built has."""
    native = user.json("push", folder, f"{private.host}/ml/churn")["digest"]
    shutil.copy(private.config, storage.at / "config.json")
    words = [f"--file={RECIPES}/pull.Dockerfile", f"--build-arg=BASE={base}",
             f"--build-arg=MREG={base}",
             f"--build-arg=MODEL={private.host}/ml/churn",
             f"--build-arg=MODEL_DIGEST={native}"]
    built = storage.build(
        RECIPES, *words,
        f"--secret=id=docker-config,src={storage.folder}/config.json")
    root = mount_built(storage, built)
    same_files(root / "models", tree(folder))
    secret = json.loads(private.config.read_text())["auths"][private.host]
    assert not [p for p in root.rglob("*") if p.is_file() and
                secret["auth"].encode() in p.read_bytes()]
    with pytest.raises(AssertionError, match="wants credentials"):
        storage.build(RECIPES, *words, "--no-cache")


def test_buildah_runs_mreg_pull(image, storage, base, box):
    write(box / "context/Dockerfile",
          f"FROM {base}\nARG MODEL_DIGEST\n"
          f"RUN mreg pull {image.name}@$MODEL_DIGEST -o /models\n")
    built = storage.build(box / "context",
                          f"--build-arg=MODEL_DIGEST={image.native}")
    same_files(mount_built(storage, built) / "models", image.files)


# -- containerd --------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [HERE, OTHER])
def test_containerd_pulls_and_mounts_the_image(image, containerd,
                                               architecture):
    where = f"linux/{architecture}"
    containerd.pull(image.reference, where)
    image.below(containerd.mount(image.reference, where))


# -- docker ------------------------------------------------------------------------


def test_docker_pulls_and_copies_out_of_the_image(image, room, box):
    docker = engines.Docker(room)
    docker.run("pull", "--quiet", image.reference)
    made = docker.run("create", "--network=none", image.reference).strip()
    out = room.make("copied")
    docker.run("cp", f"{made}:/models", out)
    same_files(room.outside(out) / "models", image.files)


# -- skopeo --------------------------------------------------------------------------


def skopeo(*args):
    done = subprocess.run(
        ["skopeo", "--insecure-policy", *map(str, args)],
        capture_output=True)
    assert done.returncode == 0, f"{args}: {done.stderr.decode()}"
    return done.stdout


@pytest.mark.parametrize("tag", ["v1", "v1-image", "v1-docker"])
def test_skopeo_copies_every_profile_with_its_digest(image, box, tag):
    copy = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false",
            "--dest-tls-verify=false"]
    again = f"engines/again-{tag}"
    skopeo(*copy, f"docker://{image.name}:{tag}", f"oci:{box}/layout:{tag}")
    skopeo(*copy, f"oci:{box}/layout:{tag}",
           f"docker://{image.registry.host}/{again}:{tag}")
    assert raw(image.registry, again, tag) == image.raw(tag)


# -- many layers -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(user, registry, work):
    """As many layers as an image may have, and then some shards."""
    rng = random.Random("many")
    top = work / "engines-many"
    for i in range(SHARDS):
        write(top / f"model-{i + 1:05}-of-{SHARDS:05}.safetensors",
              weights("w", rng.randbytes(MIB)))
    write(top / "config.json", '{"model_type": "bert"}\n')
    return Image(user, registry, top, "engines/many", "image")


def test_a_hundred_layers_are_mounted(many, storage, containerd):
    engines.missing("podman")
    layers = json.loads(many.raw(many.of(HERE)))["layers"]
    assert len(layers) == 100
    many.below(storage.mount(storage.pull(many.reference)))
    containerd.pull(many.reference, f"linux/{HERE}")
    many.below(containerd.mount(many.reference, f"linux/{HERE}"))
