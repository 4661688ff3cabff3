"""test_push_run.py - what push reads from a run of MLflow, beside what git, the
model's files and the user say."""
import json
import subprocess

import pytest

import hub

OCI = "org.opencontainers.image."


@pytest.fixture
def run(tmp_path):
    """An MLflow run as its file store has it."""
    out = tmp_path / "mlruns/3/a3f81c0000000000000000000000beef"
    files = {
        "meta.yaml": "run_id: a3f81c0000000000000000000000beef\n"
                     "experiment_id: '3'\nrun_name: calm-fox\nstatus: 3\n"
                     "user_id: ada\nlifecycle_stage: active\n",
        "params/lr": "0.01", "params/epochs": "3",
        "metrics/auc": "1700000000000 0.5 1\n1700000001000 0.91 2\n",
        "metrics/val loss": "1700000000000 0.2 0\n",
        "metrics/broken": "1700000000000 nan 0\n",
        "tags/team": "growth",
        "tags/mlflow.source.git.commit": "5d41402abc4b2a76",
        "tags/mlflow.user": "ada",
    }
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    return out


@pytest.mark.parametrize("which", ["", "meta.yaml"])
def test_a_run_brings_what_it_logged(mreg, model, run, read, which):
    result = mreg.run("push", model, "m", "--from-run", run / which, "--json")
    notes, _ = read("m", result.json["digest"])
    assert notes["org.mreg.run.id"] == run.name
    assert notes[OCI + "revision"] == "5d41402abc4b2a76"
    assert notes["org.mreg.metric.auc"] == "0.91"
    assert notes["org.mreg.metric.val_loss"] == "0.2"
    assert notes["org.mreg.param.lr"] == "0.01"
    assert notes["org.mreg.tag.team"] == "growth"
    assert "ada" not in json.dumps(notes)
    assert "org.mreg.metric.broken" not in notes
    assert "'val loss'" in result.stderr
    assert ("warning: metric 'broken' of the run is left out: its last value "
            "is no finite number") in result.stderr


def test_what_came_from_a_run_is_said_to(mreg, model, run):
    said = mreg.run("push", model, "m", "--from-run", run).stdout
    assert "  read from the run and files: runId, revision, metrics" in said


@pytest.mark.parametrize("which", ["", "meta.yaml"])
def test_policy_check_takes_a_run_too(mreg, model, run, which):
    facts = mreg.json("policy", "check", model, "m", "--facts", "--from-run",
                      run / which)
    assert facts["fields"]["runId"] == run.name
    assert facts["metrics"]["auc"] == 0.91


def test_a_flag_wins_over_the_run(mreg, model, run, read):
    digest = mreg.json("push", model, "m", "--from-run", run, "--metric",
                       "auc=0.95", "--param", "lr=1", "--revision", "mine",
                       "--run-id", "other")["digest"]
    notes, _ = read("m", digest)
    assert notes["org.mreg.metric.auc"] == "0.95"
    assert notes["org.mreg.param.lr"] == "1"
    assert notes["org.mreg.param.epochs"] == "3"
    assert notes[OCI + "revision"] == "mine"
    assert notes["org.mreg.run.id"] == "other"


def test_git_wins_over_the_run(mreg, model, run, read):
    """Commit and address are of one tree."""
    (run / "tags/mlflow.source.git.repoURL").write_text(
        "https://ada:t0ken@git.example/run\n")
    (run / "tags/mlflow.note.content").write_text("What it is.\n")
    notes, _ = read("m", mreg.json("push", model, "m", "--from-run",
                                   run)["digest"])
    assert notes[OCI + "source"] == "https://git.example/run"
    assert notes[OCI + "description"] == "What it is."
    for words in (["init", "-q"], ["add", "."],
                  ["-c", "user.name=A", "-c", "user.email=a@b", "commit",
                   "-qm", "x"]):
        subprocess.run(["git", "-C", str(model), *words], check=True,
                       capture_output=True)
    notes, _ = read("m", mreg.json("push", model, "m", "--git", "--from-run",
                                   run)["digest"])
    assert len(notes[OCI + "revision"]) == 40
    assert OCI + "source" not in notes


def test_no_password_of_an_import_is_kept(mreg, model, read):
    (model / "x.csv.dvc").write_text(
        "deps:\n- path: https://ada:s3cret@h.example/x.csv\n"
        "  etag: '\"f432e270cd634c51296ecd2bc2f5e752-5\"'\n")
    result = mreg.run("push", model, "m", "--json")
    notes, raw = read("m", result.json["digest"])
    assert json.loads(notes["org.mreg.inputs"]) == [
        {"role": "data", "name": "https://h.example/x.csv",
         "uri": "https://h.example/x.csv",
         "digest": "etag:f432e270cd634c51296ecd2bc2f5e752-5"}]
    assert "s3cret" not in json.dumps([notes, raw]) + result.stderr
    assert "a user or a password in it" in result.stderr


def test_the_run_wins_over_the_files(mreg, model, run, read):
    (model / "MLmodel").write_text(hub.MLMODEL)
    notes, _ = read("m", mreg.json("push", model, "m", "--from-run",
                                   run)["digest"])
    assert notes["org.mreg.run.id"] == run.name


def test_data_sets_of_the_run_and_of_the_files_are_all_inputs(mreg, model, run,
                                                              read):
    """A list of what it was made from is not complete without either, nor
    without what the user gives."""
    logged = {
        run / "inputs/i1/meta.yaml":
            "source_type: DATASET\nsource_id: d1\n"
            "tags: {mlflow.data.context: training}\n",
        run.parent / "datasets/d1/meta.yaml":
            "name: rows\ndigest: 5d41402a\n"
            "dataset_source_type: local\nsource: '{\"uri\": \"/x\"}'\n"}
    for path, text in logged.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (model / "train.csv.dvc").write_text(
        "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  path: train.csv\n")
    push = ["push", model, "m", "--from-run", run]
    notes, _ = read("m", mreg.json(*push)["digest"])
    assert [i["name"] for i in json.loads(notes["org.mreg.inputs"])] == [
        "rows", "train.csv"]
    notes, _ = read("m", mreg.json(*push, "--input", "train=s3://b/x")["digest"])
    assert [i.get("uri") for i in json.loads(notes["org.mreg.inputs"])] == [
        "s3://b/x", None, "dvc:train.csv"]


def test_a_deleted_run_is_told(mreg, model, run):
    text = (run / "meta.yaml").read_text()
    push = ["push", model, "m", "--from-run", run]
    assert "deleted" not in mreg.run(*push).stderr
    (run / "meta.yaml").write_text(text.replace("stage: active",
                                                "stage: deleted"))
    assert "warning: the run was deleted in MLflow" in mreg.run(*push).stderr


def test_what_is_no_run_is_an_error(mreg, model, store, tmp_path):
    error = mreg.fails(3, "push", model, "m", "--from-run", tmp_path / "none")
    assert "none" in error["message"]
    assert not store.exists()
