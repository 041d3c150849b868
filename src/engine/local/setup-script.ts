/**
 * Runs as the first process of new mount, pid, ipc and uts namespaces (`unshare` has made every mount
 * private). Arguments: root, marker file, `net` or `alone`, bounding set, then SOURCE TARGET pairs of bind
 * mounts up to `--`, then the command; without one it ends in success when all of it is possible here.
 *
 * - `nodev` on the root and /dev: a device node made by a command, of the machine's disk say, opens nothing.
 * - /proc is read-only: most of /proc/sys (core_pattern!) is not namespaced and asks for uid 0 only.
 * - /sys is there, read-only, because it is so in Docker.
 * - The machine's own proc and sysfs go before the command comes: in a user namespace, which anybody can
 *   make, a new proc may be mounted as writable as the most writable one in the mount namespace is.
 * - The root is moved over `/` before the chroot: CAP_SYS_CHROOT then leads out of it to itself.
 * - \`env\` clears what shells add, and undoes that a shell starts background jobs deaf to SIGINT and SIGQUIT.
 * - The marker tells a set-up that failed from a command that did.
 */
export const setupScript = `
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
find_foreign() {
  found=
  while read -r _ _ _ _ point rest; do
    case "$rest" in *' - proc '* | *' - sysfs '*) ;; *) continue ;; esac
    point=$(printf '%b' "$point")
    case "$point" in "$root"/*) ;; *) found=$point ;; esac
  done <./proc/self/mountinfo
}
find_foreign
while [ -n "$found" ]; do
  umount -l "$found"
  find_foreign
done
[ $# -eq 0 ] || mount --move "$root" /
: >"$marker"
if [ $# -eq 0 ]; then set -- true; else set -- chroot . "$@"; fi
exec env -i --default-signal=INT,QUIT "PATH=$PATH" "HOME=$HOME" \\
  setpriv --no-new-privs --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set="$bounding" "$@"
`;

/**
 * Runs outside of all namespaces. Argument 1: our process id. \`setpriv --pdeathsig\` has bound its life to
 * ours; if we died before that, its parent is another one by now.
 */
export const guardScript = `
[ "$PPID" = "$1" ] || exit 125
shift
exec unshare --pid --fork --kill-child "$@"
`;

/**
 * The first process of an outer pid namespace, which no command can see or change: when it ends, for SIGTERM
 * at once, the kernel kills everything inside. A command cannot be trusted with that, for any process may
 * clear its own parent-death signal.
 */
export const keeperScript = `
trap 'exit 143' TERM
unshare "$@" &
wait $!
exit $?
`;
