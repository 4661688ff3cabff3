# A service with its model: mreg pulls it while the image is built, verified
# file by file.  For models that have no image.
#
#   digest=$(mreg resolve registry.example.com/ml/churn:production)
#   docker build -f pull.Dockerfile --build-arg "BASE=debian@sha256:..." \
#     --build-arg "MREG=registry.example.com/tools/mreg@sha256:..." \
#     --build-arg "MODEL_DIGEST=$digest" \
#     --secret id=docker-config,src="$HOME/.docker/config.json" .

ARG BASE
ARG MREG

FROM ${MREG} AS model
# A secret's file is root's, and so is /.  Of this stage only the files go on.
USER 0:0
ARG MODEL=registry.example.com/ml/churn
# No default: a builder caches a RUN by its text and arguments, so an alias would
# be resolved once and then never again.  With the digest as argument another
# model is another step.
ARG MODEL_DIGEST
# The credentials are there for this one step, in no layer and no cache; mreg
# finds them where docker keeps them.  A digest that is empty or wrong ends the
# build.
RUN --mount=type=secret,id=docker-config,target=/run/secrets/docker/config.json \
    DOCKER_CONFIG=/run/secrets/docker \
    MREG_REQUIRE_DIGEST=1 mreg pull "$MODEL@$MODEL_DIGEST" -o /models --no-progress

FROM ${BASE}
ARG MODEL_DIGEST
LABEL org.mreg.model.digest="${MODEL_DIGEST}"
COPY --from=model /models /models
USER 65532:65532
