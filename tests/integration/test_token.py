"""test_token.py - a registry with a token server: the right scopes are asked
for, tokens that end are renewed, a changed realm is not trusted."""
import json
import sqlite3

import pytest

from conftest import PASSWORD, READER, READER_PASSWORD, USER, log_in
from harness import (Mreg, assert_pulled, docker_auth, small_model, tree,
                     write)


def asked(tokens, since):
    """{scope: how often} since then; who asked, in a set."""
    scopes = {}
    for a in tokens.asked[since:]:
        for scope in a.scopes:
            scopes[scope] = scopes.get(scope, 0) + 1
    return scopes, {a.user for a in tokens.asked[since:]}


def test_push_asks_for_push_and_pull_for_pull_only(at_bearer, tokens, box):
    folder = small_model(box / "m", "scopes")
    since = len(tokens.asked)
    at_bearer.run("push", folder, "scoped/model")
    scopes, users = asked(tokens, since)
    # Looking takes no more than pull; a policy may be there for all.
    assert scopes == {"repository:mreg-policy:pull": 1,
                      "repository:scoped/model:pull": 1,
                      "repository:scoped/model:pull,push": 1}
    assert users == {USER}

    for command in (["pull", "scoped/model", "-o", box / "out"],
                    ["resolve", "scoped/model:v1"], ["ls", "scoped/model"],
                    ["inspect", "scoped/model:v1"]):
        since = len(tokens.asked)
        at_bearer.run(*command)
        scopes, users = asked(tokens, since)
        assert scopes == {"repository:scoped/model:pull": 1}, command
        assert users == {USER}
    assert_pulled(box / "out", tree(folder))


def test_a_token_is_asked_for_once_and_shared_by_all_transfers(
        at_bearer, tokens, models):
    since = len(tokens.asked)
    at_bearer.run("push", models("nested"), "shared-token", "-j", "8")
    scopes, _ = asked(tokens, since)
    assert scopes == {"repository:mreg-policy:pull": 1,
                      "repository:shared-token:pull": 1,
                      "repository:shared-token:pull,push": 1}


def test_tokens_that_end_are_renewed_in_the_middle(at_bearer, tokens, box):
    for i in range(500):
        write(box / f"m/file{i:03}.bin", f"{box} {i}\n" * 20)
    since = len(tokens.asked)
    tokens.life_s = 1
    pushed = at_bearer.json("push", box / "m", "short-lived")
    scopes, users = asked(tokens, since)
    assert users == {USER}
    assert scopes["repository:short-lived:pull,push"] >= 2

    since = len(tokens.asked)
    pulled = at_bearer.json("pull", "short-lived", "-o", box / "out", "-j",
                            "1")
    assert pulled["digest"] == pushed["digest"]
    assert_pulled(box / "out", tree(box / "m"))
    scopes, _ = asked(tokens, since)
    assert scopes["repository:short-lived:pull"] >= 1


def test_who_may_only_pull_is_told_so_when_pushing(at_bearer, bearer, tokens,
                                                   authority, binary, box):
    folder = small_model(box / "m", "reader")
    at_bearer.run("push", folder, "read-only")
    bob = log_in(Mreg(binary, box / "bob"), bearer, authority, READER,
                 READER_PASSWORD)
    bob.run("pull", "read-only", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))

    before = bearer.blobs()
    e = bob.fails(5, "push", small_model(box / "other", "bob's"), "read-only")
    # Another password would not help.
    assert e["code"] == "denied"
    assert READER in e["message"] + e["cause"]
    assert "mreg login" not in e["hint"]
    assert bearer.blobs() == before
    assert len(at_bearer.json("ls", "read-only")["versions"]) == 1


def test_a_wrong_password_at_the_token_server_is_refused(mreg, bearer, tokens,
                                                         authority):
    mreg.env["MREG_CA_FILE"] = str(authority.ca_file)
    r = mreg.run("login", bearer.host, "-u", USER, "--password-stdin",
                 "--json", input="wrong", status=5)
    assert r.error["code"] == "unauthenticated"
    assert not (mreg.home / "docker/config.json").exists()


def test_a_realm_that_changed_is_refused_until_login(at_bearer, bearer, tokens,
                                                     authority, box):
    """As if the registry had named another server before."""
    folder = small_model(box / "m", "realm")
    at_bearer.run("push", folder, "realm")
    state = at_bearer.home / "cache/mreg/state.db"
    with sqlite3.connect(state) as db:
        for (table,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall():
            columns = [row[1] for row in
                       db.execute(f"PRAGMA table_info({table})")]
            for column in columns:
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? "
                           f"WHERE {column} = ?",
                           ("https://before.example",
                            tokens.realm.rpartition("/")[0]))
    since = len(tokens.asked)
    e = at_bearer.fails(5, "resolve", "realm:v1")
    assert "before.example" in e["message"] and "mreg login" in e["hint"]
    assert tokens.asked[since:] == []
    log_in(at_bearer, bearer, authority)
    at_bearer.run("resolve", "realm:v1")


def test_helpers_of_the_registry_see_no_password_of_another(
        at_bearer, guarded, tokens, authority, box):
    """Credentials of one host are not tried at another."""
    config = json.loads((at_bearer.home / "docker/config.json").read_text())
    assert guarded.host not in config["auths"]
    mark = guarded.mark()
    at_bearer.fails(5, "resolve", f"{guarded.host}/other:v1")
    log = guarded.access_log.read_text()[mark:]
    assert USER not in log
    assert {r[2] for r in guarded.requests(mark)} == {401}


# -- who is who, at real registries (protocol.md 2.3) -------------------------

ROBOTS = {
    "robot$proj+ci": "h4rbor&+= %secret",
    "AWS": "eyJwYXlsb2FkIjoi/+==",
    "oauth2accesstoken": "ya29.a0-b_c",
    "00000000-0000-0000-0000-000000000000": "acr.refresh.token",
    "org+robot": "with:colon",
    "$(id)`id`;|&": "$HOME 'q' \"d\" \\",
}


@pytest.fixture
def robots(tokens):
    tokens.users.update({name: (password, {"pull", "push"})
                         for name, password in ROBOTS.items()})
    tokens.life_s = 300
    yield tokens
    for name in ROBOTS:
        del tokens.users[name]
    tokens.refresh.clear()
    tokens.post_status = None


@pytest.fixture
def somebody(mreg, bearer, authority):
    mreg.env.update(MREG_REGISTRY=bearer.host,
                    MREG_CA_FILE=str(authority.ca_file))
    return mreg


def keep(user, config):
    write(user.home / "docker/config.json", json.dumps(config))


@pytest.mark.parametrize("name", ROBOTS)
def test_robots_come_in_under_their_own_names(somebody, bearer, robots, name,
                                              box):
    """Through login, what it keeps, and the token server."""
    since = len(robots.asked)
    r = somebody.run("login", bearer.host, "-u", name, "--password-stdin",
                     "--json", input=ROBOTS[name])
    assert r.json["username"] == name
    folder = small_model(box / "m", name)
    somebody.run("push", folder, "robots/model")
    assert {a.user for a in robots.asked[since:]} == {name}
    assert {a.status for a in robots.asked[since:]} == {200}


def test_an_identity_token_is_given_in_a_form(somebody, bearer, robots):
    robots.refresh["r3fresh+/="] = USER
    keep(somebody, {"auths": {bearer.host: {
        "auth": "", "identitytoken": "r3fresh+/="}}})
    since = len(robots.asked)
    somebody.fails(3, "resolve", "identity:v1")
    assert [(a.user, a.form) for a in robots.asked[since:]] == [(USER, True)]
    robots.refresh.clear()
    e = somebody.fails(5, "resolve", "identity:v1")
    assert e["code"] == "unauthenticated" and "r3fresh" not in str(e)


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_where_forms_are_not_known_the_name_goes_by_get(somebody, bearer,
                                                        robots, status):
    """As ACR, JFrog and Google's do (B-08): the token is the password."""
    name = "00000000-0000-0000-0000-000000000000"
    robots.post_status = status
    config = docker_auth(bearer.host, name, "")
    config["auths"][bearer.host]["identitytoken"] = ROBOTS[name]
    keep(somebody, config)
    since = len(robots.asked)
    somebody.fails(3, "resolve", "identity:v1")
    assert [(a.user, a.form) for a in robots.asked[since:]] == [
        (None, True), (name, False)]


def test_namespaces_have_users_of_their_own(somebody, bearer, robots, box):
    """podman's auth.json (A-21): what names most of the repository."""
    both = {**docker_auth(bearer.host, READER, READER_PASSWORD)["auths"],
            **docker_auth(f"{bearer.host}/team", USER, PASSWORD)["auths"]}
    write(box / "auth.json", json.dumps({"auths": both}))
    somebody.env["REGISTRY_AUTH_FILE"] = str(box / "auth.json")
    folder = small_model(box / "m", "namespaces")
    since = len(robots.asked)
    somebody.run("push", folder, "team/model")
    users = {scope.split(":")[1]: a.user for a in robots.asked[since:]
             for scope in a.scopes}
    assert users == {"team/model": USER, "mreg-policy": READER}
    since = len(robots.asked)
    e = somebody.fails(5, "push", folder, "teams/model")
    assert e["code"] == "denied"
    assert {a.user for a in robots.asked[since:]} == {READER}


def test_a_minutes_token_is_fresh_for_what_ends_an_upload(at_bearer, tokens,
                                                          box):
    """Each PUT finds a token with most of its life before it (A-07), but not
    each gets one of its own."""
    for i in range(20):
        write(box / f"m/file{i:03}.bin", f"{box} {i}\n" * 20)
    since = len(tokens.asked)
    at_bearer.run("push", box / "m", "fresh")
    scopes, _ = asked(tokens, since)
    assert scopes["repository:fresh:pull,push"] == 1
