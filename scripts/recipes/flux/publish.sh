#!/bin/sh
# publish.sh - render what production has and push it for flux/oci-repository.yaml.
# usage: publish.sh [MODEL [TARGET]]     logged in as reader of the model, and with
#                                        the right to push to TARGET, which is
#                                        not where models are: who may push
#                                        there may move aliases
set -eu

model=${1:-registry.example.com/ml/churn}
target=${2:-registry.example.com/deploy/churn}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Refuses an alias that was moved past its gates (exit status 7).  Of the alias,
# not of the digest: a canary is the alias's.
now=$(mreg resolve "$model:production" --require-policy --format kserve --name churn --json)
digest=$(printf '%s' "$now" | jq -er .digest)
printf '%s' "$now" | jq -jer .text >"$work/churn.yaml"
flux push artifact "oci://$target:production" --path "$work" \
	--source "oci://$model" --revision "production@$digest"
