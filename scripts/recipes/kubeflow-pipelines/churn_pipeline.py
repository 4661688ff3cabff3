"""Push, evaluate and promote a model with mreg, as Kubeflow Pipelines.

kfp 2.  Arguments reach the scripts as "$1", "$2"...: none is taken for shell.
The registry's credentials are mounted from a secret (kfp-kubernetes), one per
role; they are no parameters, which the pipeline's history keeps.

    python churn_pipeline.py churn.yaml
"""
import sys

from kfp import compiler, dsl, kubernetes

MREG = ("registry.example.com/tools/mreg@sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000")


@dsl.container_component
def push(model: str, run: str, folder: dsl.Input[dsl.Model],
         digest: dsl.OutputPath(str)):
    """Push a folder as a new version; its digest is the output."""
    return dsl.ContainerSpec(
        image=MREG,
        command=["sh", "-euc", """
mkdir -p "$(dirname "$4")"
pushed=$(MREG_RUN_ID="$2" mreg push "$3" "$1:candidate" --also image --json)
printf '%s' "$pushed" | jq -jer .digest >"$4"
""", "push"],
        args=[model, run, folder.path, digest])


@dsl.container_component
def evaluate(model: str, digest: str, suite: str, results: dsl.Input[dsl.Metrics],
             verdict: dsl.OutputPath(str)):
    """Record what a suite of tests found: {"passed": ..., "metrics": ...}."""
    return dsl.ContainerSpec(
        image=MREG,
        command=["sh", "-euc", """
mkdir -p "$(dirname "$5")"
mreg evaluate "$1@$2" --suite "$3" --from "$4"
jq -jer 'if .passed then "pass" else "fail" end' "$4" >"$5"
""", "evaluate"],
        args=[model, digest, suite, results.path, verdict])


@dsl.container_component
def promote(model: str, digest: str, alias: str, reason: str,
            moved: dsl.OutputPath(str)):
    """Move an alias through the gates of the policy (exit status 7: refused)."""
    return dsl.ContainerSpec(
        image=MREG,
        command=["sh", "-euc", """
mkdir -p "$(dirname "$5")"
promoted=$(mreg promote "$1@$2" "$3" --reason "$4" --json)
printf '%s' "$promoted" | jq -jer .digest >"$5"
""", "promote"],
        args=[model, digest, alias, reason, moved])


def log_in(task, secret):
    """Give a task the config.json of a secret, where mreg looks for it."""
    kubernetes.use_secret_as_volume(task, secret_name=secret,
                                    mount_path="/registry")
    task.set_env_variable("DOCKER_CONFIG", "/registry")
    # What a version is depends on when it runs: never from the cache.
    task.set_caching_options(False)
    return task


@dsl.pipeline(name="churn", description="push, evaluate, promote")
def churn(folder: dsl.Input[dsl.Model], results: dsl.Input[dsl.Metrics],
          model: str = "registry.example.com/ml/churn",
          run: str = dsl.PIPELINE_JOB_ID_PLACEHOLDER):
    pushed = log_in(push(model=model, run=run, folder=folder),
                    "registry-training")
    evaluated = log_in(evaluate(model=model, digest=pushed.outputs["digest"],
                                suite="holdout", results=results),
                       "registry-training")
    promoted = log_in(promote(model=model, digest=pushed.outputs["digest"],
                              alias="production", reason=run),
                      "registry-promoter")
    promoted.after(evaluated)


if __name__ == "__main__":
    compiler.Compiler().compile(churn, sys.argv[1])
