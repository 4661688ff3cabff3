"""test_recipes_run.py - scripts/recipes, run: each step with the mreg under test
on docker-registry with a login.  docker, kubectl, flux and the clouds' programs
only write down how they were called; Airflow and kfp are played.
"""
import pathlib
import re
import runpy
import sys
import types

import harness
import pytest
import recipe_rig as rig
from recipe_rig import PASSWORD, RECIPES, documents, files, name_of


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A registry with a model, made once."""
    site = rig.Site(tmp_path_factory.mktemp("recipes") / "site")
    try:
        site.begin()
        yield site
    finally:
        site.registry.stop()


@pytest.fixture
def site(start):
    """Production has v1, and nobody was called yet."""
    if start.digest("production") != start.digest("v1"):
        start.admin.run("promote", f"{start.model}:v1", "production")
    start.calls()
    return start


def moves(site, alias="production"):
    """Who moved it, newest last."""
    return [e["event"] for e in site.admin.json("log", site.model)["events"]
            if e["event"].get("alias") == alias and e["kind"] == "alias_moved"]


def is_deployed(site, text, digest):
    """The manifest deploys the image of that version, by digest."""
    service, = list(rig.yaml.safe_load_all(text))
    assert service["kind"] == "InferenceService"
    uri = service["spec"]["predictor"]["model"]["storageUri"]
    number = next(v["version"] for v in
                  site.admin.json("ls", site.model)["versions"]
                  if v["digest"] == digest)
    assert uri == f"oci://{site.model}@{site.digest(number + '-image')}"


# -- pipelines ---------------------------------------------------------------


def test_github_trains_promotes_and_deploys(site):
    environments = site.bare()
    player = rig.GitHub(site, site.project("github"), environments)
    needs = player.workflow("train-push.yml")
    digest = needs["train"]["outputs"]["digest"]
    assert digest == site.digest("candidate") == site.digest("production")
    version = site.admin.json("inspect", f"{site.model}@{digest}")
    text = str(version)
    assert "actions/runs/7" in text and "0" * 40 in text
    assert moves(site)[-1]["reason"] == \
        "https://github.com/acme/churn/actions/runs/7"
    is_deployed(site, site.committed(environments, "production/churn.yaml"),
                digest)
    # The same again: the same version, nothing is committed.
    player.workflow("deploy.yml", {"digest": digest})
    with pytest.raises(rig.Failed, match="it was moved meanwhile"):
        player.workflow("deploy.yml", {"digest": site.digest("v1")})
    number = version["version"]
    site.admin.run("split", f"{site.model}:production", f"{number}=90", "v1=10")
    player.workflow("deploy.yml", {"digest": ""})
    site.admin.run("split", f"{site.model}:production", "--end")
    text = site.committed(environments, "production/churn.yaml")
    assert "canaryTrafficPercent: 10" in text
    assert site.digest("v1-image") in text
    assert {u for u, _ in player.uses if u.startswith("actions/")} == {
        "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"}


def test_github_promotes_nothing_that_failed_its_tests(site):
    player = rig.GitHub(site, site.project("bad", good=False), site.bare())
    before = site.digest("production")
    with pytest.raises(rig.Failed) as failed:
        player.workflow("train-push.yml")
    assert failed.value.status == 7 and "holdout" in failed.value.stderr
    assert site.digest("production") == before != site.digest("candidate")


@pytest.mark.parametrize("provider, user", [
    ("ecr", "AWS"), ("gar", "oauth2accesstoken"), ("password", "acme-bot"),
    ("acr", "00000000-0000-0000-0000-000000000000")])
def test_github_logs_in_everywhere(site, provider, user):
    player = rig.GitHub(site, site.project())
    folder = site.fresh("runner")
    (folder / "work").mkdir()
    machine = {"folder": folder, "work": folder / "work", "path": [], "env": {}}
    given = {"registry": "registry.example.com", "provider": provider}
    if provider == "password":
        given.update(username=user, password=PASSWORD)
    player.action("./.github/actions/mreg", given, machine,
                  {"steps": {}, "inputs": {}})
    assert rig.logged_in(folder / "docker", site.registry.host) == user
    names = [c["name"] for c in site.calls()]
    assert names[:3] == ["docker"] * 3
    assert names[3:] == {"ecr": ["aws"], "acr": ["az"]}.get(provider, [])


def test_gitlab_trains_promotes_and_deploys(site):
    environments, project = site.bare(), site.project("gitlab")
    dotenv = rig.gitlab(site, project, environments)
    digest = dotenv["train"]["MODEL_DIGEST"]
    assert digest == site.digest("candidate") == site.digest("production")
    assert moves(site)[-1]["reason"] == "https://gitlab.example.com/pipelines/7"

    def deployed():
        return site.committed(environments, "production/churn.yaml")
    is_deployed(site, deployed(), digest)
    # A rollback is not what that pipeline promoted, and what it promoted is
    # told for a day.
    site.admin.run("rollback", f"{site.model}:production")
    assert site.digest("production") != digest
    for told in dotenv, {}:
        with pytest.raises(rig.Failed, match="it was moved meanwhile"):
            rig.gitlab(site, project, environments, only="deploy", dotenv=told)
    is_deployed(site, deployed(), digest)
    # A button; of a schedule it is the only job.
    rig.gitlab(site, project, environments, only="redeploy")
    is_deployed(site, deployed(), site.digest("production"))
    site.admin.run("promote", f"{site.model}@{digest}", "production")
    assert rig.gitlab(site, project, environments, source="schedule") == {}
    is_deployed(site, deployed(), digest)


def test_tekton_hands_the_digest_on(site):
    source = site.project("tekton")
    site.run("./train/train.sh model", source)
    results = rig.tekton(site, source)
    assert results == {"digest": site.digest("production")}
    assert results["digest"] == site.digest("candidate")
    assert moves(site)[-1]["reason"] == "pipeline churn-run-7"


def test_tekton_refuses_what_failed(site):
    source = site.project("tekton-bad", good=False)
    site.run("./train/train.sh model", source)
    with pytest.raises(rig.Failed) as failed:
        rig.tekton(site, source)
    assert failed.value.status == 7
    assert site.digest("production") == site.digest("v1")


class Operator:
    """Airflow's BashOperator, as far as the DAG uses it."""
    all = []

    def __init__(self, task_id, bash_command, env, append_env, **options):
        self.id, self.command, self.env = task_id, bash_command, env
        assert append_env is True
        assert options.keys() <= {"do_xcom_push", "retries", "queue"}
        # The promoter's credentials are where no other task runs.
        assert ("promoter" in env.get("DOCKER_CONFIG", "")) == ("queue" in options)
        self.after = None
        self.all.append(self)

    def __rshift__(self, other):
        other.after = self.id
        return other


class Dag:
    def __init__(self, dag_id, schedule, start_date, catchup, max_active_runs,
                 **options):
        assert start_date.tzinfo and catchup is False and max_active_runs == 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def module(monkeypatch, name, **members):
    """A module, and the packages that it is in."""
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        path = ".".join(parts[:i])
        if path not in sys.modules:
            monkeypatch.setitem(sys.modules, path, types.ModuleType(path))
    for key, value in members.items():
        setattr(sys.modules[name], key, value)


def test_airflow_hands_the_digest_on(site, monkeypatch):
    monkeypatch.setattr(Operator, "all", [])
    module(monkeypatch, "airflow.providers.standard.operators.bash",
           BashOperator=Operator)
    module(monkeypatch, "airflow.sdk", DAG=Dag)
    runpy.run_path(str(RECIPES / "airflow/churn_dag.py"))
    work, project = site.fresh("airflow"), site.project("airflow")
    for script in "train/train.sh", "evaluate/evaluate.sh":
        # What these look for is in the folder above theirs.
        (project / script).rename(project / "train" / pathlib.Path(script).name)
    places = {"/opt/churn/model.yaml": str(project / "model.yaml"),
              "/opt/churn/": f"{project}/train/",
              "/var/lib/airflow/": f"{work}/"}
    for role in "training", "promoter":
        places[f"/etc/mreg/{role}"] = str(site.credentials(
            site.fresh(role), f"robot$ml+{role}"))
    xcom, done = {}, None

    def fill(text):
        text = re.sub(r"\{\{ ti\.xcom_pull\(task_ids='(\w+)'\) \}\}",
                      lambda m: xcom[m[1]], text)
        text = text.replace("{{ ts_nodash }}", "20260101T000000")
        text = text.replace("{{ run_id }}", "scheduled__2026")
        for there, here in places.items():
            text = text.replace(there, here)
        assert "{{" not in text, text
        return text

    for operator in Operator.all:
        assert operator.after == done
        env = site.environment(work, **{k: fill(v)
                                        for k, v in operator.env.items()})
        said = site.run(fill(operator.command), work, env, shell=("bash",))
        xcom[operator.id] = (said.strip().splitlines() or [""])[-1]
        done = operator.id
    assert xcom["push"] == xcom["promote"] == site.digest("production")
    assert "scheduled__2026" in moves(site)[-1]["reason"]


class Kfp:
    """kfp, as far as the pipeline uses it: components are run in the order in
    which they were made, their outputs are files."""

    PIPELINE_JOB_ID_PLACEHOLDER = "job-7"
    Model = Metrics = object

    class Input:
        def __class_getitem__(cls, _):
            return cls

    class OutputPath:
        def __init__(self, kind):
            assert kind is str

    class ContainerSpec:
        def __init__(self, image, command, args):
            assert re.search("@sha256:[0-9a-f]{64}$", image)
            self.words = [*command, *args]

    class Task:
        def __init__(self, function, given):
            self.function, self.given, self.env = function, given, {}
            self.secret, self.first, self.values = None, [], None
            self.outputs = {name: (self, name)
                            for name, kind in function.__annotations__.items()
                            if isinstance(kind, Kfp.OutputPath)}

        def set_env_variable(self, name, value):
            self.env[name] = value

        def set_caching_options(self, on):
            assert on is False

        def after(self, other):
            self.first.append(other)

    def __init__(self):
        self.tasks = []

    def container_component(self, function):
        def make(**given):
            self.tasks.append(self.Task(function, given))
            return self.tasks[-1]
        return make

    def pipeline(self, **_):
        return lambda function: function

    def use_secret_as_volume(self, task, secret_name, mount_path):
        task.secret = (secret_name, mount_path)


def kfp_run(site, kfp):
    for task in kfp.tasks:
        assert all(t.values is not None for t in task.first)
        given = {k: v[0].values[v[1]] if isinstance(v, tuple) else v
                 for k, v in task.given.items()}
        folder = site.fresh("kfp")
        paths = {name: folder / "out" / name for name in task.outputs}
        spec = task.function(**given, **{k: str(v) for k, v in paths.items()})
        secret, mount = task.secret
        role = secret.removeprefix("registry-")
        assert task.env == {"DOCKER_CONFIG": mount}
        env = site.environment(folder, DOCKER_CONFIG=site.credentials(
            folder / "registry", f"robot$ml+{role}"))
        words = [site.here(str(w)) for w in spec.words]
        assert words[:2] == ["sh", "-euc"]
        site.run(words[2], folder, env, shell=("sh", "-eu"), args=words[4:])
        task.values = {k: v.read_text() for k, v in paths.items()}
        yield task


def test_kubeflow_hands_the_digest_on(site, monkeypatch):
    kfp = Kfp()
    module(monkeypatch, "kfp", dsl=kfp, kubernetes=kfp, compiler=None)
    found = runpy.run_path(str(RECIPES / "kubeflow-pipelines/churn_pipeline.py"))
    folder = harness.small_model(site.fresh("model"), 77)
    results = harness.write(site.fresh("results") / "r.json",
                            '{"passed": true, "metrics": {"auc": 0.9}}')
    found["churn"](folder=types.SimpleNamespace(path=str(folder)),
                   results=types.SimpleNamespace(path=str(results)))
    values = {}
    for task in kfp_run(site, kfp):
        values[task.function.__name__] = task.values
    assert values["evaluate"] == {"verdict": "pass"}
    assert values["push"]["digest"] == values["promote"]["moved"] == \
        site.digest("production")


# -- Kubernetes --------------------------------------------------------------


def run_container(site, spec, name, places):
    """Run a container of a pod: its command, mounts put where they are here."""
    container, = [c for c in spec.get("initContainers", []) + spec["containers"]
                  if c["name"] == name]
    mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
    volumes = {v["name"] for v in spec["volumes"]}
    assert set(mounts.values()) <= volumes

    def put(text):
        for there in sorted(mounts, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.]){there}(?=/|\s|$)",
                          str(places[mounts[there]]), text)
        return text.replace(f"ml/churn@{rig.ZEROS}",
                            f"ml/churn@{site.digest('production')}")

    env = {e["name"]: put(e.get("value") or places[e["valueFrom"][
        "secretKeyRef"]["name"]]) for e in container.get("env", [])}
    words = [put(w) for w in container["command"] + container.get("args", [])]
    home = site.fresh("pod")
    if words[:2] == ["sh", "-euc"]:
        return site.run(words[2], home, site.environment(home, **env),
                        shell=("sh", "-eu"))
    return site.run('"$@"', home, site.environment(home, **env), shell=("sh",),
                    args=words)


def pod_of(path, kind):
    document, = [d for d in documents(RECIPES / path) if d["kind"] == kind]
    spec = document["spec"]
    return (spec["jobTemplate"]["spec"] if kind == "CronJob" else
            spec)["template"]["spec"]


def test_init_container_puts_the_model_in_place(site):
    spec = pod_of("kubernetes/init-container.yaml", "Deployment")
    places = {"model": site.fresh("models"),
              "registry": site.credentials(site.fresh("secret"),
                                           "robot$ml+reader")}
    run_container(site, spec, "model", places)
    assert (places["model"] / "model.bin").stat().st_size == 4096


def test_cron_job_fills_the_index(site, tmp_path):
    spec = pod_of("kubernetes/index-sync.yaml", "CronJob")
    index = str(tmp_path / "index.db")
    run_container(site, spec, "sync", {
        "registry": site.credentials(site.fresh("secret"), "robot$ml+reader"),
        "cache": site.fresh("cache"), "mreg-index": index})
    found = site.admin.json("search", "alias = 'production'", "--db", index)
    assert [v["digest"] for v in found["versions"]] == [site.digest("production")]


def test_cron_job_records_what_runs(site):
    spec = pod_of("kubernetes/deployed.yaml", "CronJob")
    digest = site.digest("production")
    harness.write(site.folder / "workloads.json", rig.json.dumps({
        "apiVersion": "v1", "kind": "List", "items": [{
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "churn", "namespace": "ml-serving"},
            "spec": {"predictor": {"model": {
                "storageUri": f"mreg://{site.model}@{digest}"}}}}]}))
    places = {"seen": site.fresh("seen"), "token": site.fresh("token"),
              "registry": site.credentials(site.fresh("secret"), "acme-bot")}
    run_container(site, spec, "ask", places)
    assert [c["args"] for c in site.calls()] == [
        ["get", "isvc,pods", "-o", "json"]]
    run_container(site, spec, "record", places)
    where = site.admin.json("where", site.model + "@" + digest)
    assert "ml-serving" in rig.json.dumps(where)


def test_kustomize_puts_the_digest_into_the_volume(site):
    """With a real kustomize, that of kubectl, where there is one."""
    program = rig.shutil.which("kubectl")
    if not program:
        pytest.skip("no kubectl, which has kustomize")
    said = rig.subprocess.run([program, "kustomize", RECIPES / "argo-cd/churn"],
                              capture_output=True, text=True, check=True).stdout
    volume, = pod_volumes(said)
    assert volume["image"]["reference"] == \
        f"registry.example.com/ml/churn@{rig.ZEROS}"


def pod_volumes(text):
    document, = rig.yaml.safe_load_all(text)
    return document["spec"]["template"]["spec"]["volumes"]


# -- pages -------------------------------------------------------------------


def test_flux_gets_what_production_has(site):
    home = site.fresh("publish")
    env = site.environment(home, DOCKER_CONFIG=site.credentials(
        home / "docker", "robot$ml+reader"))
    site.run((RECIPES / "flux/publish.sh").read_text(), home, env, shell=("sh",))
    call, = site.calls("flux")
    assert call["args"][:3] == ["push", "artifact",
                                f"oci://{site.registry.host}/deploy/churn:production"]
    assert call["args"][-1] == f"production@{site.digest('production')}"


@pytest.mark.parametrize("shown, words", [
    ("pull NAME@DIGEST", ["pull", "{digest}", "-o", "out"]),
    ("resolve", ["resolve", "{name}:production"]),
    ("resolve --format kserve", ["resolve", "{name}:production", "--format",
                                 "kserve"]),
    ("resolve --format kserve", ["resolve", "{digest}", "--format", "k8s"]),
    ("storage-initializer mreg://NAME@DIGEST", [
        "storage-initializer", "mreg://{digest}", "out"]),
    ("storage-initializer mreg://NAME:ALIAS", [
        "storage-initializer", "mreg://{name}:production", "out"]),
    ("pull NAME:ALIAS", ["pull", "{name}:production", "-o", "out"]),
    ("ls", ["ls", "{name}"]), ("log", ["log", "{name}"]),
])
def test_who_has_to_be_let_list_tags(site, shown, words):
    """What the page of roles says of it, by a reader that remembers nothing."""
    row, = [line for line in
            (RECIPES / "registries/README.md").read_text().splitlines()
            if line.startswith("|") and f"`{shown}`" in line]
    listed = row.split("|")[3].strip() == "yes"
    home = site.fresh("reader")
    reader = harness.Mreg(harness.program(), home)
    site.credentials(reader.home / "docker", "robot$ml+reader")
    names = {"name": site.model, "digest": f"{site.model}@{site.digest('v1')}"}
    mark = site.registry.mark()
    reader.run(*(w.format(**names) for w in words), cwd=home)
    asked = site.registry.requests(mark)
    assert any("/manifests/" in path for _, path, _ in asked)
    assert any("/tags/list" in path for _, path, _ in asked) == listed


# The blocks of these pages, run in a copy of their folder.
PAGES = [(p, i) for p in files("README.md") for i in range(len(rig.blocks(p)))]


@pytest.mark.parametrize("path, i", PAGES,
                         ids=[f"{name_of(p)} {i}" for p, i in PAGES])
def test_what_a_page_shows_works(start, path, i):
    block = rig.blocks(path)[i]
    start.calls()
    work = rig.shutil.copytree(path.parent, start.fresh("page") / "here")
    home = start.fresh("home")
    for secret in ".harbor-cli-secret", ".ghcr-token":
        harness.write(home / secret, PASSWORD + "\n")
    harness.write(work / "training.json", "{}")
    harness.write(work / "promoter.json", "{}")
    docker = start.credentials(home / "docker", "ada")
    if "git " in block:
        clone(start.bare(), work)
    env = start.environment(
        home, DOCKER_CONFIG=docker, HARBOR_ROBOT_SECRET=PASSWORD,
        HARBOR_NETRC=home / "netrc", GITHUB_TOKEN=PASSWORD,
        GITHUB_ACTOR="acme-bot", SERVING_ID="id", REGISTRY_ID="/registry",
        BASE=f"debian@{rig.ZEROS}", SCORER=rig.ZEROS, MREG_IMAGE=f"tools/mreg@{rig.ZEROS}")
    start.run(block, work, env)
    calls = start.calls()
    for program in rig.FAKES:
        if re.search(rf"^{program} ", block, re.M):
            assert [c for c in calls if c["name"] == program]
    if "mreg login" in block:
        user = re.search(r"-u (\S+)", block)[1].strip("'\"")
        assert rig.logged_in(docker, start.registry.host) == \
            {"$GITHUB_ACTOR": "acme-bot"}.get(user, user)
    for call in calls:
        if call["file"] and call["file"].lstrip().startswith(("{", "[")):
            rig.json.loads(call["file"])


def clone(bare, work):
    """`work` is a clone of `bare` with what is in it committed."""
    git = ["git", "-C", str(work)]
    for words in (["init", "-q"], ["add", "."],
                  ["remote", "add", "origin", str(bare)],
                  ["config", "user.name", "t"], ["config", "user.email", "t@e"],
                  ["config", "push.default", "current"],
                  ["commit", "-q", "-m", "0"]):
        rig.subprocess.run([*git, *words], check=True)
