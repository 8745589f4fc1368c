# One program per image: docker build --build-arg PROGRAM=csi-snapshot-metadata -t csi-snapshot-metadata .
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY . .
ARG PROGRAM=csi-snapshot-metadata
# Development servers never become an image.
RUN case "$PROGRAM" in dev-*) echo "$PROGRAM is for development only" >&2; exit 1;; esac; \
    node hack/build.ts && mkdir /app && cp "bin/$PROGRAM" /app/program.mjs && cp LICENSE /app/

# No shell, no package manager, not root.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /app /app
ENV NODE_ENV=production
USER 65532:65532
# As the files in bin/ start the metadata server (docs/adr/0004): no launcher runs here.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["/nodejs/bin/node", "--optimize-for-size", "/app/program.mjs"]
