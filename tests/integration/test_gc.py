"""test_gc.py - mreg gc, alias rm and archive where bytes are in a
registry: one that deletes manifests, one that deletes nothing; and in a local
store."""
import http.client
import http.server
import json
import threading
import urllib.request

import harness
import pytest

import aging
import faults


@pytest.fixture(scope="module")
def deleting(tmp_path_factory):
    """distribution 2.8, which takes all tags of a digest along and deletes no
    tag alone."""
    registry = harness.Registry(tmp_path_factory.mktemp("gc") / "deleting")
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def keeping(tmp_path_factory):
    """The same as it comes: it deletes nothing."""
    registry = harness.Registry(tmp_path_factory.mktemp("gc") / "keeping",
                                deletes=False)
    yield registry
    registry.stop()


@pytest.fixture
def name(request):
    """A model of this test alone."""
    return "gc/" + "".join(c if c.isalnum() else "-"
                           for c in request.node.name.lower()).strip("-")


def at(mreg, registry):
    mreg.env["MREG_REGISTRY"] = registry.host
    return mreg


@pytest.fixture
def user(mreg, deleting):
    return at(mreg, deleting)


@pytest.fixture(params=["local", "deleting", "keeping"])
def anywhere(request, mreg):
    mreg.where = request.param
    if request.param != "local":
        at(mreg, request.getfixturevalue(request.param))
    return mreg


def push(mreg, name, tmp_path, count=3):
    digests = {}
    for n in range(1, count + 1):
        folder = harness.small_model(tmp_path / f"m{n}", n)
        harness.write(folder / "shared.txt", "shared\n")
        digests[n] = mreg.json("push", folder, name)["digest"]
    return digests


def gc(mreg, name, *more, days=100, **kwargs):
    return mreg.run("gc", name, *more, "--json", env=aging.ahead(days),
                    **kwargs)


def actions(result):
    return {r["number"]: r["action"] for r in result["versions"]}


def kinds(mreg, name):
    return [e["kind"] for e in mreg.json("log", name)["events"]]


def test_what_goes_is_gone_and_what_stays_is_whole(user, deleting, name,
                                                   tmp_path):
    digests = push(user, name, tmp_path)
    note = harness.write(tmp_path / "note.md", "# Biased\n")
    for n in (1, 3):
        user.run("attach", f"{name}:v{n}", note, "--type", "bias-report")
    user.run("alias", "set", f"{name}:v2", "production")
    user.run("archive", f"{name}:v1")
    document = user.json("inspect", f"{name}:v1")["attached"][0]["digest"]
    result = gc(user, name, "--apply").json
    assert actions(result) == {1: "remove", 2: "keep", 3: "keep"}
    assert result["removed"] == 1 and result["freedAtOnce"] is False
    for digest in (digests[1], document):
        status, _ = deleting.get(f"/v2/{name}/manifests/{digest}",
                                 aging.MANIFEST_TYPE)
        assert status == 404
    tags = deleting.tags(name)
    assert {"v2", "v3", "production", "latest"} <= tags
    assert not {"v1", f"sha256-{digests[1][7:]}"} & tags
    assert len(user.json("inspect", f"{name}:v3")["attached"]) == 1
    for n in (2, 3):
        user.run("pull", f"{name}:v{n}", "-o", tmp_path / f"out{n}")
        harness.assert_pulled(tmp_path / f"out{n}",
                              harness.tree(tmp_path / f"m{n}"))
    user.run("log", name, "--verify")
    assert user.json("push", tmp_path / "m1", name)["number"] == 4


def test_the_log_stays_whatever_hangs_on_a_version(user, deleting, name,
                                                   tmp_path):
    """Who may only push, and hangs an index of events on a version that is to
    go, cannot have them deleted."""
    digests = push(user, name, tmp_path)
    event = user.json("deployed", f"{name}:v2", "--env", "prod")["event"]
    data = deleting.get(f"/v2/{name}/manifests/{event}",
                        aging.MANIFEST_TYPE)[1]
    put(deleting, name, digests[1].replace(":", "-") + ".sig", json.dumps({
        "schemaVersion": 2, "mediaType": aging.INDEX_TYPE, "manifests": [
            {"mediaType": aging.MANIFEST_TYPE, "digest": event,
             "size": len(data)}]}).encode(), aging.INDEX_TYPE)
    user.run("archive", f"{name}:v1")
    gc(user, name, "--apply")
    assert not {"v1", digests[1].replace(":", "-") + ".sig"} & \
        deleting.tags(name)
    assert deleting.get(f"/v2/{name}/manifests/{event}",
                        aging.MANIFEST_TYPE)[0] == 200
    user.run("log", name, "--verify")


def test_a_tag_that_stays_keeps_its_manifest(user, deleting, name, tmp_path):
    """v1-image and production-image have one digest: by it both would go."""
    push(user, name, tmp_path)
    empty = {"mediaType": aging.EMPTY_TYPE, "digest": aging.EMPTY, "size": 2}
    image = json.dumps({"schemaVersion": 2, "mediaType": aging.MANIFEST_TYPE,
                        "config": empty, "layers": [empty]}).encode()
    for tag in ("v1-image", "production-image"):
        put(deleting, name, tag, image)
    user.run("archive", f"{name}:v1")
    gc(user, name, "--apply")
    assert deleting.manifest(name, "production-image")["layers"] == [empty]
    assert deleting.manifest(name, "v1-image")["artifactType"] == \
        "application/vnd.mreg.removed.v1+json"
    assert "v1" not in deleting.tags(name)


def put(registry, name, tag, data, media_type=aging.MANIFEST_TYPE):
    request = urllib.request.Request(
        f"http://{registry.host}/v2/{name}/manifests/{tag}", data,
        {"Content-Type": media_type}, method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def test_a_registry_that_deletes_nothing_is_told_before_anything_is_written(
        mreg, keeping, name, tmp_path):
    user = at(mreg, keeping)
    digests = push(user, name, tmp_path)
    user.run("archive", f"{name}:v1")
    before = user.json("log", name)["count"]
    assert actions(gc(user, name).json)[1] == "remove"
    err = gc(user, name, "--apply", status=9).error
    assert "nothing was removed" in err["message"] and err["hint"]
    assert user.json("log", name)["count"] == before
    assert user.json("resolve", f"{name}:v1")["digest"] == digests[1]
    # Where nothing is to go nobody is asked.
    assert gc(user, name, "--apply", days=0).json["removed"] == 0


def test_killed_anywhere_the_next_run_completes_it(user, deleting, name,
                                                   tmp_path):
    fault = faults.Faults(tmp_path)

    def killed(model, at):
        """Whether the kill came before its end."""
        user.run("archive", f"{model}:v1")
        env = fault.env(["send"], at)
        env.update(aging.ahead(100, [fault.preload]))
        return user.run("gc", model, "--apply", env=env,
                        status=None).status == -9

    digests = push(user, f"{name}/0", tmp_path)
    assert not killed(f"{name}/0", 0)
    points = faults.points(fault.count, 8)
    for at in points:
        model = f"{name}/{at}"
        push(user, model, tmp_path)
        assert killed(model, at)
        gc(user, model, "--apply")
        assert kinds(user, model).count("removed") == 1
        assert "restored" not in kinds(user, model)
        assert "v1" not in deleting.tags(model)
        assert deleting.get(f"/v2/{model}/manifests/{digests[1]}",
                            aging.MANIFEST_TYPE)[0] == 404
        assert [r["number"] for r in user.json("ls", model)["versions"]] == \
            [3, 2]


def test_what_is_used_between_event_and_removal_stays(user, deleting, name,
                                                      tmp_path):
    digests = push(user, name, tmp_path)
    data = deleting.get(f"/v2/{name}/manifests/v1", aging.MANIFEST_TYPE)[1]
    user.run("archive", f"{name}:v1")
    gc(user, name, "--apply")
    # As it was at the moment between the two; and then somebody used it.
    put(deleting, name, "v1", data)
    row = gc(user, name, days=0).json["versions"][-1]
    assert (row["action"], row["reason"]) == ("remove", "removed")
    put(deleting, name, "production", data)
    row = gc(user, name, "--apply", days=0).json["versions"][-1]
    assert (row["action"], row["reason"]) == ("keep", "aliased")
    assert kinds(user, name)[-1] == "restored"
    assert user.json("resolve", f"{name}:v1")["digest"] == digests[1]


class Before:
    """Stands before a registry: asks `may` before something is deleted that
    is there, and refuses with `status` where that says no.  `hidden`: a tag
    that it does not list.  `untags`: it deletes tags alone, too."""

    def __init__(self, registry, may, hidden=None, status=405, untags=False):
        gone = set()
        refusal = status

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get(
                    "Content-Length", 0)))
                there = http.client.HTTPConnection("127.0.0.1", registry.port)
                refused = False
                if untags and "/manifests/sha" not in self.path:
                    if self.command == "DELETE":
                        gone.add(self.path)
                    elif self.command == "PUT":
                        gone.discard(self.path)
                    elif self.path in gone:
                        self.path += "-gone"
                if self.path in gone:
                    self.send_response(202)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                if self.command == "DELETE":
                    there.request("HEAD", self.path, None, {
                        **self.headers, "Accept": aging.MANIFEST_TYPE})
                    answer = there.getresponse()
                    answer.read()
                    refused = answer.status == 200 and not may(self.path)
                there.request(self.command if not refused else "GET",
                              self.path if not refused else "/v2/",
                              body or None, dict(self.headers))
                answer = there.getresponse()
                data, status = answer.read(), answer.status
                if refused:
                    data, status = b"{}", refusal
                if hidden and "/tags/list" in self.path and status == 200:
                    listed = json.loads(data)
                    listed["tags"] = [t for t in listed["tags"]
                                      if t != hidden]
                    data = json.dumps(listed).encode()
                self.send_response(status)
                for key, value in answer.getheaders():
                    if key.lower() not in ("content-length", "connection",
                                           "transfer-encoding"):
                        self.send_header(key, value)
                if self.command == "HEAD":
                    self.send_header("Content-Length", answer.getheader(
                        "Content-Length", "0"))
                else:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = \
                pass_on

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("status, code", [(405, 9), (403, 5)])
def test_an_event_of_what_was_refused_is_taken_back(user, deleting, name,
                                                    tmp_path, status, code):
    digests = push(user, name, tmp_path)
    user.run("archive", f"{name}:v1")
    user.run("archive", f"{name}:v2")
    refusing = Before(deleting, lambda path: False, status=status,
                      untags=True)
    user.env["MREG_REGISTRY"] = refusing.host
    err = gc(user, name, "--apply", status=code).error
    for n in (1, 2):
        assert user.json("resolve", f"{name}:v{n}")["digest"] == digests[n]
    refusing.stop()
    assert code == 5 or "does not delete manifests" in err["message"]
    at(user, deleting)
    assert kinds(user, name)[-4:] == ["removed", "removed", "restored",
                                      "restored"]
    for n in (1, 2):
        assert user.json("resolve", f"{name}:v{n}")["digest"] == digests[n]
    assert actions(gc(user, name, "--apply").json)[1] == "remove"
    user.fails(3, "resolve", f"{name}:v1")


def test_a_sibling_that_is_not_listed_goes_as_well(user, deleting, name,
                                                   tmp_path):
    """Some registries list no tag that begins with another one's name."""
    push(user, name, tmp_path)
    empty = {"mediaType": aging.EMPTY_TYPE, "digest": aging.EMPTY, "size": 2}
    put(deleting, name, "v1-image", json.dumps({
        "schemaVersion": 2, "mediaType": aging.MANIFEST_TYPE,
        "config": empty, "layers": [empty]}).encode())
    user.run("archive", f"{name}:v1")
    before = Before(deleting, lambda path: True, hidden="v1-image")
    user.env["MREG_REGISTRY"] = before.host
    gc(user, name, "--apply")
    before.stop()
    assert not {"v1", "v1-image"} & deleting.tags(name)


def test_what_is_pushed_again_while_it_goes_is_put_back(
        user, deleting, name, tmp_path):
    """distribution takes the new version's tags along, for its digest is the
    old one's."""
    digests = push(user, name, tmp_path)
    user.run("archive", f"{name}:v1")
    other = user.clone(tmp_path / "other")

    def may(path):
        if digests[1] in path:
            other.run("push", tmp_path / "m1", f"{name}:staging")
        return True

    between = Before(deleting, may)
    user.env["MREG_REGISTRY"] = between.host
    r = gc(user, name, "--apply")
    between.stop()
    at(user, deleting)
    assert "is put back" in r.stderr and r.json["removed"] == 0
    for tag in ("v4", "staging", "latest"):
        assert user.json("resolve", f"{name}:{tag}")["digest"] == digests[1]
    user.fails(3, "resolve", f"{name}:v1")
    user.run("pull", f"{name}:v4", "-o", tmp_path / "out")
    harness.assert_pulled(tmp_path / "out", harness.tree(tmp_path / "m1"))
    user.run("log", name, "--verify")


def test_what_an_alias_is_moved_to_while_it_goes_is_put_back(
        user, deleting, name, tmp_path):
    digests = push(user, name, tmp_path)
    user.run("archive", f"{name}:v1")
    other = user.clone(tmp_path / "other")

    def may(path):
        if digests[1] in path:
            other.run("restore", f"{name}:v1")
            other.run("alias", "set", f"{name}:v1", "production")
        return True

    between = Before(deleting, may)
    user.env["MREG_REGISTRY"] = between.host
    r = gc(user, name, "--apply")
    between.stop()
    at(user, deleting)
    assert "is put back" in r.stderr and r.json["removed"] == 0
    for tag in ("v1", "production"):
        assert user.json("resolve", f"{name}:{tag}")["digest"] == digests[1]
    assert kinds(user, name)[-4:] == ["removed", "restored", "alias_moved",
                                      "restored"]
    assert user.json("log", name)["aliases"][0]["differs"] is None
    user.run("pull", f"{name}:production", "-o", tmp_path / "out")


def test_several_at_once_remove_it(user, deleting, name, tmp_path):
    digests = push(user, name, tmp_path)
    user.run("archive", f"{name}:v1")
    running = [user.clone(tmp_path / f"user{i}").start(
        "gc", name, "--apply", "--json", env=aging.ahead(100))
        for i in range(4)]
    done = [harness.finish(p) for p in running]
    assert [r.status for r in done] == [0] * 4, str(done[0])
    assert "v1" not in deleting.tags(name)
    for n in (2, 3):
        assert user.json("resolve", f"{name}:v{n}")["digest"] == digests[n]
    assert "restored" not in kinds(user, name)
    user.run("log", name, "--verify")


def test_an_alias_goes_everywhere(anywhere, name, tmp_path):
    digests = push(anywhere, name, tmp_path, 2)
    anywhere.run("alias", "set", f"{name}:v1", "staging")
    anywhere.run("alias", "set", f"{name}:v1", "production")
    gone = anywhere.json("alias", "rm", f"{name}:staging")
    # distribution deletes no tag alone.
    assert gone["tombstone"] is (anywhere.where != "local")
    anywhere.fails(3, "resolve", f"{name}:staging")
    for tag in ("v1", "production"):
        assert anywhere.json("resolve", f"{name}:{tag}")["digest"] == \
            digests[1]
    rows = {r["alias"] for r in anywhere.json("alias", "ls", name)["aliases"]}
    assert rows == {"latest", "production"}


def test_a_version_is_archived_everywhere(anywhere, name, tmp_path):
    digests = push(anywhere, name, tmp_path, 2)
    done = anywhere.json("archive", f"{name}:v2")
    assert done["archived"] is True and done["latest"] == 1
    assert anywhere.json("resolve", f"{name}:latest")["digest"] == digests[1]
    anywhere.run("pull", f"{name}:v2", "-o", tmp_path / "out")
    anywhere.run("restore", f"{name}:v2")
    assert anywhere.json("resolve", f"{name}:latest")["digest"] == digests[2]


def test_removal_where_it_can_be(anywhere, name, tmp_path):
    push(anywhere, name, tmp_path, 3)
    anywhere.run("archive", f"{name}:v1")
    status = 9 if anywhere.where == "keeping" else 0
    gc(anywhere, name, "--apply", status=status)
    there = anywhere.run("resolve", f"{name}:v1", status=None).status == 0
    assert there is (anywhere.where == "keeping")
    assert ("removed" in kinds(anywhere, name)) is not there
