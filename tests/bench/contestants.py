"""contestants.py - mreg and the programs it is measured beside, each told how to
push and pull the same files, with a home of its own for every run."""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
FILE = "application/octet-stream"


class Contestant:
    """How one program does it.  `path` None: it cannot be had here."""

    name = ""
    verifies = True

    def __init__(self, path, version):
        self.path, self.version = path, version

    def env(self, home):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                "HOME": str(home), "DOCKER_CONFIG": str(home / "docker"),
                "XDG_CACHE_HOME": str(home / "cache"),
                "XDG_CONFIG_HOME": str(home / "config"),
                "XDG_DATA_HOME": str(home / "data")}

    def prepare(self, model, folder):
        """What it needs of the files, made once, outside the clock."""

    def before_push(self, model, host, repository, home):
        """The same before every push."""

    def before_pull(self, model, host, repository, out, home):
        """The same before every pull."""

    def files(self, out):
        """The folder that the files are in after a pull; None: not as files."""
        return out


class Mreg(Contestant):
    name = "mreg"

    def push(self, model, host, repository, home):
        return [self.path, "push", model.folder, f"{host}/{repository}",
                "--plain-http", "--no-progress"]

    def pull(self, model, host, repository, out, home):
        return [self.path, "pull", f"{host}/{repository}:v1", "-o", out,
                "--plain-http", "--no-progress"]


class Oras(Contestant):
    name = "oras"

    def push(self, model, host, repository, home):
        return [self.path, "push", "--plain-http", "--no-tty",
                f"{host}/{repository}:v1", *model.names]

    def pull(self, model, host, repository, out, home):
        return [self.path, "pull", "--plain-http", "--no-tty",
                f"{host}/{repository}:v1", "-o", out]


class Modctl(Contestant):
    name = "modctl"

    def prepare(self, model, folder):
        home = folder / "modctl"
        home.mkdir()
        subprocess.run([self.path, "modelfile", "generate",
                        str(model.folder), "-O", str(home)], check=True,
                       env=self.env(home), capture_output=True)
        self.modelfile = home / "Modelfile"

    def push(self, model, host, repository, home):
        return [self.path, "--no-progress", "build", "-f", self.modelfile,
                "-t", f"{host}/{repository}:v1", "--output-remote",
                "--plain-http", model.folder]

    def pull(self, model, host, repository, out, home):
        return [self.path, "--no-progress", "pull", "--plain-http",
                "--extract-from-remote", "--extract-dir", out,
                f"{host}/{repository}:v1"]


class Skopeo(Contestant):
    """From and to OCI layouts; digests are known before it pushes."""

    name = "skopeo"

    def prepare(self, model, folder):
        self.layout = folder / "layout"
        blobs = self.layout / "blobs/sha256"
        blobs.mkdir(parents=True)
        layers = []
        for name in model.names:
            os.link(model.folder / name, blobs / model.sha256[name])
            layers.append({"mediaType": "application/vnd.oci.image.layer.v1"
                           ".tar", "digest": model.digest(name),
                           "size": model.size})
        config = self.blob(blobs, {"architecture": "amd64", "os": "linux",
                                   "rootfs": {"type": "layers", "diff_ids":
                                              [layer["digest"]
                                               for layer in layers]}})
        config["mediaType"] = "application/vnd.oci.image.config.v1+json"
        manifest = self.blob(blobs, {"schemaVersion": 2,
                                     "mediaType": MANIFEST,
                                     "config": config, "layers": layers})
        manifest["mediaType"] = MANIFEST
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
        (self.layout / "oci-layout").write_text(
            '{"imageLayoutVersion": "1.0.0"}')
        (self.layout / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": [manifest]}))

    @staticmethod
    def blob(blobs, document):
        data = json.dumps(document).encode()
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"digest": "sha256:" + sha256, "size": len(data)}

    def words(self):
        return [self.path, "--insecure-policy", "copy", "-q",
                "--preserve-digests"]

    def push(self, model, host, repository, home):
        return [*self.words(), "--dest-tls-verify=false",
                f"oci:{self.layout}:v1", f"docker://{host}/{repository}:v1"]

    def pull(self, model, host, repository, out, home):
        return [*self.words(), "--src-tls-verify=false",
                f"docker://{host}/{repository}:v1", f"oci:{out}:v1"]

    def files(self, out):
        return None


class Curl(Contestant):
    """The bytes alone: nothing hashed, nothing verified; upload sessions are
    opened before the clock starts."""

    name = "curl"
    verifies = False

    def before_push(self, model, host, repository, home):
        self.config = home / "push.curl"
        connection = http.client.HTTPConnection(host)
        with open(self.config, "w", encoding="utf-8") as f:
            for name in model.names:
                connection.request("POST", f"/v2/{repository}/blobs/uploads/",
                                   headers={"Content-Length": "0"})
                answer = connection.getresponse()
                answer.read()
                location = urllib.parse.urljoin(
                    f"http://{host}/", answer.headers["Location"])
                sign = "&" if "?" in location else "?"
                f.write(f'upload-file = "{model.folder / name}"\n'
                        f'url = "{location}{sign}digest='
                        f'{model.digest(name)}"\noutput = "/dev/null"\n')
        connection.close()

    def push(self, model, host, repository, home):
        return [self.path, "-sS", "-f", "-Z", "--parallel-max", "4", "-H",
                f"Content-Type: {FILE}", "-H", "Expect:", "-K", self.config]

    def before_pull(self, model, host, repository, out, home):
        out.mkdir()
        self.config = home / "pull.curl"
        self.config.write_text("".join(
            f'url = "http://{host}/v2/{repository}/blobs/'
            f'{model.digest(name)}"\noutput = "{out / name}"\n'
            for name in model.names))

    def pull(self, model, host, repository, out, home):
        return [self.path, "-sS", "-f", "-L", "-Z", "--parallel-max", "4",
                "-K", self.config]


class Kit(Contestant):
    """Packs everything into one tar, and does not verify as it unpacks."""

    name = "kit"
    verifies = False

    def push(self, model, host, repository, home):
        ref = f"{host}/{repository}:v1"
        return ["sh", "-c", '"$0" pack "$1" -t "$2" && "$0" push '
                '--plain-http "$2"', self.path, model.folder, ref]

    def pull(self, model, host, repository, out, home):
        return [self.path, "unpack", "--plain-http",
                f"{host}/{repository}-kit:v1", "-d", out]


def version_of(words):
    try:
        done = subprocess.run(words, capture_output=True, text=True,
                              timeout=30, check=False)
    except OSError:
        return "unknown"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0][:60] if lines else "unknown"


def find(mreg, interop):
    """(those that can be had, {name: why not}).  `interop`: {name: (version,
    path or None)} of the programs that scripts/test-interop builds."""
    rows = [Mreg(mreg, version_of([mreg, "--version"]))]
    missing = {}
    for kind in Oras, Modctl:
        version, path = interop.get(kind.name, ("", None))
        if path:
            rows.append(kind(str(path), f"{kind.name} {version}"))
        else:
            missing[kind.name] = "scripts/test-interop builds it"
    for kind, words in ((Skopeo, ["--version"]), (Curl, ["--version"]),
                        (Kit, ["version"])):
        path = shutil.which(kind.name)
        if path:
            rows.append(kind(path, version_of([path, *words])))
        else:
            missing[kind.name] = "not on PATH"
    return rows, missing


def interop_programs(script):
    """{name: (version, path or None)} as scripts/test-interop names them."""
    cache = pathlib.Path(
        os.environ.get("MREG_INTEROP") or
        pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                     pathlib.Path.home() / ".cache") / "mreg-interop")
    found = {}
    for line in script.read_text().splitlines():
        words = line.split()
        if line.startswith("\thave ") and len(words) >= 3:
            path = cache / "bin" / f"{words[1]}-{words[2]}"
            found[words[1]] = (words[2], path if path.exists() else None)
    return found
