# Run by systemd in the guest. Prints each part between two lines, with its exit code.
moby() { /srv/moby-patch/node /srv/moby-patch/dist/cli.js "$@" 2>&1; }
part() {
	name=$1
	shift
	echo "<$name>"
	"$@" && code=0 || code=$?
	echo "</$name $code> $(cut -d' ' -f1 /proc/uptime)"
}
digest() { sha256sum <"$1" | cut -d' ' -f1; }

part first cat /proc/1/comm
(. /srv/units.sh)
(. /srv/disk.sh)
