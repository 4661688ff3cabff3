"""test_stand_in.py - the stand-in for /bin/sh does in containers what KServe
and Kubeflow Pipelines ask of an image that holds a model."""
import hashlib
import os
import platform
import random
import shutil
import time

import pytest

import harness
import kserve_scripts
from containers import (MIB, Container, Pod, bind, host_programs,
                        memory_is_limited, need_runc)

FOLDER = harness.ROOT / "src/profile/shell"
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
KSERVE_UID, KSERVE_MEMORY = 1010, 15 * MIB


@pytest.fixture(scope="module", autouse=True)
def runs_here():
    need_runc()
    if HERE is None:
        pytest.skip(f"no stand-in for {platform.machine()}")


def image_root(folder, files=None, architecture=HERE):
    """A root as of an image: the stand-in, and `files` below /models unless
    that is None."""
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copyfile(FOLDER / f"sh.{architecture}", root / "bin/sh")
    (root / "bin/sh").chmod(0o755)
    if files is not None:
        (root / "models").mkdir()
    for name, data in (files or {}).items():
        harness.write(root / "models" / name, data)
    return root


def model_files():
    rng = random.Random(8)
    return {"config.json": b'{"kind": "churn"}\n',
            ".hidden/part": rng.randbytes(1000),
            "weights/model.bin": rng.randbytes(3 * MIB + 17)}


def digests(files, under):
    return {f"{under}/{name}": hashlib.sha256(data).hexdigest()
            for name, data in files.items()}


def read_as_server(pod, mounts, under):
    """What another container of the pod reads there."""
    status, out, err = pod.serve(
        mounts, f"find -L {under} -type f -print0 | xargs -0 sha256sum")
    assert status == 0, err
    return {name: digest for digest, name in
            (line.split("  ", 1) for line in out.splitlines())}


@pytest.fixture
def container(box):
    """Makes containers that are no pod's."""
    made = []

    def make(*args, **options):
        made.append(Container(box / f"container-{len(made)}", *args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def pod(box):
    pods = Pod(box / "pod", image_root(box / "pause"))
    yield pods
    pods.close()


# -- KServe ------------------------------------------------------------------


@pytest.mark.parametrize("release", kserve_scripts.KSERVE)
def test_a_pod_of_this_release_reads_the_model(release, pod, box):
    files = model_files()
    root = image_root(box / "image", files)
    mnt = pod.empty_dir("mnt")
    init = pod.container(
        "init", root, ["sh", "-c", kserve_scripts.prefetch(release)],
        uid=0, memory=KSERVE_MEMORY)
    status, out, err = init.run()
    assert (status, err) == (0, "")
    assert out.endswith("OK ... Prefetched and valid (/models exists)\n")
    car = pod.container(
        "modelcar", root, ["sh", "-c", kserve_scripts.sidecar(release)],
        memory=KSERVE_MEMORY, mounts=[bind(mnt, "/mnt", True)]).start()
    car.assert_links(mnt / "models")
    read = read_as_server(pod, [bind(mnt, "/mnt")], "/mnt/models/")
    assert read == digests(files, "/mnt/models")
    car.assert_ends_at_once()
    assert car.said("stdout") == car.said("stderr") == ""


@pytest.mark.parametrize("path", ["/mnt/models/my-llama",
                                  "/mnt/models/meta llama/it's $HOME; 7b"])
def test_a_model_may_be_wanted_elsewhere(path, pod, box):
    files = model_files()
    root = image_root(box / "image", files)
    mnt = pod.empty_dir("mnt")
    car = pod.container(
        "modelcar", root, ["sh", "-c", kserve_scripts.sidecar("0.20.0", path)],
        memory=KSERVE_MEMORY, mounts=[bind(mnt, "/mnt", True)]).start()
    link = mnt / path[len("/mnt/"):]
    car.assert_links(link)
    assert os.readlink(link).startswith("/proc/")
    assert os.readlink(link).endswith("/root/models")
    assert car.process.poll() is None


def test_a_sidecar_that_starts_again_replaces_its_link(pod, box):
    files = model_files()
    root = image_root(box / "image", files)
    mnt = pod.empty_dir("mnt")
    seen = set()
    for _ in range(2):
        car = pod.container(
            "modelcar", root, ["sh", "-c", kserve_scripts.sidecar("0.20.0")],
            mounts=[bind(mnt, "/mnt", True)]).start()
        car.assert_links(mnt / "models")
        end = time.monotonic() + 20
        while os.readlink(mnt / "models") in seen:
            assert time.monotonic() < end
            time.sleep(0.01)
        seen.add(os.readlink(mnt / "models"))
        read = read_as_server(pod, [bind(mnt, "/mnt")], "/mnt/models/")
        assert read == digests(files, "/mnt/models")
        car.assert_ends_at_once()
    assert len(seen) == 2
    assert os.listdir(mnt) == ["models"]


@pytest.mark.parametrize("files", [None, {}], ids=["missing", "empty"])
def test_an_image_without_a_model_fails_the_pod(files, container, box):
    root = image_root(box / "image", files)
    status, out, _ = container(
        root, ["sh", "-c", kserve_scripts.prefetch("0.20.0")],
        memory=KSERVE_MEMORY).run()
    assert status == 1
    assert out.splitlines() == [
        "Pre-fetching modelcar registry.example/team/churn:v3-image: ",
        "NOK ... Prefetched but modelcar is invalid "
        "(/models does not exist or is empty)"]


def test_a_sidecar_that_is_process_1_ends_at_once(container, box):
    mnt = box / "mnt"
    mnt.mkdir()
    mnt.chmod(0o777)
    car = container(image_root(box / "image", model_files()),
                    ["sh", "-c", kserve_scripts.sidecar("0.20.0")],
                    memory=KSERVE_MEMORY,
                    mounts=[bind(mnt, "/mnt", True)]).start()
    car.assert_links(mnt / "models")
    assert os.readlink(mnt / "models") == "/proc/1/root/models"
    car.assert_ends_at_once()


def test_a_folder_that_cannot_be_written_is_told(container, box):
    status, out, err = container(
        image_root(box / "image", model_files()),
        ["sh", "-c", kserve_scripts.sidecar("0.20.0", "/mnt/models/x")],
        memory=KSERVE_MEMORY).run()
    assert (status, out) == (1, "")
    assert err == "mkdir: '/mnt': Read-only file system\n"


def test_many_files_fit_into_the_memory_of_a_modelcar(container, box):
    """`ls` inside "$( )" keeps all names."""
    root = image_root(box / "image", {})
    for i in range(1500):
        (root / f"models/shard-{i:05d}-{'x' * 200}").touch()
    status, out, err = container(
        root, ["sh", "-c", kserve_scripts.prefetch("0.20.0")],
        memory=KSERVE_MEMORY).run()
    assert (status, err) == (0, "")
    assert "\nOK ... " in out


# -- Kubeflow Pipelines ------------------------------------------------------


def test_kubeflow_s_sidecar_ends_when_the_launcher_has(pod, box):
    files = model_files()
    folder = pod.empty_dir("oci")
    car = pod.container(
        "oci-0", image_root(box / "image", files),
        ["sh", "-c", kserve_scripts.kubeflow("/oci/reg_team_churn/models",
                                             "/oci/reg_team_churn")],
        mounts=[bind(folder, "/oci/reg_team_churn", True)]).start()
    car.assert_links(folder / "models")
    read = read_as_server(pod, [bind(folder, "/oci/reg_team_churn")],
                          "/oci/reg_team_churn/models/")
    assert read == digests(files, "/oci/reg_team_churn/models")
    assert car.process.poll() is None
    (folder / "launcher-complete").touch()
    assert car.wait(10) == 0
    assert car.said("stdout") == "Running Modelcar container...\n"


# -- the other architecture --------------------------------------------------


@pytest.fixture
def emulated(box):
    """A root whose programs are this machine's, an image's `sh` for the other
    architecture, and the words that run it."""
    other = {"amd64": "arm64", "arm64": "amd64"}[HERE]
    name = {"arm64": "qemu-aarch64", "amd64": "qemu-x86_64"}[other]
    emulator = shutil.which(name) or shutil.which(f"{name}-static")
    if emulator is None:
        pytest.skip(f"no {name}: ./scripts/deps test installs it")
    root = box / "emulated"
    root.mkdir()
    programs = host_programs(root)
    (root / "shell").mkdir()
    shutil.copyfile(FOLDER / f"sh.{other}", root / "shell/sh")
    (root / "shell/sh").chmod(0o755)
    return root, [emulator, "/shell/sh"], programs


def test_the_other_architecture_fetches(emulated, container):
    root, words, programs = emulated
    command = [*words, "-c", kserve_scripts.prefetch("0.20.0")]
    status, out, err = container(root, command, mounts=programs).run()
    assert (status, err) == (1, "")
    assert "\nNOK ... " in out
    harness.write(root / "models/model.bin", b"weights")
    status, out, err = container(root, command, mounts=programs).run()
    assert (status, err) == (0, "")
    assert "\nOK ... " in out


def test_the_other_architecture_links_and_ends_at_once(emulated, container,
                                                       box):
    root, words, programs = emulated
    harness.write(root / "models/model.bin", b"weights")
    mnt = box / "mnt"
    mnt.mkdir()
    mnt.chmod(0o777)
    car = container(root, [*words, "-c",
                           kserve_scripts.sidecar("0.20.0", "/mnt/models/a/b")],
                    mounts=[*programs, bind(mnt, "/mnt", True)]).start()
    car.assert_links(mnt / "models/a/b")
    assert os.readlink(mnt / "models/a/b") == "/proc/1/root/models"
    car.assert_ends_at_once()


# -- what the tests rest on --------------------------------------------------


def test_memory_is_limited_where_it_can_be(container, box):
    if not memory_is_limited():
        pytest.skip("no cgroup of memory that runc may write")
    mnt = box / "mnt"
    mnt.mkdir()
    mnt.chmod(0o777)
    car = container(image_root(box / "image", model_files()),
                    ["sh", "-c", kserve_scripts.sidecar("0.20.0")],
                    memory=KSERVE_MEMORY,
                    mounts=[bind(mnt, "/mnt", True)]).start()
    car.assert_links(mnt / "models")
    assert car.memory_limit() == KSERVE_MEMORY


def test_no_container_stays():
    """cgroups are the one thing outside of a test's folder."""
    assert Container.ids
    there = {name for _, folders, _ in os.walk("/sys/fs/cgroup")
             for name in folders}
    assert not there & set(Container.ids)
