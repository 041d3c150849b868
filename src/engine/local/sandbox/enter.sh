#!/bin/sh
# Runs as the first process of a pid namespace, with mounts of its own, around those that the runtime makes: when it
# ends, for SIGKILL at once, the kernel kills everything inside. The working folder is the private one. Arguments: where
# it gets a name that nobody else can change, the root in there, a folder for the uplink or nothing, then the command.
#
# - The root is nodev: a device node that a command makes, of the machine's disk say, opens nothing. The runtime has no
#   option for it, and takes the flags of the mount that it finds.
# - A folder for temporary files may be noexec or nosuid.
# - The uplink is no child of the runtime: crun waits for all of its own. It begins when the network namespace is there.
#   This machine's loopback interface is closed to it.
set -eu
place=$1 root=$2 uplink=$3
shift 3
mount --no-canonicalize --bind . "$place"
cd "$place"
mount -t proc -o nosuid,nodev,noexec proc /proc
mount --bind "$root" "$root"
mount -o remount,bind,rw,exec,suid,nodev "$root"
if [ -n "$uplink" ]; then
  mkfifo "$uplink/pid" "$uplink/ready"
  {
    read -r pid <"$uplink/pid"
    exec slirp4netns --configure --mtu=65520 --disable-host-loopback --enable-sandbox --enable-seccomp --ready-fd=3 \
      "$pid" tap0 3>"$uplink/ready"
  } >"$uplink/log" 2>&1 </dev/null &
fi
"$@"
