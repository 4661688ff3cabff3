"""fake.py - the fake registry (tests/support/fakereg_main.c) for pytest: one
of a maker's quirks, its script of faults, what it saw and what it holds."""
import fnmatch
import hashlib
import json
import os
import pathlib
import subprocess
import urllib.request

import faults
import harness

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY, EMPTY_TYPE = b"{}", "application/vnd.oci.empty.v1+json"
# Nobody's proxy is asked.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PROFILES = ("ecr", "ghcr", "gar", "acr", "zot", "quay", "harbor", "dockerhub",
            "gitlab", "gitea", "jfrog", "s3", "listing-drops", "immutable",
            "immutable-412", "immutable-400", "records", "nodelete", "dist28", "dist3",
            "cloudflare")


def program():
    """$MREG_FAKEREG, else beside the mreg under test."""
    folder = os.environ.get("MREG_BUILD_DIR") or harness.program().parent
    return pathlib.Path(os.environ.get("MREG_FAKEREG") or
                        pathlib.Path(folder) / "tests/fakereg")


def quick(folder):
    """An environment in which mreg's sleeps take a twentieth of their time:
    what it waits for between attempts then costs a test next to nothing."""
    return harness.preloaded("quick_preload", folder)


class Fake:
    """A running fake registry.  Options are the fields of struct
    fakereg_opts."""

    def __init__(self, profile=None, **options):
        if not program().exists():
            raise RuntimeError(f"no '{program()}': make test-programs")
        words = [f"--profile={profile}"] if profile else []
        for name, value in options.items():
            words.append(f"--{name}" if value is True else f"--{name}={value}")
        self.process = subprocess.Popen(
            [str(program()), *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        lines = [self.process.stdout.readline().rstrip("\n")
                 for _ in range(4)]
        self.host, self.elsewhere, self.user, self.password = lines
        if not self.host:
            raise RuntimeError(f"fakereg does not start with {words}")

    def stop(self):
        """Its exit status: under a sanitizer it tells what that found."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(60)

    def control(self, what, data=None):
        request = urllib.request.Request(
            f"http://{self.host}/_fake/{what}",
            None if data is None else json.dumps(data).encode())
        with opener.open(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, **fields):
        """Fields of struct fakereg_fault."""
        self.control("fault", fields)

    def clear(self):
        self.control("clear", {})

    def seen(self):
        return self.control("seen")

    def content(self, repository):
        return self.control("content").get(
            repository, {"tags": {}, "manifests": {}, "blobs": {}})

    def gate(self, at=None):
        """Let `at` bytes of blobs pass from now on; None: all."""
        self.control("gate", {} if at is None else {"at": at})

    def moved(self):
        return self.control("moved")

    def log_in(self, mreg):
        """Let `mreg` know the user, as docker login would."""
        folder = pathlib.Path(mreg.env["DOCKER_CONFIG"])
        folder.mkdir(parents=True, exist_ok=True)
        both = harness.docker_auth(self.host, self.user, self.password) \
            if self.user else {}
        (folder / "config.json").write_text(json.dumps(both))
        return mreg

    def whole(self, repository):
        """({N: digest} of the versions, what is wrong there): each tag names
        a manifest that is there, with all that it names."""
        wrong, there = [], self.content(repository)

        def read_manifest(reference):
            digest = there["tags"].get(reference, reference)
            text = there["manifests"].get(digest)
            return digest, None if text is None else text.encode()

        def has_blob(digest, size):
            return there["blobs"].get(digest) == size

        return faults.versions_whole(lambda: there["tags"], read_manifest,
                                     has_blob, wrong), wrong

    def leaks(self):
        """Requests that showed credentials where they do not belong."""
        return [r for r in self.seen() if r["elsewhere"] and r["scheme"]]


# What a request is about, and a pattern of its path?query.
KINDS = {"upload": "*/blobs/uploads/*", "blob": "*/blobs/sha*",
         "manifest": "*/manifests/*", "tags": "*/tags/list*",
         "referrers": "*/referrers/*", "token": "/_fake/token*",
         "catalog": "/v2/_catalog*", "ping": "/v2/"}


def kind(request):
    """Of the log: "GET blob", "PATCH upload"..."""
    for what, pattern in KINDS.items():
        if fnmatch.fnmatchcase(request["path"], pattern):
            return f"{request['method']} {what}"
    return f"{request['method']} other"


# -- documents, by hand -----------------------------------------------------------


def send(registry, method, path, body=b"", content_type=None):
    request = urllib.request.Request(
        f"http://{registry.host}{path}", body, method=method,
        headers={"Content-Type": content_type or "application/octet-stream"})
    with opener.open(request, timeout=60) as answer:
        return answer.headers


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media):
    return {"mediaType": media, "digest": digest_of(data), "size": len(data)}


def attach(registry, repository, subject, kind):
    """Put an OCI artifact about the manifest whose text is `subject`, which
    need not be there, into a registry without users; its digest."""
    body = json.dumps({"kind": kind}).encode()
    for data in (EMPTY, body):
        headers = send(registry, "POST", f"/v2/{repository}/blobs/uploads/")
        send(registry, "PUT", headers["Location"] + "&digest=" +
             digest_of(data), data)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "artifactType": f"application/vnd.acme.{kind}.v1",
        "config": descriptor(EMPTY, EMPTY_TYPE),
        "layers": [descriptor(body, "application/json")],
        "subject": descriptor(subject.encode(), MANIFEST),
        "annotations": {"com.acme.kind": kind}}).encode()
    digest = digest_of(manifest)
    send(registry, "PUT", f"/v2/{repository}/manifests/{digest}", manifest,
         MANIFEST)
    return digest
