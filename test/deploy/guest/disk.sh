sectors=$(blockdev --getsz /dev/vdc)
image=/mnt/project/App/Contents/Resources/moby/initrd.img

show_table() { # of a device on which the blocks of standard input, FROM-TO each line, fail
	awk -F- -v total="$sectors" -v at=0 '
		function put(from, to, bad) { if (to > from) print from, to - from, bad ? "error" : "linear /dev/vdc " from }
		{ from = $1 * 8; to = ($2 == "" ? $1 : $2) * 8 + 8; put(at, from, 0); put(from, to, 1); at = to }
		END { put(at, total, 0) }'
}
break_blocks() { # of standard input; none heals all
	show_table >/run/table
	dmsetup suspend bad && dmsetup load bad </run/table && dmsetup resume bad
	echo 3 >/proc/sys/vm/drop_caches
}
list_free() { dumpe2fs /dev/mapper/bad 2>/dev/null | sed -n 's/^  Free blocks: //p' | tr , '\n' | tr -d ' ' | grep .; }
list_blocks() { filefrag -v "$1" | sed -n 's/^ *[0-9]*: *[0-9]*\.\. *[0-9]*: *\([0-9]*\)\.\. *\([0-9]*\):.*/\1-\2/p'; }
look() {
	digest $image
	ls -A "$(dirname $image)"
}

show_table </dev/null | dmsetup create bad
mount /dev/mapper/bad /mnt
cd /mnt/project || exit
part disk-before look

sync; list_free | break_blocks
part disk-apply moby apply -q --no-verify
part disk-kernel dmesg -t -l err,warn
break_blocks </dev/null
part disk-apply-after look
part disk-apply-again moby apply -q --no-verify

sync; list_blocks $image | break_blocks
part disk-read moby restore -q
break_blocks </dev/null
sync; list_free | break_blocks
part disk-restore moby restore -q
break_blocks </dev/null
part disk-restore-after look
part disk-restore-again moby restore -q
part disk-after look
