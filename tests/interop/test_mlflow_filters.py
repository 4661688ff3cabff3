"""test_mlflow_filters.py - a filter finds the same in mreg's index as in
MLflow's own store, filled alike."""
import json
import random

import pytest

import harness

RUNS = ["1f0b", "2a", "2A", "3c9d", None, None]
TEXTS = ["risk", "Risk", "risk & co", "100%", "a_b", "axb", "it's",
         'say "hi"', "größe", "--x", "/*y*/", ";", "(z)", "AND", "null", "7"]
KEYS = ["team", "a.b", "mlflow.source.type", "a_b", "k1", "a-b", "a/b", "1st",
        "name", "version", "order", "user"]
MODELS = ["churn", "churn-eu", "fraud.v2", "base_1", "c"]


def tags(rnd):
    return {key: rnd.choice(TEXTS)
            for key in rnd.sample(KEYS, rnd.randrange(5))}


def world(rnd):
    models = [{"name": name, "tags": tags(rnd)} for name in MODELS]
    versions = []
    for name in MODELS:
        for number in range(1, rnd.randrange(2, 6)):
            versions.append({
                "name": name, "number": number, "run": rnd.choice(RUNS),
                "source": f"s3://{rnd.choice(['a', 'A', 'b_c'])}/{number}",
                "tags": tags(rnd)})
    return models, versions


def any_case(rnd, words):
    word = rnd.choice(words)
    return rnd.choice([word, word.lower(), word.capitalize()])


def quoted(rnd, text):
    if "'" in text:
        return f'"{text}"'
    return f"'{text}'" if '"' in text else rnd.choice(["'%s'", '"%s"']) % text


def pattern(rnd, text):
    cut = rnd.randrange(len(text) + 1)
    return rnd.choice([text, text[:cut] + "%", "%" + text[cut:],
                       text[:cut] + "_" + text[cut + 1:], text.upper()])


def comparison(rnd, models):
    word = any_case(rnd, ["=", "!=", "LIKE", "ILIKE"])
    plain = word in ("=", "!=")

    def value(texts):
        text = rnd.choice(texts)
        return quoted(rnd, text if plain else pattern(rnd, text))

    if rnd.random() < 0.45:
        key = rnd.choice(["%s", "`%s`", '"%s"']) % rnd.choice(KEYS)
        return f"{rnd.choice(['tag', 'tags'])}.{key} {word} {value(TEXTS)}"
    prefix = rnd.choice(["", "", "attribute."])
    if models or rnd.random() < 0.3:
        return f"{prefix}name {word} {value(MODELS)}"
    runs = [r for r in RUNS if r]
    kind = rnd.randrange(4)
    if kind == 0:
        some = ", ".join(quoted(rnd, r) for r in
                         rnd.sample(runs, rnd.randrange(1, 4)))
        return f"{prefix}run_id {any_case(rnd, ['IN', 'NOT IN'])} ({some})"
    if kind == 1:
        op = rnd.choice(["=", "!=", "<", "<=", ">", ">=", " = ", " > "])
        number = rnd.choice(["1", "2", "03", "'4'", "99", "-1"])
        return f"{prefix}version_number{op}{number}"
    if kind == 2:
        return f"{prefix}run_id {word} {value(runs)}"
    return f"{prefix}source_path {word} {value(['s3://a/1', 's3://b_c/2'])}"


def filters(rnd, models, n):
    return ["", "  "] + [
        any_case(rnd, [" AND "]).join(comparison(rnd, models) for _ in
                                      range(rnd.choice([1, 1, 2, 2, 3])))
        for _ in range(n)]


ORDERS = [["name"], ["name DESC"], ["version_number DESC", "name ASC"],
          ["attribute.name asc", "version_number"], ["`name` DESC"]]


@pytest.fixture(scope="module")
def asked():
    """What both hold, and what both are asked."""
    rnd = random.Random(20260503)
    models, versions = world(rnd)
    return {"models": models, "versions": versions,
            "of_versions": filters(rnd, False, 250),
            "of_models": filters(rnd, True, 100), "orders": ORDERS}


@pytest.fixture(scope="module")
def theirs(asked, ask, work):
    path = work / "filters.json"
    path.write_text(json.dumps(asked))
    return ask("mlflow_search", work, path)


@pytest.fixture(scope="module")
def ours(asked, binary, work):
    mreg = harness.Mreg(binary, work / "filters-home")
    for m in asked["models"]:
        mreg.run("create", m["name"],
                 *[w for k, v in m["tags"].items() for w in
                   ("--tag", f"{k}={v}")])
    for i, v in enumerate(asked["versions"]):
        folder = harness.small_model(work / f"filters-{i}", i, size=64)
        mreg.run("push", folder, v["name"], "--source", v["source"],
                 *(["--run-id", v["run"]] if v["run"] else []),
                 *[w for k, t in v["tags"].items() for w in
                   ("--tag", f"{k}={t}")])
    mreg.run("index", "sync")
    return mreg


def found(mreg, text, *words):
    r = mreg.json("search", text, *words, "--all")
    return [[v["name"], v["number"]] for v in r["versions"]] + \
        [m["name"] for m in r["models"]]


def compare(asked, theirs, find):
    """Every filter that MLflow takes; those on which the two differ."""
    pairs = [(f, t) for f, t in zip(asked, theirs) if t is not None]
    assert len(pairs) > 0.9 * len(asked)
    assert len({json.dumps(t) for _, t in pairs}) > 10
    return [(f, t, o) for f, t in pairs
            for o in [find(f)] if sorted(o) != sorted(t)]


def test_versions_are_found_as_mlflow_finds_them(asked, theirs, ours):
    assert compare(asked["of_versions"], theirs["of_versions"],
                   lambda f: found(ours, f)) == []


def test_models_are_found_as_mlflow_finds_them(asked, theirs, ours):
    assert compare(asked["of_models"], theirs["of_models"],
                   lambda f: found(ours, f, "--models")) == []


def test_orders_are_those_of_mlflow(asked, theirs, ours):
    for order, want in zip(asked["orders"], theirs["orders"], strict=True):
        words = [w for o in order for w in ("--order-by", o)]
        assert found(ours, "", *words) == want, order
