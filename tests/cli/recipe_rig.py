"""recipe_rig.py - what the tests of scripts/recipes share: a registry with
logins, the real mreg, other programs that only write down how they were called,
and players of GitHub's, GitLab's and Tekton's way to run steps."""
import base64
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "scripts/recipes"
sys.path.insert(0, str(ROOT / "tests/integration"))

import harness  # noqa: E402

PASSWORD = "r3cipe-pass-word"
USERS = ["ada", "AWS", "oauth2accesstoken", "acme-bot",
         "00000000-0000-0000-0000-000000000000", "robot$ml+training",
         "robot$ml+promoter", "robot$ml+reader", "robot$ml+gc"]
# Hosts that stand for the one registry there is here.
HOSTS = ["registry.example.com", "ghcr.io", "example.azurecr.io",
         "europe-west3-docker.pkg.dev",
         "123456789012.dkr.ecr.eu-central-1.amazonaws.com"]
ZEROS = "sha256:" + "0" * 64

# Programs that are not here: each call is a line of JSON, and what follows is
# answered.  docker's `cp` brings the mreg under test.
FAKE = """#!/usr/bin/python3 -IS
import json, os, shutil, sys
name, args = os.path.basename(sys.argv[0]), sys.argv[1:]
here = os.path.dirname(os.path.abspath(__file__))
data = None
for i, word in enumerate(args):
    path = word[1:] if word.startswith("@") else word.removeprefix("file://")
    if word.startswith(("@", "file://")) or args[i - 1:i] in (["--file"], ["--filename"]):
        data = open(path).read()
with open(here + "/../calls", "a") as f:
    f.write(json.dumps({"name": name, "args": args, "file": data}) + "\\n")
line = " ".join([name, *args])
if line.startswith("docker create"):
    print("container")
elif line.startswith("docker cp"):
    shutil.copy2(os.path.realpath(here + "/mreg"), args[-1])
elif line.startswith("curl") and "/robots" in line:
    print('{"name": "robot$ml+training", "secret": "fresh"}')
elif line.startswith(("aws ecr get-login-password", "gcloud auth print-access-token",
                      "az acr login")):
    print(os.environ["FAKE_PASSWORD"])
elif line.startswith("kubectl get"):
    print(open(here + "/../workloads.json").read())
elif line.startswith("kustomize edit set image"):
    new = args[-1].split("=", 1)[1].split("@")
    text = open("kustomization.yaml").read()
    open("kustomization.yaml", "w").write(text.replace("sha256:" + "0" * 64, new[1]))
"""
FAKES = ["docker", "kubectl", "aws", "gcloud", "az", "curl", "flux", "kustomize"]

POLICY = """\
policy: 1
aliases:
  production:
    suites: {holdout: passed}
"""
# What a team has beside the recipe: its training and its tests.
TRAIN = """#!/bin/sh
set -eu
mkdir -p "$1"
cp "$(dirname "$0")/../seed" "$1/model.bin"
printf '{"model_type": "churn"}' >"$1/config.json"
"""
EVALUATE = """#!/bin/sh
set -eu
test -s "$1/model.bin"
printf '{"metrics": {"auc": 0.93}, "dataset": {"name": "holdout-2026"}}' >"$2"
test ! -e "$(dirname "$0")/../bad"
"""


def files(*patterns):
    """Files below scripts/recipes."""
    out = [p for pattern in patterns for p in RECIPES.rglob(pattern)]
    assert out, patterns
    return sorted(out)


def name_of(path):
    return str(path.relative_to(RECIPES))


def documents(path):
    return [d for d in yaml.safe_load_all(path.read_text()) if d is not None]


def blocks(path):
    """The ```sh blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.M | re.S)


def walk(value, path=()):
    """(path, key, value) of every member of every map in there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path, key, inner
            yield from walk(inner, path + (key,))
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, path)


class Failed(Exception):
    """A script ended with another status than 0."""

    def __init__(self, done):
        super().__init__(f"exit status {done.returncode}\n{done.stdout}\n"
                         f"{done.stderr}")
        self.status, self.stderr = done.returncode, done.stderr


class Site:
    """The registry, the model's team, and a place where scripts run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.bin = self.folder / "bin"
        self.bin.mkdir(parents=True)
        for name in FAKES:
            (self.bin / name).write_text(FAKE)
            (self.bin / name).chmod(0o755)
        (self.bin / "mreg").symlink_to(harness.program())
        passwords = self.folder / "htpasswd"
        passwords.touch()
        for user in USERS:
            subprocess.run(["htpasswd", "-bB", "-C", "4", str(passwords), user,
                            PASSWORD], check=True, capture_output=True)
        self.registry = harness.Registry(
            self.folder / "registry", None,
            {"htpasswd": {"realm": "recipes", "path": str(passwords)}})
        self.count = 0
        self.admin = self.user("ada")

    @property
    def model(self):
        return f"{self.registry.host}/ml/churn"

    def user(self, name):
        """Somebody who is logged in."""
        someone = harness.Mreg(harness.program(), self.folder / f"home-{name}")
        self.credentials(someone.home / "docker", name)
        return someone

    def credentials(self, folder, name):
        """A folder with a config.json, as DOCKER_CONFIG names one."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(
            harness.docker_auth(self.registry.host, name, PASSWORD)))
        return folder

    def here(self, text):
        """The same text with the registry that there is."""
        for host in HOSTS:
            text = text.replace(host, self.registry.host)
        return text

    def fresh(self, name="work"):
        self.count += 1
        folder = self.folder / f"{name}-{self.count}"
        folder.mkdir()
        return folder

    def project(self, seed="one", good=True):
        """A checkout of the team's repository."""
        folder = self.fresh("project")
        for name, text in (("train/train.sh", TRAIN),
                           ("evaluate/evaluate.sh", EVALUATE)):
            harness.write(folder / name, text, executable=True)
        harness.write(folder / "model.yaml", "license: MIT\nformat: sklearn\nmetrics: {auc: 0.93}\n")
        harness.write(folder / "seed", seed * 2000)
        if not good:
            harness.write(folder / "bad", "")
        return folder

    def environment(self, folder, **more):
        env = {"PATH": f"{self.bin}:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
               "HOME": str(folder), "FAKE_PASSWORD": PASSWORD,
               "GIT_CONFIG_GLOBAL": "/dev/null", **harness.sanitizers()}
        env.update({k: self.here(str(v)) for k, v in more.items()})
        return env

    def run(self, script, cwd, env=None, shell=("bash", "--noprofile", "--norc",
                                                 "-eo", "pipefail"), args=()):
        """Run a script as a step; its stdout."""
        path = self.fresh("step") / "script"
        path.write_text(self.here(script))
        words = [*shell, str(path), *(self.here(w) for w in args)]
        done = subprocess.run(words, cwd=cwd, env=env or self.environment(cwd),
                              capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
        assert PASSWORD not in done.stdout + done.stderr
        if done.returncode:
            raise Failed(done)
        return done.stdout

    def calls(self, name=None):
        """What the programs that are not here were asked; then forgotten."""
        path = self.folder / "calls"
        out = [json.loads(line) for line in path.read_text().splitlines()] \
            if path.exists() else []
        path.unlink(missing_ok=True)
        assert not any(PASSWORD in word for c in out for word in c["args"])
        return [c for c in out if name in (None, c["name"])]

    def begin(self):
        """A model with a policy and one version, which production has."""
        self.registry.folder.joinpath("policy.yaml").write_text(POLICY)
        self.admin.run("push", harness.small_model(self.fresh("first"), 1),
                       self.model, "--format", "sklearn", "--also", "image")
        self.admin.run("policy", "set", self.model,
                       self.registry.folder / "policy.yaml")
        self.admin.run("evaluate", f"{self.model}:v1", "--suite", "holdout",
                       "--pass")
        self.admin.run("promote", f"{self.model}:v1", "production")

    def digest(self, tag):
        return self.admin.json("resolve", f"{self.model}:{tag}")["digest"]

    def bare(self):
        """A git repository of environments, and its address."""
        folder = self.fresh("git")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com",
               "-c", "init.defaultBranch=main"]
        seed = self.fresh("seed")
        for words in (["init", "-q", "--bare", folder], ["init", "-q", seed],
                      ["-C", seed, "commit", "-q", "--allow-empty", "-m", "0"],
                      ["-C", seed, "push", "-q", folder, "HEAD:main"]):
            subprocess.run([*git, *map(str, words)], check=True)
        return folder

    def committed(self, bare, path):
        """A file of main there, or None."""
        done = subprocess.run(["git", "-C", str(bare), "show", f"main:{path}"],
                              capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None


# -- GitHub ------------------------------------------------------------------


class GitHub:
    """Plays a workflow: jobs in their order, steps with `run` for real, actions
    of others as far as their outputs are needed."""

    def __init__(self, site, project, environments=None):
        self.site, self.project, self.environments = site, project, environments
        # What is set where; a secret that is not there is an empty text.
        self.secrets = {"HARBOR_TRAINING": PASSWORD}
        self.of_environment = {
            "production-promote": {"HARBOR_PROMOTER": PASSWORD},
            "production-deploy": {"HARBOR_READER": PASSWORD,
                                  "ENVIRONMENTS_KEY": PASSWORD}}
        self.uses = []

    def value(self, text, context):
        """A text with its ${{ }} replaced."""
        def one(match):
            found = context
            for part in match[1].split("."):
                found = found[part]
            return str(found)
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", one, str(text))

    def holds(self, condition, context):
        left, right = re.fullmatch(r"([\w.-]+) == '([^']*)'", condition).groups()
        return self.value("${{ " + left + " }}", context) == right

    def workflow(self, name, inputs=None, secrets=None):
        """One that was started, or called with these secrets."""
        document = documents(RECIPES / f"github-actions/{name}")[0]
        if secrets is None:
            secrets = self.secrets
        else:
            # YAML 1.1 reads the key `on` as true.
            declared = document[True]["workflow_call"]["secrets"]
            assert secrets.keys() <= declared.keys()
            assert all(secrets.get(k) for k, v in declared.items() if v["required"])
        context = {"inputs": inputs or {}, "needs": {},
                   "secrets": collections.defaultdict(str, secrets),
                   "github": {"sha": "0" * 40, "server_url": "https://github.com",
                              "repository": "acme/churn", "run_id": "7",
                              "actor": "ada", "token": PASSWORD}}
        for job, what in document["jobs"].items():
            needs = what.get("needs", [])
            for other in [needs] if isinstance(needs, str) else needs:
                assert other in context["needs"], f"{job} comes before {other}"
            if "uses" in what:
                given = {k: self.value(v, context)
                         for k, v in what.get("with", {}).items()}
                handed = {k: self.value(v, context)
                          for k, v in what["secrets"].items()}
                outputs = self.workflow(pathlib.Path(what["uses"]).name, given,
                                        handed)
            else:
                outputs = self.job(what, document.get("env", {}), context)
            context["needs"][job] = {"outputs": outputs}
        return context["needs"]

    def job(self, what, env, context):
        folder = self.site.fresh("runner")
        work = folder / "work"
        work.mkdir()
        machine = {"folder": folder, "work": work, "path": [], "env": dict(env),
                   "home": folder}
        context = {**context, "steps": {}, "secrets": collections.defaultdict(
            str, context["secrets"] |
            self.of_environment.get(what.get("environment"), {}))}
        self.steps(what["steps"], machine, context)
        return {k: self.value(v, context)
                for k, v in what.get("outputs", {}).items()}

    def steps(self, steps, machine, context):
        for step in steps:
            if "if" in step and not self.holds(step["if"], context):
                continue
            given = {k: self.value(v, context)
                     for k, v in step.get("with", {}).items()}
            outputs = self.action(step["uses"], given, machine, context) \
                if "uses" in step else self.shell(step, machine, context)
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": outputs}

    def action(self, uses, given, machine, context):
        self.uses.append((uses, given))
        if uses == "./.github/actions/mreg":
            action = documents(RECIPES / "github-actions/mreg/action.yml")[0]
            assert given.keys() <= action["inputs"].keys()
            assert all(k in given for k, v in action["inputs"].items()
                       if v.get("required"))
            inputs = {k: given.get(k, v.get("default"))
                      for k, v in action["inputs"].items()}
            self.steps(action["runs"]["steps"], machine,
                       {**context, "inputs": inputs, "steps": {}})
        elif uses.startswith("actions/checkout@") and "repository" in given:
            assert given["ssh-key"] == PASSWORD
            subprocess.run(["git", "clone", "-q", str(self.environments),
                            str(machine["work"] / given["path"])], check=True)
        elif uses.startswith("actions/checkout@"):
            shutil.copytree(self.project, machine["work"], dirs_exist_ok=True)
        elif uses.startswith("google-github-actions/auth@"):
            return {"access_token": PASSWORD}
        else:
            assert uses.startswith(("aws-actions/configure-aws-credentials@",
                                    "azure/login@")), uses
        return {}

    def shell(self, step, machine, context):
        folder = machine["folder"]
        env = self.site.environment(
            folder, RUNNER_TEMP=folder,
            **{f"GITHUB_{n}": folder / n
               for n in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")},
            **machine["env"], **{k: self.value(v, context)
                                 for k, v in step.get("env", {}).items()})
        env["PATH"] = ":".join([*machine["path"], env["PATH"]])
        for name in "OUTPUT", "ENV", "PATH", "STEP_SUMMARY":
            (folder / name).write_text("")
        self.site.run(step["run"], machine["work"], env)

        def lines(name):
            return [line.split("=", 1) for line in
                    (folder / name).read_text().splitlines()]
        machine["env"].update(lines("ENV"))
        machine["path"] += (folder / "PATH").read_text().splitlines()
        return dict(lines("OUTPUT"))


# -- GitLab ------------------------------------------------------------------


def gitlab_starts(job, env):
    """Whether a pipeline has the job: the first of its rules that holds."""
    def value(word):
        return env[word[1:]] if word.startswith("$") else word.strip('"')

    def holds(term):
        left, same, right = re.fullmatch(r"(\S+) ([!=])= (\S+)", term).groups()
        return (value(left) == value(right)) == (same == "=")
    return any(all(map(holds, rule["if"].split(" && ")))
               for rule in job["rules"])


def gitlab(site, project, environments, source="push", only=None, dotenv=()):
    """Plays a pipeline of the default branch, everybody having pressed every
    button, or `only` one job of it; what jobs hand on."""
    document = documents(RECIPES / "gitlab-ci/.gitlab-ci.yml")[0]
    pipeline = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main",
                "CI_PIPELINE_SOURCE": source}
    # A name with a dot before it is no job.
    jobs = {k: v for k, v in document.items()
            if not k.startswith(".") and isinstance(v, dict) and "script" in v
            and gitlab_starts(v, pipeline) and only in (None, k)}
    # Who the variables of an environment log in as; None: of no environment.
    roles = {None: "training", "production/promote": "promoter",
             "production": "reader"}
    dotenv = dict(dotenv)
    for stage in document["stages"]:
        for name, job in jobs.items():
            if job["stage"] != stage:
                continue
            work = shutil.copytree(project, site.fresh("gitlab") / "build")
            role = roles[job.get("environment", {}).get("name")]
            env = {**pipeline, "CI_JOB_NAME": name,
                   "CI_PROJECT_DIR": str(work), "CI_COMMIT_SHA": "0" * 40,
                   "CI_PROJECT_URL": "https://gitlab.example.com/acme/churn",
                   "CI_JOB_URL": "https://gitlab.example.com/jobs/7",
                   "CI_PIPELINE_URL": "https://gitlab.example.com/pipelines/7",
                   "GITLAB_USER_LOGIN": "ada",
                   # The runner's, for the job's image: of no use to the job.
                   "DOCKER_AUTH_CONFIG": json.dumps(harness.docker_auth(
                       site.registry.host, "runner", "wrong")),
                   "HARBOR_USER": f"robot$ml+{role}", "HARBOR_PASSWORD": PASSWORD}
            # Without the word: what all before it handed on.
            for needed in job.get("needs", dotenv):
                env.update(dotenv.get(needed, {}))
            for key, value in {**document["variables"],
                               **job.get("variables", {})}.items():
                env[key] = re.sub(r"\$(\w+)", lambda m: env[m[1]], value)
            env["ENVIRONMENTS"] = str(environments)
            script = "\n".join([*job["before_script"], *job["script"]])
            site.run(script, work, site.environment(work, **env))
            login = pathlib.Path(env["DOCKER_CONFIG"])
            assert logged_in(login, site.registry.host) == f"robot$ml+{role}"
            # In a shell of its own.
            site.run("\n".join(document["default"]["after_script"]), work,
                     site.environment(work, **env))
            assert not login.exists()
            report = job.get("artifacts", {}).get("reports", {}).get("dotenv")
            if report:
                dotenv[name] = dict(line.split("=", 1) for line in
                                    (work / report).read_text().splitlines())
    return dotenv


# -- Tekton ------------------------------------------------------------------


def tekton(site, source):
    """Plays the pipeline; what it results in."""
    tasks = {d["metadata"]["name"]: d["spec"]
             for d in documents(RECIPES / "tekton/tasks.yaml")}
    pipeline = documents(RECIPES / "tekton/pipeline.yaml")[0]["spec"]
    known = {f"params.{p['name']}": p["default"] for p in pipeline["params"]}
    known["context.pipelineRun.name"] = "churn-run-7"
    folders = {"source": source}
    for role in "training", "promoter":
        folders[f"registry-{role}"] = site.credentials(
            site.fresh(role), f"robot$ml+{role}")

    def fill(text, values):
        return re.sub(r"\$\(([\w.-]+)\)", lambda m: values[m[1]], text)

    assert set(folders) == {w["name"] for w in pipeline["workspaces"]}
    for task in pipeline["tasks"]:
        spec = tasks[task["taskRef"]["name"]]
        for other in task.get("runAfter", []):
            assert any(k.startswith(f"tasks.{other}.") for k in known)
        values = {f"params.{p['name']}": p["default"]
                  for p in spec["params"] if "default" in p}
        values.update({f"params.{p['name']}": fill(p["value"], known)
                       for p in task["params"]})
        values.update({f"workspaces.{w['name']}.path":
                       str(folders[w["workspace"]]) for w in task["workspaces"]})
        results = site.fresh("results")
        values.update({f"results.{r['name']}.path": str(results / r["name"])
                       for r in spec["results"]})
        assert {w["name"] for w in spec["workspaces"]} == \
            {w["name"] for w in task["workspaces"]}
        step, = spec["steps"]
        env = site.environment(site.fresh("home"), **{
            e["name"]: fill(e["value"], values) for e in step["env"]})
        assert "$(params." not in step["script"]
        site.run(fill(step["script"], values), fill(step["workingDir"], values),
                 env, shell=("sh",))
        for result in spec["results"]:
            known[f"tasks.{task['name']}.results.{result['name']}"] = \
                (results / result["name"]).read_text()
    return {r["name"]: fill(r["value"], known) for r in pipeline["results"]}


def logged_in(folder, host):
    """The user of a config.json for `host`."""
    text = json.loads((pathlib.Path(folder) / "config.json").read_text())
    return base64.b64decode(text["auths"][host]["auth"]).decode().split(":")[0]
