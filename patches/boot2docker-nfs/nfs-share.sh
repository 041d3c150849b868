#!/bin/sh
# Mounts a share of the host, and tries until it answers or the time is over.
target='${mountpoint}'
say() { echo "nfs-share: $1" | tee /dev/console >/dev/null; }
grep -q " $target nfs" /proc/mounts && exit 0
mkdir -p "$target"
# nolock needs no lock service, but rpcbind saves mount.nfs a wait where the image has it.
[ ! -x /usr/local/etc/init.d/nfs-client ] || /usr/local/etc/init.d/nfs-client start
end=$(($(date +%s) + ${timeout}))
while :; do
  reason=$(mount -t nfs -o '${options},retry=0' '${server}:${share}' "$target" 2>&1) && {
    say 'mounted ${server}:${share} on ${mountpoint}'
    exit 0
  }
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 1
done
say "gave up after ${timeout} s ($reason); the boot goes on"
