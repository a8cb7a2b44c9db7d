# The image that runs Weir: Bun, the production packages, the sources; nothing to build, nothing to test with.
# Each step is run in this order in a clean folder by test/packaging.test.ts.

FROM oven/bun:1.4.5-slim AS packages
WORKDIR /weir
COPY package.json bun.lock bunfig.toml ./
# Peers are Elysia's, for what Weir does not use (the TypeScript compiler among them); the optional package is Bun, which is here already.
RUN bun install --frozen-lockfile --production --omit=peer --omit=optional --ignore-scripts

FROM oven/bun:1.4.5-slim
WORKDIR /weir
COPY --from=packages /weir/node_modules node_modules
COPY . .

# The admin listener (9090) stays on the container's own loopback unless the configuration opens it.
ENV NODE_ENV=production BUN_CONFIG_MAX_HTTP_REQUESTS=65336
EXPOSE 8080
USER bun

# Alive, not ready: a draining gateway must not be killed for refusing new calls.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["bun", "-e", "const answer = await fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/healthz`); process.exit(answer.ok ? 0 : 1)"]

# Settings: mount a weir.yaml at /weir/weir.yaml, or name one in WEIR_CONFIG. None is sandbox mode.
CMD ["bun", "src/main.ts"]
