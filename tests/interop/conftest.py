"""conftest.py - fixtures of the interop tests: programs of others, registries
that they serve, and a model to exchange."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
sys.dont_write_bytecode = True

import harness  # noqa: E402
import programs  # noqa: E402

# What was not as it should be, for the end of the report.
notes = []


def pytest_terminal_summary(terminalreporter):
    for note in notes:
        terminalreporter.write_line(note)


def pytest_unconfigure(config):
    """The last line, for people and scripts."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return
    n = {kind: len(reporter.stats.get(kind, ()))
         for kind in ("passed", "failed", "error", "skipped")}
    print(f"{n['passed']} passed, {n['failed'] + n['error']} failed, "
          f"{n['skipped']} skipped")


# -- programs -------------------------------------------------------------------


@pytest.fixture(scope="session")
def work():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mreg-interop-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def box(work):
    """A folder for one test."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def find():
    """The path of a program of others, or a skip that says why not."""
    known = programs.load()

    def path_of(name):
        one = known.get(name)
        if not one:
            pytest.skip(f"no {name}: scripts/test-interop builds it")
        if not one.path:
            pytest.skip(f"no {name} {one.version}: {one.why}")
        return one.path

    return path_of


@pytest.fixture
def oras(find, box):
    return programs.Program(find("oras"), box / "oras")


@pytest.fixture
def modctl(find, box):
    return programs.Program(find("modctl"), box / "modctl")


@pytest.fixture
def crane(find, box):
    return programs.Program(find("crane"), box / "crane")


@pytest.fixture
def regctl(find, box):
    return programs.Regctl(find("regctl"), box / "regctl")


@pytest.fixture
def skopeo(box):
    """Debian's."""
    path = shutil.which("skopeo")
    if not path:
        pytest.skip("no skopeo: not installed")
    return programs.Program(path, box / "skopeo")


@pytest.fixture(scope="session")
def ask(find, work):
    """What the Python packages of others say: a verb of peers.py and its
    words."""
    python = find("packages")
    home = work / "python"
    home.mkdir()
    script = pathlib.Path(__file__).with_name("peers.py")

    def answer(*words):
        done = subprocess.run(
            [python, str(script), *map(str, words)], cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home),
                 "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                 "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300)
        assert done.returncode == 0, f"{words}\n{done.stderr[-4000:]}"
        return json.loads(done.stdout)

    return answer


@pytest.fixture(scope="session")
def binary():
    program = harness.program()
    if not program.exists():
        pytest.exit(f"no program at '{program}': make it, or set MREG", 2)
    return program


@pytest.fixture
def mreg(binary, box):
    """Somebody with a fresh home and nothing configured."""
    return harness.Mreg(binary, box / "home")


# -- registries -------------------------------------------------------------------


@pytest.fixture(scope="session")
def serving(find, work):
    """A registry by its kind, started when first asked for."""
    running = {}

    def get(kind):
        if kind not in running:
            path = find(programs.KINDS[kind][0])
            running[kind] = programs.serve(kind, path, work / kind)
        return running[kind]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session",
                params=["distribution", "olareg", "crane", "zot"])
def registry(request, serving):
    return serving(request.param)


# -- models -------------------------------------------------------------------------


def copy_real_or_generated(folder, work):
    real, why = harness.fetch_model("minilm")
    if real:
        shutil.copytree(real, folder)
        return
    notes.append("the model was a generated one, not all-MiniLM-L6-v2: " + why)
    subprocess.run([str(harness.ROOT / "scripts/make-models"),
                    str(work / "generated")], check=True)
    shutil.copytree(work / "generated/sharded", folder)


@pytest.fixture(scope="session")
def model(work):
    """A real model, and beside it what files and names can be."""
    folder = work / "model"
    copy_real_or_generated(folder, work)
    harness.write(folder / "a/b/c/deep.json", "{}")
    harness.write(folder / "with space/and  two.txt", "spaces\n")
    harness.write(folder / "größe/模型/ё.txt", "letters\n")
    harness.write(folder / "run.sh", "#!/bin/sh\necho model\n",
                  executable=True)
    harness.write(folder / "empty.txt", "")
    harness.write(folder / "same-as-deep.json", "{}")
    return folder


@pytest.fixture(scope="session")
def published(registry, binary, work, model):
    """`model` as mreg pushed it to `registry`, with alias production."""
    who = harness.Mreg(binary, work / "publisher")
    name = f"{registry.host}/team/minilm"
    pushed = who.json("push", model, name, "--license", "Apache-2.0",
                      "--metric", "auc=0.93")
    moved = who.json("alias", "set", f"{name}:v1", "production")
    assert moved["digest"] == pushed["digest"]
    return types.SimpleNamespace(name=name, repository="team/minilm",
                                 digest=pushed["digest"], pushed=pushed)
