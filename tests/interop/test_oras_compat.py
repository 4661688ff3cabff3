"""test_oras_compat.py - what oras-compat.md shows is what happens, with each
version of oras; and what it says was tested, was."""
import os
import pathlib
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


HOW = "how that is known"


def rows():
    """Those of the tables of everyone else's programs, as lists of cells."""
    text = TEXT[TEXT.index("\n## Everyone else\n"):]
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, line, *found = [
            [cell.strip() for cell in row.strip("|").split(" | ")]
            for row in table.splitlines()]
        assert head[-1] == HOW and set("".join(line)) <= set("-|"), head
        for cells in found:
            assert len(cells) == len(head), cells
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


def debian(program):
    """Its version in the Debian that the page was written on; None elsewhere."""
    system = pathlib.Path("/etc/os-release")
    if not system.exists() or \
            "VERSION_CODENAME=bookworm\n" not in system.read_text():
        return None
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", program],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return re.split(r"[+~-]", done.stdout)[0] or None


def test_each_program_says_how_that_is_known():
    words = [word.lower() for word in
             re.findall(r"\*([A-Z][a-z ]+)\*: ", TEXT)]
    assert words == ["executed", "fixtures", "by source"]
    for first, *_, last in rows():
        assert re.match(rf"({'|'.join(words)})\b", last), first


def test_what_was_executed_names_version_and_test():
    known, seen = pinned(), set()
    for first, *_, last in rows():
        if not last.startswith("executed"):
            continue
        assert re.match(r"executed: `tests/\w+/test_\w+\.py`", last), first
        program, version = re.fullmatch(r"([\w-]+) ([0-9.]+)", first).groups()
        seen.add(program)
        if program in known:
            assert known[program] == version, first
        else:
            assert program in ("skopeo", "podman", "buildah", "containerd",
                               "runc"), first
            assert debian(program) in (version, None), first
    assert seen == {"buildah", "containerd", "crane", "kserve-storage",
                    "modctl", "olot", "oras", "podman", "regctl", "runc",
                    "skopeo"}


def test_versions_of_oras_are_those_that_it_is_run_with():
    known = pinned()
    header = re.search(r"^\| verb \|.*$", TEXT, re.M)[0]
    assert re.findall(r"\d+\.\d+\.\d+", header) == \
        [known[name] for name in VERSIONS]
    for name in VERSIONS:
        assert known[name].startswith(".".join(map(str, VERSIONS[name])))
