"""test_recipes.py - what scripts/recipes says can be so: documents have the
members that their readers ask for, every call of mreg is one that it takes,
nothing is unpinned or tells a secret.  test_recipes_run.py runs them.
"""
import fnmatch
import json
import re
import shlex
import shutil
import subprocess

import harness
import pytest
import recipe_rig as rig
import recipe_tables as tables
from recipe_rig import RECIPES, documents, files, name_of

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def ids(paths):
    return [name_of(p) for p in paths]


# -- documents ---------------------------------------------------------------

YAML = files("*.yaml", "*.yml")
JSON = files("*.json")
PAGES = files("README.md")


@pytest.mark.parametrize("path", YAML, ids=ids(YAML))
def test_yaml_has_what_its_reader_asks_for(path):
    for document in documents(path):
        kind = (document.get("apiVersion", ""), document.get("kind", ""))
        if kind == ("", ""):
            kind = ("", path.parent.name + "/" + path.name)
        assert kind in tables.KINDS, f"{name_of(path)}: {kind}"
        for wanted in tables.KINDS[kind]:
            found = [document]
            for part in wanted.split("."):
                found = [inner for f in found
                         for inner in (f if isinstance(f, list) else [f])]
                assert all(part in f for f in found), f"{wanted}: no {part}"
                found = [f[part] for f in found]
            assert all(f not in (None, "", [], {}) for f in found), wanted


@pytest.mark.parametrize("path", YAML, ids=ids(YAML))
def test_images_and_actions_are_pinned(path):
    for document in documents(path):
        for where, key, value in rig.walk(document):
            if key in ("image", "reference", "default") and \
                    str(value).startswith("registry.example.com/") and \
                    where[-1:] != ("params",) or key == "image" and \
                    where[-1:] == ("containers",):
                if value == "registry.example.com/ml/churn":
                    # Where the digest stands beside it.
                    assert DIGEST.search("\n".join(
                        p.read_text() for p in path.parent.glob("*.yaml"))) \
                        or where == ("spec",) or "params" in where, where
                    continue
                assert DIGEST.search(str(value)), f"{where} {key}: {value}"
    for line in path.read_text().splitlines():
        uses = re.search(r"uses: +([\w.-]+/[\w./-]+)@(\S+)(.*)", line)
        if uses:
            assert re.fullmatch("[0-9a-f]{40}", uses[2]), line
            assert re.fullmatch(r" # v[0-9]+\.[0-9]+\.[0-9]+", uses[3]), line


def test_pods_have_no_rights_that_they_do_not_need():
    seen = 0
    for path in YAML:
        for document in documents(path):
            for _, key, value in rig.walk(document):
                if key not in ("containers", "initContainers", "steps") or \
                        not isinstance(value, list) or \
                        "image" not in value[0]:
                    continue
                for container in value:
                    context = container["securityContext"]
                    assert context["allowPrivilegeEscalation"] is False
                    assert context["capabilities"] == {"drop": ["ALL"]}
                    for mount in container.get("volumeMounts", []):
                        if mount["name"] == "registry":
                            assert mount["readOnly"] is True
                    assert not any("PASS" in e["name"] or "TOKEN" in e["name"]
                                   for e in container.get("env", []))
                    seen += 1
    assert seen >= 9


def test_values_never_become_shell():
    """What comes from outside is in the environment, not in the text."""
    for path in files("github-actions/*.yml", "action.yml"):
        for document in documents(path):
            for _, key, value in rig.walk(document):
                if key == "run":
                    assert "${{" not in value, value
    for task in documents(RECIPES / "tekton/tasks.yaml"):
        for step in task["spec"]["steps"]:
            assert "$(params." not in step["script"]
    text = (RECIPES / "airflow/churn_dag.py").read_text()
    for command in re.findall(r'bash_command="""(.*?)"""', text, re.S):
        assert "{{" not in command


def test_no_secret_is_an_argument():
    for path in files("*"):
        if not path.is_file():
            continue
        text = path.read_text()
        for word in re.findall(r"--(?:password|token|docker-password)[ =]\S+",
                               text):
            assert False, f"{name_of(path)}: {word}"
        assert not re.search(r"://[^/\s`]+:[^/\s`]+@", text), name_of(path)
        for login in re.findall(r"mreg login [^\n`]*", text):
            assert "--password-stdin" in login, f"{name_of(path)}: {login}"
        for secret in re.findall(r"ARG +(\w+)", text):
            assert not re.search("PASS|TOKEN|SECRET|KEY", secret)


# -- what registries are told ------------------------------------------------


def actions_of(document):
    for statement in document["Statement"]:
        action = statement["Action"]
        assert statement["Effect"] == "Allow"
        yield from [action] if isinstance(action, str) else action


def test_policies_of_aws_name_real_actions_and_no_more_than_is_needed():
    folder = RECIPES / "registries/ecr"
    of = {p.stem: json.loads(p.read_text()) for p in folder.glob("*.json")}
    for name in "reader", "push", "push-candidates", "gc", "admin":
        named = set(actions_of(of[name]))
        assert named <= tables.ECR_ACTIONS, named - tables.ECR_ACTIONS
        for statement in of[name]["Statement"]:
            # The only one that has no resource.
            assert (statement["Resource"] == "*") == \
                (statement["Action"] == "ecr:GetAuthorizationToken")
    # Who may write there looks first at what is there.
    read = of["reader"]["Statement"][1]["Resource"]
    for name in "push", "push-candidates", "gc":
        assert all(s["Resource"] in read for s in of[name]["Statement"]), name
    writes = re.compile(r"ecr:(Put|Batch?Delete|Initiate|Upload|Complete|Set|Create)")
    assert not any(writes.match(a) for a in actions_of(of["reader"]))
    assert not any("Delete" in a for n in ("push", "push-candidates", "admin")
                   for a in actions_of(of[n]))
    trust, = of["trust-github"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    subject = trust["Condition"]["StringEquals"][
        "token.actions.githubusercontent.com:sub"]
    assert "*" not in subject and ":environment:" in subject


def test_cleaning_leaves_models_alone():
    ecr = json.loads((RECIPES / "registries/ecr/lifecycle.json").read_text())
    for rule in ecr["rules"]:
        assert rule["selection"]["tagStatus"] == "tagged"
        assert rule["action"] == {"type": "expire"}
        for pattern in rule["selection"]["tagPatternList"]:
            assert not [t for t in tables.KEPT if fnmatch.fnmatchcase(t, pattern)]
            assert fnmatch.fnmatchcase("doctor-1", pattern)
    gar = json.loads((RECIPES / "registries/gar/cleanup.json").read_text())
    for rule in gar:
        assert rule["condition"]["tagState"] == "tagged"
        taken = [t for t in tables.KEPT
                 if t.startswith(tuple(rule["condition"]["tagPrefixes"]))]
        assert not taken or rule["action"]["type"] == "Keep", taken
    purge, = documents(RECIPES / "registries/acr/purge-task.yaml")
    for step in purge["steps"]:
        words = shlex.split(step["cmd"])
        assert words[:2] == ["acr", "purge"] and "--untagged" not in words
        pattern = words[words.index("--filter") + 1].split(":", 1)[1]
        assert not [t for t in tables.KEPT if re.search(pattern, t)]
    harbor = json.loads((RECIPES / "registries/harbor/gc-schedule.json").read_text())
    assert harbor["parameters"]["delete_untagged"] is False


def test_what_is_immutable_is_what_never_moves():
    harbor = json.loads(
        (RECIPES / "registries/harbor/immutable-tags.json").read_text())
    assert harbor["action"] == "immutable" and harbor["disabled"] is False
    selector, = harbor["tag_selectors"]
    assert (selector["kind"], selector["decoration"]) == ("doublestar", "matches")
    either = selector["pattern"].strip("{}").split(",")

    def fixed(tag, patterns):
        return any(fnmatch.fnmatchcase(tag, p) for p in patterns)
    assert all(fixed(t, either) for t in tables.NEVER_MOVES)
    assert not [t for t in tables.MOVES if fixed(t, either)]
    ecr = json.loads((RECIPES / "registries/ecr/tag-mutability.json").read_text())
    assert ecr["imageTagMutability"] == "MUTABLE_WITH_EXCLUSION"
    filters = [f["filter"] for f in ecr["imageTagMutabilityExclusionFilters"]]
    assert len(filters) <= 5
    assert all(re.fullmatch(r"[0-9a-zA-Z._*-]{1,128}", f) for f in filters)
    assert all(fixed(t, filters) for t in tables.NEVER_MOVES)
    # An alias that begins with v is what its page warns of.
    assert [t for t in tables.MOVES if fixed(t, filters)] == ["validated"]


def test_robots_of_harbor_have_real_permissions():
    of = {}
    for path in (RECIPES / "registries/harbor").glob("robot-*.json"):
        robot = json.loads(path.read_text())
        assert robot["level"] == "project" and 0 < robot["duration"] <= 90
        permission, = robot["permissions"]
        assert permission["kind"] == "project" and permission["namespace"] == "ml"
        of[robot["name"]] = {(a["resource"], a["action"])
                             for a in permission["access"]}
        assert path.name == f"robot-{robot['name']}.json"
    assert set(of) == {"reader", "training", "promoter", "gc"}
    assert all(a <= tables.HARBOR_ACCESS for a in of.values())
    assert of["reader"] < of["training"] == of["promoter"] < of["gc"]
    assert {a for _, a in of["reader"]} <= {"pull", "list", "read"}
    assert not any(a == "delete" for n in ("training", "promoter")
                   for _, a in of[n])


def test_roles_of_google_and_azure_are_real():
    training = json.loads((RECIPES / "registries/gar/role-training.json").read_text())
    named = set(training["includedPermissions"])
    assert named <= tables.GAR_PERMISSIONS
    assert not [p for p in named if p.endswith((".delete", ".update"))]
    policy = json.loads((RECIPES / "registries/gar/iam-policy.json").read_text())
    assert {b["role"] for b in policy["bindings"]} <= tables.GAR_ROLES
    assert "allUsers" not in json.dumps(policy)
    for path in (RECIPES / "registries/acr").glob("condition-*.txt"):
        text = path.read_text()
        named = set(re.findall(r"'(Microsoft\.[^']+)'", text))
        role = tables.ACR_ROLES[path.stem.removeprefix("condition-")]
        # One that is not named is not limited.
        assert named == role, path.name
        assert text.count("(") == text.count(")")
        assert re.search(r"StringStartsWithIgnoreCase '[\w-]+/'", text)


# -- commands ----------------------------------------------------------------


def code_of(path):
    """The text of a file without prose: of a page its blocks and what stands in
    backquotes, of others what is no comment, and examples in comments."""
    text = path.read_text().replace("\\\n", " ")
    quoted = re.findall(r"`(mreg [^`]*)`", text)
    if path.suffix == ".md":
        return "\n".join(quoted + re.findall(r"^```\w+\n(.*?)^```$", text,
                                             re.M | re.S))
    lines = [re.sub(r"^ *#   ", "", line) for line in text.splitlines()]
    return "\n".join(quoted + [line for line in lines
                               if not re.match(r" *#", line)])


def mreg_lines():
    """(file, words) of each call of mreg in scripts, pages and comments."""
    for path in files("*"):
        if not path.is_file() or path.suffix == ".json":
            continue
        for line in re.findall(r"(?:^|[\s`(\"'|])mreg ([a-z-]+(?: [^\n`]*)?)",
                               code_of(path), re.M):
            words = re.split(r"[|;>)]| && |\.\.\.|<\"| #", line)[0].split()
            yield path, [w.strip("\"',.:") for w in words]


def test_every_call_of_mreg_is_one_that_it_takes(tmp_path):
    user = harness.Mreg(harness.program(), tmp_path)
    helps = {}

    def help_of(*command):
        if command not in helps:
            r = user.run(*command, "--help", status=None)
            helps[command] = r.stdout if r.status == 0 else None
        return helps[command]

    seen = 0
    for path, words in mreg_lines():
        command = words[:1]
        if command[0] in tables.NOT_COMMANDS:
            continue
        text = help_of(*command)
        assert text, f"{name_of(path)}: mreg {' '.join(words)}"
        if "COMMAND --help' explains" in text and words[1:]:
            command = words[:2]
            text = help_of(*command)
            assert text, f"{name_of(path)}: mreg {' '.join(words)}"
        for word in words:
            flag = re.match(r"--[a-z-]+[a-z]|-[a-z]\b", word)
            if flag:
                assert re.search(rf"(^|[ ,]){flag[0]}\b", text, re.M), \
                    f"{name_of(path)}: mreg {' '.join(words)}: no {flag[0]}"
        seen += 1
    assert seen > 50


def scripts():
    """(name, shell, text) of every shell text in the recipes."""
    for path in files("README.md"):
        for i, block in enumerate(rig.blocks(path)):
            yield f"{name_of(path)} {i}", "bash", block
    for path in files("*.sh"):
        yield name_of(path), "sh", path.read_text()
    for path in YAML:
        for document in documents(path):
            for where, key, value in rig.walk(document):
                if key == "run" or key == "script" and isinstance(value, str):
                    yield f"{name_of(path)} {where}", \
                        "sh" if key == "script" else "bash", value
                elif key in ("script", "before_script"):
                    yield f"{name_of(path)} {where}", "bash", "\n".join(value)


def test_shell_is_right(tmp_path):
    texts = list(scripts())
    assert len(texts) > 30
    paths = []
    for i, (name, shell, text) in enumerate(texts):
        # Tekton puts these in before a shell sees them.
        text = re.sub(r"\$\((results|workspaces)\.[\w.-]+\)", "/tmp/x", text)
        path = tmp_path / f"{i}.sh"
        path.write_text(f"#!/bin/{shell}\n# {name}\n{text}")
        checked = subprocess.run([shell, "-n", str(path)], capture_output=True,
                                 text=True)
        assert checked.returncode == 0, f"{name}: {checked.stderr}"
        paths.append(str(path))
    if shutil.which("shellcheck"):
        # SC2016: a `$` in a robot's name; SC2154: variables of the runner;
        # SC1128: the second first line of a script that has one.
        checked = subprocess.run(
            ["shellcheck", "-e", "SC2016,SC2154,SC1128,SC2164", *paths],
            capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_a_page_tells_of_all_that_is_there(path):
    text = path.read_text()
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link
    for other in path.parent.iterdir():
        if other.is_file() and other != path:
            assert f"({other.name})" in text or \
                re.search(rf"\b{other.stem}\b", text), other.name
    assert text.startswith("# ")


def test_dockerfiles_pin_what_they_are_made_of():
    for path in files("*.Dockerfile"):
        logical = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)
        steps = [line.split(None, 1) for line in
                 logical.replace("\\\n", " ").splitlines() if line.strip()]
        stages, given = set(), set()
        for word, rest in steps:
            assert word in tables.DOCKERFILE, word
            if word == "ARG":
                given.add(rest.split("=")[0])
                assert "=" not in rest or rest.startswith("MODEL=")
            elif word == "FROM":
                image = re.fullmatch(r"\$\{(\w+)\}(?: AS (\w+))?", rest)
                assert image and image[1] in given, rest
                stages.add(image[2])
            elif word == "COPY" and "--from=" in rest:
                assert re.match(r"--from=(\w+) /", rest)[1] in stages
            elif word == "RUN":
                script = re.sub(r"^--mount=\S+ ", "", rest)
                assert subprocess.run(["sh", "-nc", script]).returncode == 0
        assert steps[-1][0] == "USER" and steps[-1][1].split(":")[0].isdigit()
        assert "@$MODEL_DIGEST" in logical or "mreg pull" not in logical
