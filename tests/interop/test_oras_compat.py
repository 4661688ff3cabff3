"""test_oras_compat.py - what oras-compat.md shows is what happens, with each
version of oras; and what it says was tested, was."""
import os
import re
import subprocess

import pytest

import document
import harness
import programs

TEXT = (harness.ROOT / "oras-compat.md").read_text()
VERSIONS = {"oras-1.1": (1, 1), "oras": (1, 2), "oras-1.3": (1, 3)}


@pytest.fixture(params=["distribution", "olareg"])
def hosts(request, find, serving, work):
    """What the page calls registries, and what they are: an empty one, and
    one that wants a login."""
    program = find(programs.KINDS[request.param][0])
    server = programs.serve(request.param, program,
                            work / f"page-{request.param}-{os.urandom(4).hex()}")
    yield {"localhost:5000": server.host,
           "localhost:5001": serving("distribution-with-login").host}
    server.stop()


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


def test_what_the_page_shows_is_what_happens(hosts, version, find, binary,
                                             box):
    (box / "bin").mkdir()
    (box / "bin/oras").symlink_to(find(version))
    (box / "bin/mreg").symlink_to(binary)
    (box / "here").mkdir()
    env = {"PATH": f"{box}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
           "HOME": str(box / "home"), "MREG_PROGRESS": "none"}
    (box / "home").mkdir()
    ran = [document.run(command, box / "here", env, hosts)
           for command in document.commands(TEXT)
           if VERSIONS[version] >= command.since]
    assert len(ran) > 40


# -- what it says of its tests ----------------------------------------------------


def rows():
    """Those of the tables that say how it is known, by their first cell."""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) > 2:
            yield cells


def pinned():
    """{program: version} as scripts/test-interop has them."""
    script = (harness.ROOT / "scripts/test-interop").read_text()
    return {**dict(re.findall(r"([a-z][a-z-]+)==([0-9.]+)", script)),
            **dict(re.findall(r"^\thave (\S+) v(\S+) ", script, re.M))}


def test_tests_that_it_names_exist():
    named = set(re.findall(r"`((?:tests/\w+/)?test_\w+\.py)`", TEXT))
    assert len(named) > 8
    for path in named:
        folders = [""] if "/" in path else ["tests/interop/"]
        assert any((harness.ROOT / (folder + path)).is_file()
                   for folder in folders), path


def test_what_was_executed_names_version_and_test():
    known, seen = pinned(), 0
    for first, *_, last in rows():
        if not last.startswith("executed"):
            continue
        seen += 1
        assert "test_" in last, first
        program, version = re.match(r"([\w-]+) ([0-9.]+)", first).groups()
        if program in known:
            assert known[program] == version, first
        else:  # Debian's
            assert program in ("skopeo", "podman", "buildah", "containerd",
                               "runc", "docker"), first
    assert seen >= 5


def test_versions_of_oras_are_those_that_it_is_run_with():
    known = pinned()
    header = re.search(r"^\| verb \|.*$", TEXT, re.M)[0]
    assert re.findall(r"\d+\.\d+\.\d+", header) == \
        [known[name] for name in VERSIONS]
    for name in VERSIONS:
        assert known[name].startswith(".".join(map(str, VERSIONS[name])))
