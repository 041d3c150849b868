#!/bin/sh
# Runs as the first process of new mount, pid, ipc and uts namespaces; unshare has made every mount private. Arguments:
# ROOT MARKER net|alone BOUNDING, then SOURCE TARGET for each bind mount, then -- and the command. Without a command it
# ends in success when all of it is possible here.
#
# - The root and /dev are nodev: a device node that a command makes, of the machine's disk say, opens nothing.
# - /proc is read-only: most of /proc/sys (core_pattern!) is not namespaced and asks for uid 0 only.
# - /sys is there, read-only, because it is so in Docker.
# - The machine's own proc and sysfs go before the command comes: in a user namespace, which anybody can make, a new proc
#   may be mounted as writable as the most writable one in the mount namespace is.
# - The root is moved over / before the chroot: CAP_SYS_CHROOT then leads out of it to itself.
# - env clears what shells add, and undoes that a shell starts background jobs deaf to SIGINT and SIGQUIT.
# - The marker tells a set-up that failed from a command that failed.
set -eu
umask 022
root=$1 marker=$2 net=$3 bounding=$4
shift 4
mount --bind "$root" "$root"
mount -o remount,bind,rw,exec,suid,nodev "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc ./proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs ./sys
mount -t tmpfs -o nosuid,nodev,noexec,mode=755,size=1m tmpfs ./dev
for name in null zero full random urandom tty; do
  : >"./dev/$name"
  mount --bind "/dev/$name" "./dev/$name"
done
mkdir ./dev/pts ./dev/shm
mount -t devpts -o newinstance,nosuid,noexec,ptmxmode=0666,mode=620 devpts ./dev/pts
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m tmpfs ./dev/shm
ln -s pts/ptmx ./dev/ptmx
ln -s /proc/self/fd ./dev/fd
ln -s /proc/self/fd/0 ./dev/stdin
ln -s /proc/self/fd/1 ./dev/stdout
ln -s /proc/self/fd/2 ./dev/stderr
while [ "$1" != -- ]; do
  mount --bind "$1" "./$2"
  shift 2
done
shift
echo localhost >./proc/sys/kernel/hostname
if [ "$net" = alone ]; then
  ip link set lo up || echo 'the loopback interface stays down; apt-get install iproute2' >&2
fi
mount -o remount,bind,ro,nosuid,nodev,noexec ./proc
# Sets the mount point of a proc or sysfs outside of the root.
find_foreign() {
  foreign=
  while read -r _ _ _ _ point rest; do
    case "$rest" in *' - proc '* | *' - sysfs '*) ;; *) continue ;; esac
    point=$(printf '%b' "$point")
    case "$point" in "$root"/*) ;; *) foreign=$point ;; esac
  done <./proc/self/mountinfo
}
find_foreign
while [ -n "$foreign" ]; do
  umount -l "$foreign"
  find_foreign
done
[ $# -eq 0 ] || mount --move "$root" /
: >"$marker"
if [ $# -eq 0 ]; then set -- true; else set -- chroot . "$@"; fi
exec env -i --default-signal=INT,QUIT "PATH=$PATH" "HOME=$HOME" \
  setpriv --no-new-privs --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set="$bounding" "$@"
