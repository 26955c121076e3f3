# syntax=docker/dockerfile:1
#
# Hookshelf as an image: built in one stage, run in another that has the program, the certificates
# of public authorities, and a user without rights.
#
# There is no Postgres in it. compose.yaml brings one; elsewhere set HOOKSHELF__DATABASE__URL_FILE.
# `.ci/run` carries out the stage `runtime` and refuses an instruction that it does not know.

ARG DEBIAN=bookworm
ARG RUST=1.95

FROM rust:${RUST}-slim-${DEBIAN} AS build
WORKDIR /src
COPY . .
# What cargo downloads and compiles stays on the building machine between builds, so that a change
# of the sources compiles the sources and nothing else.
RUN --mount=type=cache,id=hookshelf-cargo,target=/usr/local/cargo/registry \
    --mount=type=cache,id=hookshelf-target,target=/src/target \
    cargo build --locked --release --bin hookshelf \
    && install --strip target/release/hookshelf /usr/local/bin/hookshelf

FROM debian:${DEBIAN}-slim AS runtime
LABEL org.opencontainers.image.title="Hookshelf" \
    org.opencontainers.image.description="A self-hosted receiver for Instagram webhooks" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
# A number, so that an orchestrator can see that it is not root, and one that stays, so that the
# files of a volume keep their owner.
RUN groupadd --gid 10001 hookshelf \
    && useradd --uid 10001 --gid hookshelf --no-create-home --home-dir /var/lib/hookshelf \
        --shell /usr/sbin/nologin hookshelf \
    && install --directory --owner=hookshelf --group=hookshelf --mode=0700 /var/lib/hookshelf
COPY --from=build /usr/local/bin/hookshelf /usr/local/bin/hookshelf
ENV HOOKSHELF__DATA_DIR=/var/lib/hookshelf \
    HOOKSHELF__HTTP__LISTEN=0.0.0.0:8080
WORKDIR /var/lib/hookshelf
USER 10001:10001
VOLUME ["/var/lib/hookshelf"]
# The callback URL. The admin listener stays on 127.0.0.1:9090 within the container.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["hookshelf", "healthcheck"]
ENTRYPOINT ["hookshelf"]
CMD ["serve"]
