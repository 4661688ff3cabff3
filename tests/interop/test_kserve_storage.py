"""test_kserve_storage.py - KServe's own package gets the files of our image out
of a registry, as its storage initializer does with oci://."""
import os
import pathlib
import subprocess

import pytest

from harness import small_model, tree, write


@pytest.fixture
def download(find, box):
    """Run it; the folder, and what it told of a failure."""
    python = find("kserve-storage")
    script = pathlib.Path(__file__).with_name("peers_kserve.py")
    (box / "kserve").mkdir()

    def run(uri, out, status=0, **env):
        done = subprocess.run(
            [python, str(script), uri, str(out)], cwd=box / "kserve",
            env={"PATH": os.environ["PATH"], "HOME": str(box / "kserve"),
                 "PYTHONDONTWRITEBYTECODE": "1",
                 "KSERVE_OCI_INSECURE_REGISTRY": "true", **env},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            umask=0o022, timeout=300)
        assert done.returncode == status, done.stderr[-4000:]
        return done.stderr

    return run


def model_of(folder):
    small_model(folder, "kserve", 300_000)
    write(folder / "large.safetensors", os.urandom(3 << 20))
    write(folder / "run.sh", "#!/bin/sh\n", executable=True)
    write(folder / "größe/模型/ё.txt", "letters\n")
    write(folder / ("n" * 120) / ("m" * 120), "a long name\n")
    write(folder / "empty.txt", "")
    return folder


@pytest.mark.parametrize("kind", ["distribution", "olareg", "crane"])
def test_it_gets_the_files_by_version_alias_and_digest(serving, kind, mreg,
                                                       download, box):
    model = model_of(box / "model")
    name = f"{serving(kind).host}/kserve/{box.name.encode().hex()}"
    mreg.run("push", model, f"{name}:production")
    image = mreg.json("image", f"{name}:v1")["digest"]
    for i, suffix in enumerate((":v1-image", ":production-image",
                                f"@{image}")):
        download(f"oci://{name}{suffix}", box / f"out{i}")
        assert tree(box / f"out{i}") == tree(model)


def test_the_native_profile_is_not_for_it(serving, mreg, download, box):
    name = f"{serving('distribution').host}/kserve/{box.name.encode().hex()}"
    mreg.run("push", small_model(box / "model", "native"), name)
    told = download(f"oci://{name}:v1", box / "out", 1)
    assert "has no /models/ directory" in told
