"""test_bad_content.py - what a store holds or a registry answers: documents
that lie, blobs that do not match, paths that lead out of the target."""
import socket
import threading
import time

import pytest

import bad
from bad import FILEPATH, TITLE, check_parts, compact, sha256
from harness import free_port, write


@pytest.fixture
def who(tmp_path):
    return bad.user(tmp_path / "home")


@pytest.fixture
def target(tmp_path):
    return bad.sentinel(tmp_path / "target")


@pytest.fixture
def fake():
    registry = bad.FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture(params=["layout", "registry"])
def serve(request, tmp_path):
    """Puts a model where mreg can find it; returns its reference."""
    if request.param == "layout":
        return lambda model: \
            f"oci:{model.write_layout(tmp_path / 'store/m').parent}//m:v1"
    fake = request.getfixturevalue("fake")

    def at_registry(model):
        fake.model = model
        return f"{fake.host}/m:v1"
    return at_registry


def no_pull(who, ref, target, status, times=True, **kwargs):
    """Neither into a folder with something in it nor into a new one."""
    new = target.parent / "new"
    error = bad.refused(who, status, "pull", ref, "-o", target,
                        quiet_in=[target], times=times, **kwargs)
    if bad.BRIEF:
        return error
    r = who.run("pull", ref, "-o", new, status=status)
    if not times:
        check_parts(new)
    assert not new.exists() or not times and not list(new.iterdir()), str(r)
    return error


# -- manifests ----------------------------------------------------------------


def test_the_model_itself_is_fine(who, serve, target):
    """So that what is refused below is refused for its fault."""
    model = bad.Model()
    who.run("pull", serve(model), "-o", target)
    assert (target / "model.bin").read_bytes() == b"weights" * 99
    assert (target / "mine.txt").read_text() == "do not touch\n"


RAW = {
    "no-json": b"this is no JSON",
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "html": b"<!DOCTYPE html><html><body>Log in</body></html>",
    "truncated": b'{"schemaVersion":2,"layers":[',
    "nul": b'{"schemaVersion":2}\0',
    "garbage-after": b'{"schemaVersion":2} x',
    "latin1": b'{"schemaVersion":2,"artifactType":"\xe9"}',
    "deep-array": b'{"schemaVersion":2,"x":' + b"[" * 5000 + b"]" * 5000 +
                  b"}",
    "deep-object": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "large": b'{"schemaVersion":2,"x":"' + b"a" * (5 << 20) + b'"}',
    "schema-1": b'{"schemaVersion":1,"name":"m","fsLayers":[]}',
}


@pytest.mark.parametrize("what", RAW)
def test_a_manifest_that_is_none_is_refused(who, serve, target, what):
    model = bad.Model()
    model.raw = RAW[what]
    ref = serve(model)
    status = {"schema-1": 9}.get(what, 1)
    if not ref.startswith("oci:"):
        # What answers so is no registry.
        status = {"empty": 8, "html": 8}.get(what, status)
    bad.refused(who, status, "inspect", ref)
    no_pull(who, ref, target, status)


def with_key(model, text):
    """The manifest with `text` as its first members."""
    model.raw = b"{" + text + b"," + compact(model.manifest)[1:]


def break_duplicate(m):
    with_key(m, b'"layers":[]')


def break_duplicate_inside(m):
    m.raw = compact(m.manifest).replace(
        b'"size":', b'"size":1,"size":', 1)


def break_both(m):
    m.manifest["manifests"] = [m.manifest["config"]]


def setter(path, value):
    def change(m):
        at = m.manifest
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    return change


LAYER = ("layers", 1)
WRONG = {
    "duplicate-key": break_duplicate,
    "duplicate-key-inside": break_duplicate_inside,
    "layers-and-manifests": break_both,
    "negative-size": setter(LAYER + ("size",), -1),
    "fraction-size": setter(LAYER + ("size",), 1.5),
    "exponent-size": setter(LAYER + ("size",), 1e3),
    "text-size": setter(LAYER + ("size",), "693"),
    "size-beyond-int64": setter(LAYER + ("size",), 1 << 63),
    "size-beyond-double": setter(LAYER + ("size",), 10 ** 40),
    "sum-of-sizes": lambda m: [setter(("layers", i, "size"), (1 << 63) - 1)(m)
                               for i in (0, 1)],
    "no-size": setter(LAYER + ("size",), None),
    "no-digest": setter(LAYER + ("digest",), None),
    "no-type": setter(LAYER + ("mediaType",), None),
    "no-config": setter(("config",), None),
    "no-layers": setter(("layers",), None),
    "null-layer": setter(LAYER, []),
    "layers-object": setter(("layers",), {}),
    "annotations-list": setter(LAYER + ("annotations",), []),
    "annotation-number": setter(LAYER + ("annotations", FILEPATH), 5),
    "other-type-inside": setter(("mediaType",), bad.INDEX),
    "digest-path": setter(LAYER + ("digest",), "sha256:../../../etc/passwd"),
    "digest-upper": setter(LAYER + ("digest",), "sha256:" + "A" * 64),
    "digest-short": setter(LAYER + ("digest",), "sha256:" + "a" * 63),
    "digest-long": setter(LAYER + ("digest",), "sha256:" + "a" * 65),
    "digest-md5": setter(LAYER + ("digest",), "md5:" + "a" * 32),
    "digest-empty": setter(LAYER + ("digest",), ""),
    "digest-huge": setter(LAYER + ("digest",), "sha256:" + "a" * (1 << 20)),
    "digest-nul": setter(LAYER + ("digest",), "sha256:\0" + "a" * 63),
    "too-many-layers": lambda m: setter(
        ("layers",), m.manifest["layers"][:1] * 10001)(m),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_manifest_is_refused(who, serve, target, what):
    model = bad.Model()
    WRONG[what](model)
    ref = serve(model)
    no_pull(who, ref, target, 1)


def test_an_index_is_followed_to_what_must_be_there(who, serve, target):
    model = bad.Model()
    model.raw = compact({"schemaVersion": 2, "mediaType": bad.INDEX,
                         "manifests": [{"mediaType": bad.MANIFEST, "size": 2,
                                        "digest": sha256(b"{}")}]})
    model.type = bad.INDEX
    no_pull(who, serve(model), target, 3, names="index")


# -- paths -----------------------------------------------------------------------

PATHS = {
    "absolute": "/etc/mreg-was-here", "two-slashes": "//etc/x",
    "up": "../outside", "up-inside": "a/../../outside", "up-last": "a/..",
    "up-after-dot": "./../x", "dot": ".", "dot-inside": "a/./b",
    "empty-component": "a//b", "trailing-slash-up": "../x/",
    "nul": "a\0b", "newline": "a\nb", "escape": "a\x1b[31mb", "del": "a\x7fb",
    "tab": "a\tb", "backslash": "..\\x", "drive": "C:\\x",
    "unc": "\\\\host\\x", "long-component": "c" * 256,
    "long": "/".join(["d" * 100] * 11), "deep": "/".join(["d"] * 65),
    "our-part": ".mreg-part-" + "a" * 64,
    "our-part-inside": "a/.mreg-part-" + "a" * 64,
}


@pytest.mark.parametrize("what", PATHS)
def test_a_path_that_may_not_be_is_refused(who, serve, target, what):
    model = bad.Model()
    for key in (FILEPATH, TITLE):
        model.manifest["layers"][1]["annotations"][key] = PATHS[what]
    around = bad.snapshot(target.parent)
    ref = serve(model)
    outside = bad.snapshot("/etc/mreg-was-here")
    # What cannot be written in JSON is malformed.
    no_pull(who, ref, target, {"nul": 1}.get(what, 6))
    assert bad.snapshot("/etc/mreg-was-here") == outside
    # Only the layout and the home are new beside it.
    assert {k for k in bad.snapshot(target.parent)
            if not k.startswith((str(target.parent / "store"),
                                 str(who.home)))} >= \
        {k for k in around if not k.startswith(str(who.home))}
    assert not (target.parent / "outside").exists()
    assert not (target.parent / "x").exists()


@pytest.mark.parametrize("a, b", [
    ("same.bin", "same.bin"),            # one path twice, other bytes
    ("a", "a/b"),                        # a file that is also a folder
    ("a/b/c", "a/b"),
])
def test_paths_that_exclude_each_other_are_refused(who, serve, target, a, b):
    model = bad.Model({"one": b"1", "two": b"22"})
    for layer, path in zip(model.manifest["layers"], (a, b)):
        layer["annotations"] = {FILEPATH: path, TITLE: path}
    no_pull(who, serve(model), target, 6, names=[a])


def in_the_way(target, kind, outside):
    if kind == "link-at-file":
        (target / "model.bin").symlink_to(outside / "victim")
        return "model.bin"
    if kind == "link-at-folder":
        (target / "deep").symlink_to(outside)
        return "deep/model.bin"
    if kind == "link-at-upper-folder":
        (target / "deep").symlink_to(outside)
        return "deep/er/model.bin"
    if kind == "folder-at-file":
        write(target / "model.bin/inside.txt", "mine\n")
        return "model.bin"
    if kind == "empty-folder-at-file":
        (target / "model.bin").mkdir()
        return "model.bin"
    if kind == "file-at-folder":
        write(target / "deep", "mine\n")
        return "deep/model.bin"
    bad.os.mkfifo(target / "model.bin")
    return "model.bin"


@pytest.mark.parametrize("kind", [
    "link-at-file", "link-at-folder", "link-at-upper-folder",
    "folder-at-file", "empty-folder-at-file", "file-at-folder",
    "fifo-at-file"])
def test_what_is_in_the_way_is_left_alone(who, serve, target, tmp_path, kind):
    outside = tmp_path / "outside"
    write(outside / "victim", "precious\n")
    before = bad.snapshot(outside)
    path = in_the_way(target, kind, outside)
    ref = serve(bad.Model({"config.json": b"{}\n", path: b"weights" * 99}))
    bad.refused(who, 4, "pull", ref, "-o", target, names=path.split("/")[0],
                advice="move it away", quiet_in=[target, outside],
                times=False, timeout=30)
    assert bad.snapshot(outside) == before


def test_the_target_may_be_a_link_but_not_a_file(who, serve, tmp_path):
    ref = serve(bad.Model())
    write(tmp_path / "file", "mine\n")
    before = bad.snapshot(tmp_path / "file")
    bad.refused(who, 2, "pull", ref, "-o", tmp_path / "file", names="file",
                advice="another directory", quiet_in=[tmp_path / "file"])
    bad.refused(who, 2, "pull", ref, "-o", tmp_path / "file/below",
                quiet_in=[tmp_path / "file"])
    assert bad.snapshot(tmp_path / "file") == before
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    who.run("pull", ref, "-o", tmp_path / "link")
    assert (tmp_path / "real/model.bin").exists()


# -- blobs ---------------------------------------------------------------------------


def change_digest(model, data):
    return data[:-1] + bytes([data[-1] ^ 1])


BLOBS = {
    "other-bytes": change_digest,
    "one-short": lambda m, data: data[:-1],
    "one-long": lambda m, data: data + b"x",
    "empty": lambda m, data: b"",
    "twice": lambda m, data: data + data,
}


@pytest.mark.parametrize("size", [693, (3 << 20) + 1])
@pytest.mark.parametrize("what", BLOBS)
def test_a_blob_that_does_not_match_is_refused(who, serve, target, what,
                                               size):
    data = bytes(range(251)) * (size // 251 + 1)
    model = bad.Model({"config.json": b"{}\n", "model.bin": data[:size]})
    digest = model.layer("model.bin")["digest"]
    model.blobs[digest] = BLOBS[what](model, model.blobs[digest])
    no_pull(who, serve(model), target, 6, times=False)


def test_a_config_that_does_not_match_does_no_harm(who, serve, target):
    """Only inspect reads it."""
    model = bad.Model()
    digest = model.manifest["config"]["digest"]
    model.blobs[digest] = model.blobs[digest][:-1] + b"]"
    bad.refused(who, 6, "inspect", serve(model), quiet_in=[target])


def test_a_blob_that_is_missing(who, serve, target):
    model = bad.Model()
    del model.blobs[model.layer("model.bin")["digest"]]
    ref = serve(model)
    no_pull(who, ref, target, 3, times=False, names="model.bin")


def test_good_files_are_kept_when_one_blob_is_bad(who, serve, target):
    """Nothing gets its final name before all are proven."""
    model = bad.Model({f"part-{i}": b"%d" % i * 1000 for i in range(8)})
    digest = model.layer("part-5")["digest"]
    model.blobs[digest] = b"x" * 1000
    no_pull(who, serve(model), target, 6, times=False)


def test_a_local_file_that_claims_to_be_right_is_hashed(who, serve, target):
    """H14: neither size nor time prove anything."""
    model = bad.Model()
    ref = serve(model)
    who.run("pull", ref, "-o", target)
    path = target / "model.bin"
    st = path.stat()
    path.write_bytes(b"WEIGHTS" * 99)
    bad.os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    who.run("pull", ref, "-o", target)
    assert path.read_bytes() == b"weights" * 99


# -- names that fold -----------------------------------------------------------------


def folding(who, tmp_path):
    """The preloaded pretence of a file system that folds case."""
    import faults
    if "/asan/" in str(who.binary):
        pytest.skip("a preloaded library cannot come before ASan's")
    return faults.Faults(tmp_path).env([], 0) | {"FAULT_FOLD": "1"}


@pytest.mark.parametrize("a, b", [("Model.bin", "model.BIN"),
                                  ("Sub/a", "sub/b"), ("SUB", "sub/x")])
def test_names_equal_but_for_case_are_refused_where_they_are_one_file(
        who, serve, target, tmp_path, a, b):
    model = bad.Model({a: b"one", b: b"two!"})
    ref = serve(model)
    env = folding(who, tmp_path)
    r = who.run("pull", ref, "-o", target, status=None, env=env)
    if a == "Sub/a":
        # The folders become one, the files do not meet.
        assert r.status == 0, str(r)
        assert (target / a.lower()).read_bytes() == b"one"
        assert (target / b.lower()).read_bytes() == b"two!"
        return
    assert r.status == 6, str(r)
    bad.refused(who, 6, "pull", ref, "-o", target, names=[a, b],
                quiet_in=[target], times=False, env=env)
    # Where case counts they are two.
    who.run("pull", ref, "-o", tmp_path / "exact")
    assert (tmp_path / "exact" / a).read_bytes() == b"one"
    assert (tmp_path / "exact" / b).read_bytes() == b"two!"


def test_names_that_fold_on_a_real_file_system(who, serve, tmp_path):
    bad.need("mkfs.ext4")
    image = tmp_path / "image"
    with open(image, "wb") as f:
        f.truncate(8 << 20)
    made = bad.subprocess.run(["mkfs.ext4", "-q", "-O", "casefold", image],
                              env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
                              capture_output=True)
    if made.returncode != 0:
        pytest.skip("mkfs.ext4 here makes no casefold")
    ref = serve(bad.Model({"Model.bin": b"one", "model.BIN": b"two!"}))
    with bad.mounted(tmp_path / "mnt", "-o", "loop", image) as mnt:
        folder = mnt / "folds"
        folder.mkdir()
        bad.subprocess.run(["chattr", "+F", folder], check=True)
        bad.refused(who, 6, "pull", ref, "-o", folder,
                    names=["Model.bin", "model.BIN"], quiet_in=[folder],
                    times=False)


# -- answers of a registry ---------------------------------------------------------


def test_unknown_host(who, target):
    no_pull(who, "registry.invalid/m:v1", target, 8,
            names="registry.invalid", advice="spelling")
    bad.refused(who, 8, "ls", "registry.invalid/m", names="registry.invalid")


def test_connection_refused(who, target, tmp_path):
    host = f"127.0.0.1:{free_port()}"
    no_pull(who, f"{host}/m:v1", target, 8, names=host, advice="running")
    write(tmp_path / "src/model.bin", b"x")
    bad.refused(who, 8, "push", tmp_path / "src", f"{host}/m", names=host,
                quiet_in=[tmp_path / "src"])
    bad.refused(who, 8, "resolve", f"{host}/m:v1", names=host)


@pytest.mark.parametrize("challenge", ["Basic realm=\"x\"", ""])
@pytest.mark.parametrize("logged_in", [False, True])
def test_missing_or_expired_credentials(who, fake, target, tmp_path,
                                        challenge, logged_in):
    def refuse(h):
        extra = {"WWW_Authenticate": challenge} if challenge else {}
        h.reply(401, compact({"errors": [{"code": "UNAUTHORIZED",
                                          "message": "who\x1b[31m?"}]}),
                **extra)
    fake.answers["*"] = refuse
    if logged_in:
        write(who.home / "docker/config.json", compact(
            {"auths": {fake.host: {"auth": "YWRhOnMzY3JldHdvcmQ="}}}))
    write(tmp_path / "src/model.bin", b"x")
    error = no_pull(who, f"{fake.host}/m:v1", target, 5, names=fake.host,
                    advice="mreg login")
    assert "s3cret" not in str(error)
    r = who.run("-vv", "pull", f"{fake.host}/m:v1", "-o", target, status=5)
    assert "s3cretword" not in r.stderr and "YWRhOnMz" not in r.stderr
    bad.refused(who, 5, "push", tmp_path / "src", f"{fake.host}/m",
                names=fake.host, advice="mreg login",
                quiet_in=[tmp_path / "src"])


def test_forbidden(who, fake, target, tmp_path):
    fake.answers["*"] = lambda h: h.reply(403, compact(
        {"errors": [{"code": "DENIED", "message": "not you"}]}))
    no_pull(who, f"{fake.host}/m:v1", target, 5, names=fake.host)
    write(tmp_path / "src/model.bin", b"x")
    bad.refused(who, 5, "push", tmp_path / "src", f"{fake.host}/m",
                names=fake.host)


def test_no_such_repository_tag_digest_at_a_registry(who, fake, target):
    fake.model = bad.Model()
    for ref, culprit in ((f"{fake.host}/other:v1", "other"),
                         (f"{fake.host}/m:v2", "v2"),
                         (f"{fake.host}/m@{sha256(b'none')}",
                          sha256(b"none"))):
        no_pull(who, ref, target, 3, names=culprit)
        bad.refused(who, 3, "resolve", ref, names=culprit)


def html(h, status=200, **kwargs):
    h.reply(status, b"<!DOCTYPE html><html><h1>Please log in</h1></html>",
            "text/html; charset=utf-8", **kwargs)


@pytest.mark.parametrize("status", [200, 404])
def test_a_registry_that_answers_html(who, fake, target, tmp_path, status):
    fake.answers["*"] = lambda h: html(h, status)
    names = [fake.host, "web page"]
    no_pull(who, f"{fake.host}/m:v1", target, 8, names=names)
    write(tmp_path / "src/model.bin", b"x")
    error = bad.refused(who, 8, "push", tmp_path / "src",
                        f"{fake.host}/m", quiet_in=[tmp_path / "src"])
    assert "<html>" not in error["message"]
    assert "page" in error["message"] + error["cause"], error


def test_html_instead_of_a_blob(who, fake, target):
    fake.model = bad.Model()
    digest = fake.model.layer("model.bin")["digest"]
    fake.answers[f"/v2/m/blobs/{digest}"] = html
    no_pull(who, f"{fake.host}/m:v1", target, 6, times=False,
            names="model.bin")


def test_html_in_the_place_of_a_manifest_of_the_right_type(who, fake, target):
    fake.answers["/v2/m/manifests/v1"] = lambda h: h.reply(
        200, b"<html></html>", bad.MANIFEST)
    no_pull(who, f"{fake.host}/m:v1", target, 8, names="web page")


def test_a_manifest_that_is_not_the_one_asked_for(who, fake, target):
    """H44: by digest, and by a digest header that lies."""
    fake.model = bad.Model()
    raw = fake.model.bytes
    fake.answers[f"/v2/m/manifests/{sha256(b'x')}"] = lambda h: h.reply(
        200, raw, bad.MANIFEST, Docker_Content_Digest=sha256(b"x"))
    no_pull(who, f"{fake.host}/m@{sha256(b'x')}", target, 6,
            names=sha256(b"x"))
    fake.answers["/v2/m/manifests/v1"] = lambda h: h.reply(
        200, raw, bad.MANIFEST, Docker_Content_Digest=sha256(b"x"))
    no_pull(who, f"{fake.host}/m:v1", target, 6)


def test_an_endless_manifest_is_given_up(who, fake, target):
    """H25: chunked, 4 MiB are read and no more."""
    sent = []

    def endless(h):
        h.send_response(200)
        h.send_header("Content-Type", bad.MANIFEST)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        for _ in range(4096):
            h.wfile.write(chunk)
            sent.append(65536)
    fake.answers[("GET", "/v2/m/manifests/v1")] = endless
    begin = time.monotonic()
    no_pull(who, f"{fake.host}/m:v1", target, 1)
    assert time.monotonic() - begin < 30
    assert sum(sent) < 3 * (32 << 20)


def test_a_manifest_that_says_it_is_too_large(who, fake, target):
    def huge(h):
        h.send_response(200)
        h.send_header("Content-Type", bad.MANIFEST)
        h.send_header("Content-Length", str(1 << 40))
        h.end_headers()
        h.wfile.write(b" " * (8 << 20))
        h.close_connection = True
    fake.answers[("GET", "/v2/m/manifests/v1")] = huge
    no_pull(who, f"{fake.host}/m:v1", target, 1)


@pytest.mark.parametrize("answer", [
    b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 200 OK\r\n", b"\0" * 100,
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * (11 << 20),
    b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
], ids=["closes", "ssh", "half-a-header", "zeros", "huge-header", "999"])
def test_what_speaks_no_http_is_no_registry(who, answer):
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            try:
                peer.recv(4096)
                peer.sendall(answer)
                peer.close()
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    try:
        if answer:
            bad.refused(who, 8, "resolve", f"{host}/m:v1", names=host)
        else:
            # Worth another try, so once is enough here.
            r = who.run("resolve", f"{host}/m:v1", status=8, timeout=120)
            assert f"'{host}' closed the connection" in r.stderr
    finally:
        stop.set()
        listener.close()
