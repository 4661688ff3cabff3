"""index_rig.py - a model to which everything happened that a listing tells of,
and what is asked of it with the index and without."""
import harness


def churn(mreg, name, folder):
    """NAME with five versions; their digests by number."""
    digests = {}
    for n in range(1, 6):
        harness.small_model(folder / f"m{n}", n)
        digests[n] = mreg.json(
            "push", folder / f"m{n}", name, "--metric", f"auc=0.9{n}",
            "--metric", "loss=1e-2", "--run-id", f"r{n}",
            "--tag", "team=risk")["digest"]
    mreg.run("create", name, "--owner", "risk", "--description", "who leaves")
    mreg.run("alias", "set", f"{name}:v2", "production")
    mreg.run("promote", f"{name}:v3", "production")
    mreg.run("alias", "set", f"{name}:v4", "staging")
    mreg.run("alias", "set", f"{name}:v1", "old")
    mreg.run("alias", "rm", f"{name}:old")
    mreg.run("release", f"{name}:v3", "1.0.0")
    mreg.run("archive", f"{name}:v1", "--reason", "no consent")
    mreg.run("deprecate", f"{name}:v2", "--successor", "v3", "--until",
             "2031-01-31", "--reason", "drifts")
    mreg.run("edit", f"{name}:v3", "--description", "the good one", "--tag",
             "reviewed=2026-01-01")
    mreg.run("edit", name, "--owner", "ada")
    mreg.run("deployed", f"{name}:v2", "--env", "prod", "--workload", "api")
    mreg.run("deployed", f"{name}:v3", "--env", "prod", "--workload", "api",
             "--reason", "v2 drifts")
    mreg.run("deployed", f"{name}:v4", "--env", "stage")
    mreg.run("incident", f"{name}:v3", "--title", "too many alarms")
    return digests


def questions(name, digests):
    """Words of commands that may be answered by the index."""
    yield from (["ls", name], ["ls", name, "--archived"])
    yield from (["where", name], ["where", f"{name}:production"],
                ["what", "prod", name], ["what", "nowhere", name])
    for tag in ["v1", "v2", "v3", "v4", "v5", "production", "staging",
                "latest", "1.0.0"]:
        yield ["inspect", f"{name}:{tag}"]
    yield ["inspect", f"{name}@{digests[2]}"]
    yield ["inspect", f"{name}:production", "--tensors", "--config", "--raw"]


def without_age(result):
    """What was from the index, but for saying so."""
    index = result.pop("index")
    assert set(index) == {"syncedAt"} and index["syncedAt"].endswith("Z")
    return result


def assert_same(mreg, words, *flags, env=None):
    """The index and the registry give the same answer."""
    asked = mreg.json(*words, "--no-index", env=env)
    assert asked.pop("index") is None
    assert without_age(mreg.json(*words, *flags, env=env)) == asked
