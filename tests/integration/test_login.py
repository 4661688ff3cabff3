"""test_login.py - credentials: tried, kept where docker keeps them, used,
forgotten, and never shown."""
import json
import os
import stat

import pytest

from conftest import PASSWORD, USER
from harness import Mreg, assert_pulled, docker_auth, small_model, tree, write

HELPER = """#!/bin/sh
# A credential helper that keeps one file per host and a list of its calls.
echo "$1" >>"{folder}/calls"
case $1 in
store)
	document=$(cat)
	host=$(printf '%s' "$document" |
		sed 's/.*"ServerURL" *: *"\\([^"]*\\)".*/\\1/')
	printf '%s' "$document" >"{folder}/kept-${{host##*:}}"
	;;
get)
	host=$(cat)
	[ -f "{folder}/kept-${{host##*:}}" ] || {{
		echo 'credentials not found in native keychain'
		exit 1
	}}
	cat "{folder}/kept-${{host##*:}}"
	;;
erase)
	host=$(cat)
	rm -f "{folder}/kept-${{host##*:}}"
	;;
esac
"""


def config_of(user):
    return user.home / "docker/config.json"


@pytest.fixture
def ada(mreg, guarded, authority):
    """Knows the registry with a password, but is not logged in."""
    mreg.env.update(MREG_REGISTRY=guarded.host,
                    MREG_CA_FILE=str(authority.ca_file))
    return mreg


def login(user, registry, password=PASSWORD, status=0, **kwargs):
    return user.run("login", registry.host, "-u", USER, "--password-stdin",
                    "--json", input=password + "\n", status=status, **kwargs)


def assert_silent(results, *secrets):
    """No secret, and no form of it that a header has, was said."""
    for r in results:
        said = r.stdout + r.stderr
        for secret in secrets:
            assert secret not in said, f"a secret was said by {r.args}"


def test_login_keeps_what_docker_would_keep(ada, guarded):
    r = login(ada, guarded)
    config = config_of(ada)
    assert r.json["username"] == USER
    assert str(config) in r.json["where"]
    assert json.loads(config.read_text()) == \
        docker_auth(guarded.host, USER, PASSWORD)
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_wrong_password_is_refused_and_nothing_kept(ada, guarded):
    r = login(ada, guarded, "not-the-password", status=5)
    assert r.stdout == "" and r.error["code"] == "unauthenticated"
    assert guarded.host in r.error["message"]
    assert not config_of(ada).exists()
    assert_silent([r], "not-the-password")


def test_a_wrong_password_does_not_replace_a_right_one(ada, guarded):
    login(ada, guarded)
    before = config_of(ada).read_bytes()
    login(ada, guarded, "not-the-password", status=5)
    assert config_of(ada).read_bytes() == before


def test_logout_forgets_and_leaves_the_rest_of_the_file(ada, guarded):
    config = {**docker_auth("other.example", "eve", "hers"),
              "HttpHeaders": {"X-Meta": "kept"}}
    write(config_of(ada), json.dumps(config))
    login(ada, guarded)
    assert guarded.host in json.loads(config_of(ada).read_text())["auths"]
    assert ada.json("logout", guarded.host)["removed"]
    assert json.loads(config_of(ada).read_text()) == config
    assert not ada.json("logout", guarded.host)["removed"]


def test_without_a_login_the_error_says_what_to_do(ada, guarded, box):
    folder = small_model(box / "m", "no login")
    for args in (["push", folder, "secret"], ["pull", "secret"],
                 ["resolve", "secret:v1"], ["ls", "secret"],
                 ["inspect", "secret:v1"]):
        e = ada.fails(5, *args)
        assert e["code"] == "unauthenticated"
        assert "mreg login" in e["hint"] and guarded.host in e["hint"]


def test_a_login_that_ended_is_told(ada, guarded, box):
    """The password on file is not right any more."""
    write(config_of(ada), json.dumps(docker_auth(guarded.host, USER, "old")))
    e = ada.fails(5, "push", small_model(box / "m", "ended"), "ended")
    assert e["code"] == "unauthenticated" and "mreg login" in e["hint"]
    assert USER in e["message"] + e["cause"] + e["hint"]


def test_what_docker_kept_is_used_as_it_is(ada, guarded, box):
    write(config_of(ada), json.dumps(docker_auth(
        f"https://{guarded.host}/v2/", USER, PASSWORD)))
    folder = small_model(box / "m", "docker")
    ada.run("push", folder, "by-docker")
    ada.run("pull", "by-docker", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))


@pytest.fixture
def helper(ada, box):
    """docker-credential-x on the PATH and in docker's config."""
    folder = box / "helper"
    write(folder / "docker-credential-x", HELPER.format(folder=folder),
          executable=True)
    write(folder / "calls", "")
    ada.env["PATH"] = f"{folder}:{ada.env['PATH']}"
    write(config_of(ada), json.dumps({"credsStore": "x"}))
    return folder


def test_a_credential_helper_keeps_gives_and_forgets(ada, guarded, helper,
                                                     box):
    kept = helper / f"kept-{guarded.port}"
    r = login(ada, guarded)
    assert "x" in r.json["where"] and "helper" in r.json["where"]
    assert json.loads(kept.read_text()) == {
        "ServerURL": guarded.host, "Username": USER, "Secret": PASSWORD}
    assert PASSWORD not in config_of(ada).read_text()
    assert "auth\"" not in config_of(ada).read_text()

    write(helper / "calls", "")
    folder = small_model(box / "m", "helper")
    ada.run("push", folder, "by-helper")
    ada.run("pull", "by-helper", "-o", box / "out")
    assert_pulled(box / "out", tree(folder))
    # Asked once by each of the two, whatever their number of requests.
    assert (helper / "calls").read_text() == "get\nget\n"

    assert ada.json("logout", guarded.host)["removed"]
    assert not kept.exists()
    assert "erase" in (helper / "calls").read_text()
    ada.fails(5, "resolve", "by-helper:v1")


def test_a_helper_that_fails_is_an_error_and_not_ignored(ada, guarded, helper,
                                                         box):
    write(helper / "docker-credential-x",
          "#!/bin/sh\necho keychain is locked\nexit 1\n", executable=True)
    e = ada.fails(5, "push", small_model(box / "m", "locked"), "locked")
    assert "docker-credential-x" in e["message"] + e["cause"]
    assert "keychain is locked" in e["cause"]


def test_no_secret_is_ever_said(ada, guarded, bearer, tokens, box):
    """Not in debug logs, not in errors, in no encoding that travels."""
    folder = small_model(box / "m", "silent")
    tokens.life_s = 300
    results = [login(ada, guarded), login(ada, bearer)]
    encoded = json.loads(config_of(ada).read_text())["auths"][
        guarded.host]["auth"]
    for registry in guarded, bearer:
        name = f"{registry.host}/silent"
        out = box / f"out-{registry.port}"
        results += [
            ada.run("push", folder, name, "-vv"),
            ada.run("pull", name, "-o", out, "-vv"),
            ada.run("ls", name, "-vv"),
            ada.run("resolve", f"{name}:nothing", "-vv", status=3),
            ada.run("config", "show", "--origin"),
        ]
        # The requests are in there: it is not silent for lack of words.
        assert "GET" in results[-2].stderr or "HEAD" in results[-2].stderr
    write(config_of(ada), json.dumps({"auths": {
        registry.host: {"auth": encoded[:-4] + "AAAA"}
        for registry in (guarded, bearer)}}))
    for registry in guarded, bearer:
        results.append(ada.run("pull", f"{registry.host}/silent", "-vv",
                               status=5))
    assert_silent(results, PASSWORD, encoded, "Bearer ey", "eyJ0",
                  PASSWORD[:-3])


def test_no_secret_is_in_the_state_file(at_bearer, bearer, box):
    at_bearer.run("push", small_model(box / "m", "state"), "stateful")
    for path in (at_bearer.home / "cache").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert PASSWORD.encode() not in data and b"eyJ0" not in data, path


def test_a_password_on_the_command_line_is_not_taken(ada, guarded):
    r = ada.run("login", guarded.host, "-u", USER, "--password", PASSWORD,
                status=2)
    assert PASSWORD not in r.stderr or "--password" in r.stderr
    assert not config_of(ada).exists()


def test_login_works_for_who_cannot_write_a_home(binary, box, guarded,
                                                 authority):
    """Refused with a reason; and what is configured elsewhere still works."""
    if os.geteuid() != 0:
        pytest.skip("only root can run mreg as another user")
    user = Mreg(binary, box / "closed", {
        "MREG_REGISTRY": guarded.host,
        "MREG_CA_FILE": str(authority.ca_file)}, uid=65534)
    write(config_of(user), json.dumps(docker_auth(guarded.host, USER,
                                                  PASSWORD)))
    os.chown(user.home, 0, 0)
    r = login(user, guarded, status=1)
    assert r.error["code"] == "io" and "docker" in r.error["message"]
    folder = small_model(box / "m", "closed home")
    pushed = user.json("push", folder, "closed-home", cwd=box)
    assert user.json("resolve", "closed-home", cwd=box)["digest"] == \
        pushed["digest"]


def test_files_are_looked_into_in_their_order(ada, guarded, box):
    """protocol.md 2.2; the first that has the host counts."""
    right = json.dumps(docker_auth(guarded.host, USER, PASSWORD))
    wrong = json.dumps(docker_auth(guarded.host, USER, "wrong"))
    ada.env.update(REGISTRY_AUTH_FILE=str(box / "named.json"),
                   XDG_RUNTIME_DIR=str(box / "run"))
    places = [box / "named.json", box / "run/containers/auth.json",
              ada.home / "config/containers/auth.json", config_of(ada),
              ada.home / ".dockercfg"]
    legacy = json.dumps(docker_auth(guarded.host, USER, PASSWORD)["auths"])
    for i, place in enumerate(places):
        for later in places[i + 1:]:
            write(later, wrong if later.name != ".dockercfg" else "{}")
        write(place, right if place.name != ".dockercfg" else legacy)
        ada.fails(3, "resolve", "order:v1")
        place.unlink()
    for place in places:
        place.unlink(missing_ok=True)
    ada.fails(5, "resolve", "order:v1")


def test_variables_come_before_the_files(ada, guarded):
    """Ours first, then GitLab's; the helpers in them are run too."""
    right = json.dumps(docker_auth(guarded.host, USER, PASSWORD))
    wrong = json.dumps(docker_auth(guarded.host, USER, "wrong"))
    write(config_of(ada), wrong)
    ada.env["DOCKER_AUTH_CONFIG"] = right
    ada.fails(3, "resolve", "order:v1")
    ada.env["MREG_DOCKER_CONFIG_JSON"] = wrong
    ada.fails(5, "resolve", "order:v1")
    ada.env.update(DOCKER_AUTH_CONFIG=wrong, MREG_DOCKER_CONFIG_JSON=right)
    ada.fails(3, "resolve", "order:v1")
    ada.env["MREG_DOCKER_CONFIG_JSON"] = json.dumps(
        docker_auth("other.example", USER, "wrong"))
    ada.fails(5, "resolve", "order:v1")


def test_a_helper_in_a_variable_is_asked(ada, guarded, helper):
    write(helper / f"kept-{guarded.port}", json.dumps(
        {"ServerURL": guarded.host, "Username": USER, "Secret": PASSWORD}))
    ada.env["PATH"] = f"{helper}:{ada.env['PATH']}"
    ada.env["MREG_DOCKER_CONFIG_JSON"] = json.dumps(
        {"credHelpers": {guarded.host: "x"}})
    ada.fails(3, "resolve", "order:v1")
    assert "get" in (helper / "calls").read_text()


def test_login_tells_of_a_variable_that_comes_first(ada, guarded):
    ada.env["MREG_DOCKER_CONFIG_JSON"] = json.dumps(
        docker_auth(guarded.host, USER, "wr0ng-one"))
    r = login(ada, guarded)
    assert r.json["shadowedBy"] == "MREG_DOCKER_CONFIG_JSON"
    ada.fails(5, "resolve", "order:v1")
    r = ada.run("logout", guarded.host)
    assert "MREG_DOCKER_CONFIG_JSON has a login for it" in r.stdout
    del ada.env["MREG_DOCKER_CONFIG_JSON"]
    assert login(ada, guarded).json["shadowedBy"] is None
    ada.fails(3, "resolve", "order:v1")


def test_a_broken_variable_is_named_and_not_shown(ada, guarded):
    ada.env["MREG_DOCKER_CONFIG_JSON"] = '{"auths": {"x": "h1dden-secret'
    for words in (["resolve", "order:v1"], ["logout", guarded.host],
                  ["-vv", "resolve", "order:v1"]):
        r = ada.run(*words, status=1)
        assert "MREG_DOCKER_CONFIG_JSON" in r.stderr
        assert "h1dden" not in r.stderr + r.stdout


@pytest.mark.parametrize("name", ["../x", "x;id", "x y", "-x", "$(id)", "x\n",
                                  ".x", "a/b", "é", "x" * 65])
def test_a_helper_with_an_odd_name_is_never_run(ada, guarded, helper, name):
    write(config_of(ada), json.dumps({"credsStore": name}))
    e = ada.fails(5, "resolve", "odd:v1")
    assert "not the name of a credential helper" in e["message"]
    assert "config.json" in e["hint"]
    assert (helper / "calls").read_text() == ""


def test_a_helpers_identity_token_is_one(at_bearer, bearer, tokens, helper):
    """Username "<token>": the secret goes into a form (A-22)."""
    tokens.refresh["fr0m-helper"] = USER
    at_bearer.env["PATH"] = f"{helper}:{at_bearer.env['PATH']}"
    write(config_of(at_bearer), json.dumps({"credHelpers":
                                            {bearer.host: "x"}}))
    write(helper / f"kept-{bearer.port}", json.dumps(
        {"ServerURL": bearer.host, "Username": "<token>",
         "Secret": "fr0m-helper"}))
    since = len(tokens.asked)
    at_bearer.fails(3, "resolve", f"{bearer.host}/by-token:v1")
    assert [(a.user, a.form) for a in tokens.asked[since:]] == [(USER, True)]
    tokens.refresh.clear()
