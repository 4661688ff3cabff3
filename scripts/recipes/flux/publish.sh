#!/bin/sh
# publish.sh - render what production has and push it for flux/oci-repository.yaml.
# usage: publish.sh [MODEL]      logged in as reader of the model, and with the
#                                right to push to MODEL-deploy
set -eu

model=${1:-registry.example.com/ml/churn}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Refuses an alias that was moved past its gates (exit status 7).
digest=$(mreg resolve "$model:production" --require-policy)
mreg resolve "$model@$digest" --format kserve --name churn >"$work/churn.yaml"
flux push artifact "oci://$model-deploy:production" --path "$work" \
	--source "oci://$model" --revision "production@$digest"
