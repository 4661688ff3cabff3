"""Train, push, evaluate and promote a model with mreg.

Between tasks goes a digest (XCom), never an alias.  Airflow 3, provider
`standard`.  Workers have mreg and the config.json of their role, in a folder that
only they can read; no secret is an argument, a template or an Airflow Variable.
"""
import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

MODEL = "registry.example.com/ml/churn"
# Folders with a config.json, as `mreg login` writes it (DOCKER_CONFIG).
TRAINING = "/etc/mreg/training"
PROMOTER = "/etc/mreg/promoter"
WORK = "/var/lib/airflow/churn/{{ ts_nodash }}"
# The last line that a BashOperator prints is its XCom.
DIGEST = "{{ ti.xcom_pull(task_ids='push') }}"

with DAG(
    dag_id="churn",
    description="train, push, evaluate, promote",
    schedule="@weekly",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    catchup=False,
    # mreg would give two runs two numbers; but one alias.
    max_active_runs=1,
    default_args={"retries": 2,
                  "retry_delay": datetime.timedelta(minutes=5)},
) as dag:
    train = BashOperator(
        task_id="train",
        bash_command='set -euo pipefail; mkdir -p "$WORK"; '
                     '/opt/churn/train.sh "$WORK/model"',
        env={"WORK": WORK},
        append_env=True,
    )

    # Templates are in `env` only: what they give is never taken for shell.  Run
    # again after a failure, it sends what is missing and claims no second
    # number.
    push = BashOperator(
        task_id="push",
        bash_command="""
set -euo pipefail
mreg push "$WORK/model" "$MODEL:candidate" --metadata /opt/churn/model.yaml --also image --json >"$WORK/push.json"
jq -er .digest "$WORK/push.json"
""",
        env={"WORK": WORK, "MODEL": MODEL, "DOCKER_CONFIG": TRAINING,
             "MREG_RUN_ID": "{{ run_id }}", "MREG_ACTOR": "airflow"},
        append_env=True,
        do_xcom_push=True,
    )

    evaluate = BashOperator(
        task_id="evaluate",
        bash_command="""
set -euo pipefail
mreg pull "$MODEL@$DIGEST" -o "$WORK/pulled" --no-progress
verdict=--pass
/opt/churn/evaluate.sh "$WORK/pulled" "$WORK/results.json" || verdict=--fail
mreg evaluate "$MODEL@$DIGEST" --suite holdout "$verdict" --from "$WORK/results.json"
""",
        env={"WORK": WORK, "MODEL": MODEL, "DIGEST": DIGEST,
             "DOCKER_CONFIG": TRAINING, "MREG_ACTOR": "airflow"},
        append_env=True,
    )

    # A gate that is not met (exit status 7) does not change by trying again.
    # Neither do other failures that name a reason; mreg itself repeats requests.
    promote = BashOperator(
        task_id="promote",
        bash_command="""
set -euo pipefail
mreg promote "$MODEL@$DIGEST" production --reason "Airflow $RUN"
mreg resolve "$MODEL:production" --require-policy
""",
        env={"MODEL": MODEL, "DIGEST": DIGEST, "RUN": "{{ run_id }}",
             "DOCKER_CONFIG": PROMOTER, "MREG_ACTOR": "airflow"},
        append_env=True,
        do_xcom_push=True,
        retries=0,
        # Workers that run nothing else, and alone have the promoter's folder.
        queue="release",
    )

    train >> push >> evaluate >> promote
