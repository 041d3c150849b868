# The program with QEMU and the codecs, from Debian packages: npm pack && docker build -t moby-patch .
#   docker run --rm -v "$PWD:/work" moby-patch build -i initrd.gz -p ./motd -o patched.gz
# Another BASE is one with the packages of Debian 13, whose Node is new enough.
ARG BASE=debian:trixie-slim

# Debian's npm brings some hundred packages, which the program does without.
FROM ${BASE} AS package
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nodejs npm ca-certificates
COPY moby-patch-*.tgz /tmp/
RUN cd /opt \
 && tar -xzf /tmp/moby-patch-*.tgz \
 && mv package moby-patch \
 && cd moby-patch \
 && npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${BASE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      nodejs ca-certificates curl qemu-system-x86 bzip2 lz4 lzop xz-utils zstd \
 && rm -rf /var/lib/apt/lists/*
COPY --from=package /opt/moby-patch /opt/moby-patch
RUN ln -s /opt/moby-patch/dist/cli.js /usr/local/bin/moby-patch && moby-patch --version
WORKDIR /work
ENTRYPOINT ["moby-patch"]
