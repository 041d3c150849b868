# The program with QEMU and the codecs, from Debian packages: npm pack && docker build -t moby-patch .
#   docker run --rm -v "$PWD:/work" moby-patch build -i initrd.gz -p ./motd -o patched.gz
# Another BASE is one with the packages of Debian 13, whose Node is new enough.
ARG BASE=debian:trixie-slim
FROM ${BASE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      nodejs ca-certificates curl qemu-system-x86 bzip2 lz4 lzop xz-utils zstd \
 && rm -rf /var/lib/apt/lists/*
# ADD unpacks it to /opt/package. The joined program in it needs no other package of npm.
ADD moby-patch-*.tgz /opt/
RUN ln -s package /opt/moby-patch \
 && ln -s /opt/moby-patch/dist/cli.js /usr/local/bin/moby-patch \
 && moby-patch --version
WORKDIR /work
ENTRYPOINT ["moby-patch"]
