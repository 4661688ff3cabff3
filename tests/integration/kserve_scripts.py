"""kserve_scripts.py - the shell scripts that KServe and Kubeflow Pipelines give
to a container of an image that holds a model, release by release, as they stand
in their source.

`$$` is how a pod's specification writes `$`; %s are, in this order, the parent
of the model's path where the script makes it, and the path.  A release belongs
here when it is out, even with the same texts: what runs these
(test_stand_in.py) is the proof that images work with it.  tests/interop compares
the texts with the source.  Of 0.18.0 none could be had.
"""
import re

LINK = "ln -sf /proc/$$$$/root/models %s && sleep infinity"
MAKE_AND_LINK = ("mkdir -p %s && ln -sf /proc/$$$$/root/models %s && "
                 "sleep infinity")
PREFETCH = (
    "echo 'Pre-fetching modelcar IMAGE: ' && [ -d /models ] && "
    "[ \"$$(ls -A /models)\" ] && "
    "echo 'OK ... Prefetched and valid (/models exists)' || "
    "(echo 'NOK ... Prefetched but modelcar is invalid "
    "(/models does not exist or is empty)' && exit 1)")

# release: (for /mnt/models, for other paths or None, of the init container)
KSERVE = {
    "0.14.1": ("ln -s /proc/$$$$/root/models %s && sleep infinity", None,
               PREFETCH),
    "0.15.0": (LINK, None, PREFETCH),
    "0.16.0": (LINK, None, PREFETCH),
    "0.17.0": (LINK, None, PREFETCH),
    "0.19.0": (LINK, MAKE_AND_LINK, PREFETCH),
    # From here on paths are quoted for the shell where they need it.
    "0.20.0": (LINK, MAKE_AND_LINK, PREFETCH),
}

# Kubeflow Pipelines, since its pull request 11606: the model's path, and the
# folder it lies in.
KUBEFLOW = ('ln -s /proc/$$$$/root/models "%s" && '
            'echo "Running Modelcar container..." && '
            'until [ -f "%s/launcher-complete" ]; do sleep 1; done')


def of_the_container(script):
    """What Kubernetes makes of `$$`."""
    return script.replace("$$", "$")


def quoted(path):
    """As KServe's ShellQuote."""
    if re.fullmatch("[a-zA-Z0-9/._-]+", path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def sidecar(release, path="/mnt/models"):
    usual, other, _ = KSERVE[release]
    if path == "/mnt/models":
        return of_the_container(usual) % path
    parent = path.rsplit("/", 1)[0]
    return of_the_container(other) % (quoted(parent), quoted(path))


def prefetch(release, image="registry.example/team/churn:v3-image"):
    return of_the_container(KSERVE[release][2]).replace("IMAGE", image)


def kubeflow(path, folder):
    return of_the_container(KUBEFLOW) % (path, folder)
