# The image that runs Weir: Bun, the production packages, the sources; nothing to build, nothing to test with.
# Each step is run in this order in a clean folder by test/packaging/packaging.test.ts.

# A tag can be moved; a digest cannot. What is published is built from one: docker build --build-arg BUN_IMAGE=oven/bun@sha256:… .
ARG BUN_IMAGE=oven/bun:1.4.5-slim

FROM ${BUN_IMAGE} AS packages
WORKDIR /weir
COPY package.json bun.lock bunfig.toml ./
# Peers are Elysia's, for what Weir does not use (the TypeScript compiler among them); the optional package is Bun, which is here already.
RUN bun install --frozen-lockfile --production --omit=peer --omit=optional --ignore-scripts
RUN mkdir data

FROM ${BUN_IMAGE}
WORKDIR /weir
COPY --from=packages /weir/node_modules node_modules
COPY . .
COPY --from=packages --chown=bun:bun /weir/data /data

ENV NODE_ENV=production BUN_CONFIG_MAX_HTTP_REQUESTS=65336
# The admin listener (9090) stays on the container's own loopback unless the configuration opens it (admin.host, with admin.token).
EXPOSE 8080 9090
USER bun

# The root may be read-only (docker run --read-only --tmpfs /tmp): nothing is written but here.
# weir.yaml is looked for here, and the keys that are made are kept beside it: a volume, or they go with the container.
WORKDIR /data
VOLUME /data

# Alive, not ready: a draining gateway must not be killed for refusing new calls. Asks the ports of the configuration.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["bun", "/weir/src/main.ts", "health"]

# Settings: mount a weir.yaml at /data/weir.yaml, or name one in WEIR_CONFIG. None is sandbox mode.
CMD ["bun", "/weir/src/main.ts"]
