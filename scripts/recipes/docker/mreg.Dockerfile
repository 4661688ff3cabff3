# mreg itself, for pipelines: registry.example.com/tools/mreg in these recipes.
# The context is mreg's source tree:
#
#   docker build -f scripts/recipes/docker/mreg.Dockerfile \
#     --build-arg "BASE=debian:bookworm-slim@sha256:..." \
#     --tag registry.example.com/tools/mreg .

ARG BASE

FROM ${BASE} AS build
WORKDIR /src
COPY . .
RUN ./scripts/deps build && \
    make BUILD=release PREFIX=/usr/local DESTDIR=/out install

FROM ${BASE}
# What mreg links or loads, git for revisions, jq for its --json.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates git jq \
        libarchive13 libcurl4 libjansson4 libpq5 libsqlite3-0 libssl3 \
        libyaml-0-2 libzstd1 zlib1g && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /out/usr/local/bin/mreg /usr/local/bin/mreg
# No home is needed; pipelines bring their own credentials.
USER 65532:65532
