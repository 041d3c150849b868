#!/bin/sh
# The first program of a guest that boots from a disk. A kernel with the drivers inside could mount it by itself; this one also takes
# them from the modules of the image, and a watcher can run beside it. The programs are those of the image, which is the first root, too.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

fail() {
	echo "moby-patch-verify: $*"
	exit 1
}

root=/moby-patch-verify.disk
mkdir -p /proc /dev "$root" || fail 'cannot make folders in the first root'
[ -e /proc/mounts ] || mount -t proc proc /proc || fail 'cannot mount /proc (is there a program mount in the image?)'
[ -b /dev/vda ] || mount -t devtmpfs dev /dev || fail 'cannot mount a devtmpfs'
for module in virtio_pci virtio_blk "${root_type:?}"; do modprobe "$module" 2>/dev/null; done
turns=0
while [ ! -b /dev/vda ]; do
	turns=$((turns + 1))
	[ $turns -lt 10 ] || fail 'no /dev/vda: the kernel has no driver of virtio disks (virtio_blk), and the image no module of it'
	sleep 1
done
mount -t "$root_type" -o ro /dev/vda "$root" ||
	fail "cannot mount the disk: the kernel knows no $root_type, and the image has no module of it, or the file system is damaged"
# The order of the kernel (init/main.c).
start=
for program in ${root_init:-/sbin/init /etc/init /bin/init /bin/sh}; do
	if [ -e "$root$program" ] || [ -L "$root$program" ]; then
		start=$program
		break
	fi
done
[ -n "$start" ] || fail 'the disk has no first program (/sbin/init)'
command -v switch_root >/dev/null || fail 'no program switch_root in the image'
umount /proc
if [ -d "$root/dev" ]; then mount -o move /dev "$root/dev"; fi
echo "moby-patch-verify: $root_type is the root, $start starts"
# That of busybox takes a root for an initramfs by its /init, and refuses to leave any other.
[ -f /init ] || : >/init
exec switch_root "$root" "$start" "$@"
