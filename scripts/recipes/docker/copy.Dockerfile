# A service with its model: the builder copies the files out of the model's
# image (`mreg image`).  No mreg in the build, no credentials but the builder's
# own login; the digest stands in the provenance.
#
#   digest=$(mreg resolve registry.example.com/ml/churn:production \
#     --format dockerfile --json | jq -er .image)
#   docker build -f copy.Dockerfile --build-arg "BASE=debian@sha256:..." \
#     --build-arg "MODEL_IMAGE=registry.example.com/ml/churn@$digest" .

# Both without default: a build without digests is none.
ARG BASE
ARG MODEL_IMAGE

# COPY --from takes no variables; the name of a stage does it.
FROM ${MODEL_IMAGE} AS model

FROM ${BASE}
ARG MODEL_IMAGE
# Which model is in here, for `docker inspect`.
LABEL org.mreg.model.image="${MODEL_IMAGE}"
COPY --from=model /models /models
# Files of a model are 0644 or 0755, folders 0755: any user can read them.
USER 65532:65532
