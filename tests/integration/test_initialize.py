"""test_initialize.py - KServe's part of the storage initializer's contract,
played exactly: arguments, environment, a user without a name, a root that
nobody writes to, a termination log, a registry that asks who is there."""
import json
import os
import subprocess

import pytest

import harness
from conftest import PASSWORD, USER

UID = 1010
NOISE = {"HF_HOME": "/nonexistent", "STORAGE_CONFIG": "{}",
         "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
# What the kubelet does with mounts: all read-only but the emptyDir and the log.
POD = """set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir -p /mnt/models && chmod 0777 /mnt/models
mount -t tmpfs -o mode=0755 tmpfs /run
for folder in / /mnt /run /tmp /var /dev "$WORK"; do
  mount --bind "$folder" "$folder" 2>/dev/null || true
  mount -o remount,bind,ro "$folder" 2>/dev/null || true
done
mount --bind "$OUT" /mnt/models
mount -o remount,bind,rw /mnt/models
if touch /tmp/x "$WORK/x" /x 2>/dev/null; then echo "not read-only"; exit 99; fi
exec setpriv --reuid=%d --regid=%d --clear-groups --no-new-privs \
    --bounding-set=-all env -i "$@"
""" % (UID, UID)


class Pod:
    """An init container of the pod that KServe's webhook makes."""

    def __init__(self, binary, box, authority):
        self.binary, self.out, self.log = binary, box / "out", box / "log"
        self.out.mkdir()
        self.out.chmod(0o777)
        self.log.touch()
        self.log.chmod(0o666)
        self.work = binary.parents[1]
        self.env = {"PATH": "/usr/bin:/bin", **NOISE, **harness.sanitizers(),
                    "MREG_CA_FILE": str(authority.ca_file),
                    "MREG_TERMINATION_LOG": "/proc/self/fd/9"}

    def run(self, *words, status=0, **env):
        """`words`: args of the container; its image's entrypoint is mreg
        storage-initializer."""
        settings = [f"{k}={v}" for k, v in {**self.env, **env}.items()]
        log = os.open(self.log, os.O_RDWR | os.O_TRUNC)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             f"exec 9<>/proc/{os.getpid()}/fd/{log}; {POD}", "sh",
             *settings, str(self.binary), "storage-initializer", *words],
            cwd="/", capture_output=True, text=True, timeout=300,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "OUT": str(self.out),
                 "WORK": str(self.work)})
        os.close(log)
        assert done.returncode == status, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done


@pytest.fixture
def pod(binary, box, authority):
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run(["unshare", "--mount", "true"],
                      capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    return Pod(binary, box, authority)


@pytest.fixture
def secret(guarded):
    """What a Secret of type kubernetes.io/dockerconfigjson has."""
    return json.dumps(harness.docker_auth(guarded.host, USER, PASSWORD))


@pytest.fixture
def churn(at_guarded, box, request):
    name = "init/" + request.node.name.replace("_", "-")[:40]
    folder = harness.small_model(box / "model", request.node.name, 300000)
    harness.write(folder / "onnx/model.onnx", b"o" * 5000)
    digest = at_guarded.json("push", folder, f"{name}:production")["digest"]
    return name, folder, digest


def test_kserve_gets_its_model(pod, guarded, secret, churn):
    name, folder, digest = churn
    done = pod.run(f"mreg://{guarded.host}/{name}:production", "/mnt/models",
                   MREG_DOCKER_CONFIG_JSON=secret)
    harness.assert_pulled(pod.out, harness.tree(folder), noted=True)
    told = json.loads(pod.log.read_text())
    assert told["digest"] == digest and told["version"] == "v1"
    assert told["ref"] == f"{guarded.host}/{name}@{digest}"
    assert done.stderr == "" or "warning" not in done.stderr
    # All of it is the pod's user's, to be read by the server.
    for path in pod.out.rglob("*"):
        assert path.stat().st_uid == UID and path.stat().st_mode & 0o444


def test_short_names_and_the_usual_directory(pod, guarded, secret, churn):
    """storageUri: mreg://churn:production, with one argument only."""
    name, folder, digest = churn
    pod.run(f"mreg://{name}:production", MREG_REGISTRY=guarded.host,
            MREG_DOCKER_CONFIG_JSON=secret)
    harness.assert_pulled(pod.out, harness.tree(folder), noted=True)
    assert json.loads(pod.log.read_text())["digest"] == digest


def test_two_models_in_one_pod(pod, guarded, secret, churn):
    name, folder, digest = churn
    uri = f"mreg://{guarded.host}/{name}@{digest}"
    pod.run(uri, "/mnt/models/one", f"{uri}?path=onnx", "/mnt/models/two/1",
            DOCKER_AUTH_CONFIG=secret)
    harness.assert_pulled(pod.out / "one", harness.tree(folder), noted=True)
    harness.assert_pulled(pod.out / "two/1", harness.tree(folder / "onnx"), noted=True)
    assert json.loads(pod.log.read_text())["count"] == 2


def test_a_container_that_is_started_again_goes_on(pod, guarded, secret, churn):
    name, folder, digest = churn
    uri = f"mreg://{guarded.host}/{name}:production"
    for _ in range(2):
        pod.run(uri, "/mnt/models", MREG_DOCKER_CONFIG_JSON=secret)
        harness.assert_pulled(pod.out, harness.tree(folder), noted=True)
    mark = guarded.mark()
    pod.run(uri, "/mnt/models", MREG_DOCKER_CONFIG_JSON=secret)
    assert not [r for r in guarded.requests(mark)
                if "/blobs/" in r[1] and r[0] == "GET" and r[2] in (200, 206)]


def test_what_fails_is_said_last(pod, guarded, secret, churn):
    """FallbackToLogsOnError: no message, and the end of the log tells."""
    name, _, digest = churn
    uri = f"mreg://{guarded.host}/{name}"
    wrong = json.dumps(harness.docker_auth(guarded.host, USER, "wrong"))
    for words, status, said, env in (
            ([f"{uri}:production"], 5, "error", {}),
            ([f"{uri}:production"], 5, "error",
             {"MREG_DOCKER_CONFIG_JSON": wrong}),
            ([f"{uri}:production"], 1, "MREG_DOCKER_CONFIG_JSON",
             {"MREG_DOCKER_CONFIG_JSON": secret[:-3]}),
            ([f"{uri}:nope"], 3, "nope", {"MREG_DOCKER_CONFIG_JSON": secret}),
            ([f"{uri}:v1"], 7, "digest", {"MREG_DOCKER_CONFIG_JSON": secret,
                                          "MREG_REQUIRE_DIGEST": "1"}),
            ([f"http://{guarded.host}/{name}"], 2, "mreg://", {})):
        done = pod.run(*words, "/mnt/models", status=status, **env)
        assert said in "\n".join(done.stderr.splitlines()[-2:])
        assert pod.log.read_text() == ""
        assert not [p for p in pod.out.rglob("*") if p.is_file()]
