#!/bin/sh
# Installs or removes packages with pacman. Arguments: see manager.ts.
# pacman checks what is in its cache against the signatures, as it checks what it downloads.
set -e

action=$1
scratch=$2
downloads=$3
shift 3
umask 022
keyring=/etc/pacman.d/gnupg

# A keyring that pacman-key has made is a pubring.gpg, one that gpg has made a pubring.kbx.
list_keys() {
	for file in "$keyring/pubring.gpg" "$keyring/pubring.kbx"; do if [ -f "$file" ]; then sha256sum "$file"; fi; done
}

finish() {
	code=$?
	trap - EXIT
	# gpg notes in its database of trust when it looked at it last.
	if [ -f "$scratch/trust" ] && list_keys | cmp -s - "$scratch/keys"; then cp -p "$scratch/trust" "$keyring/trustdb.gpg"; fi
	rm -rf "$scratch"
	exit "$code"
}

# pacman writes the time of the installation beside each package.
set_dates() {
	find /var/lib/pacman/local -name desc -newer "$scratch/begun" | while read -r file; do
		sed -i "/^%INSTALLDATE%\$/{n;s/.*/$SOURCE_DATE_EPOCH/}" "$file"
	done
}

rm -rf "$scratch"
mkdir -p "$scratch/cache"
trap finish EXIT
trap 'exit 143' INT TERM HUP
if [ -f "$keyring/trustdb.gpg" ]; then
	list_keys >"$scratch/keys"
	cp -p "$keyring/trustdb.gpg" "$scratch/trust"
fi
touch -d '2 seconds ago' "$scratch/begun"

if [ "$action" = remove ]; then
	pacman -R --noconfirm --noprogressbar -- "$@"
	exit
fi
cache=$scratch/cache
earlier=
sync=/var/lib/pacman/sync
refresh=y
if [ -n "${MOBY_PATCH_OFFLINE:-}" ]; then
	mkdir -p "$sync"
	for file in "$downloads"/*.db "$downloads"/*.db.sig; do
		if [ -f "$file" ]; then mv -- "$file" "$sync"; fi
	done
	refresh=
fi
if [ -d "$downloads" ]; then
	cache=$downloads
	rm -f "$downloads"/*.db "$downloads"/*.db.sig
	earlier=$(ls "$downloads")
fi
first=$1
set -- --noconfirm --noprogressbar --needed --cachedir "$cache" -- "$@"
# Of pacman 7: its own sandbox needs rights that a step does not have.
if pacman -S --help | grep -q -e --disable-sandbox; then set -- --disable-sandbox "$@"; fi
install_files() {
	config=/etc/pacman.conf
	# One that is taken without a signature is so whatever the image says of files; of repositories that still holds.
	if [ "$action" = install-unsigned ]; then
		sed '/^ *LocalFileSigLevel/d; s/^ *\[options\].*/&\nLocalFileSigLevel = Optional/' "$config" >"$scratch/pacman.conf"
		config=$scratch/pacman.conf
	fi
	# What the files need comes from the repositories, where there are some.
	if [ -n "$refresh" ] && grep '^ *\[' "$config" | grep -qv '\[options\]'; then pacman -Sy --noconfirm; fi
	pacman -U --config "$config" "$@"
}

case $first in
	/*) install_files "$@" ;;
	*) pacman "-S$refresh" "$@" ;;
esac
set_dates
cd "$cache"
# shellcheck disable=SC2086 # $earlier is a list of names
rm -f -- $earlier
if [ "$cache" = "$downloads" ]; then
	for file in "$sync"/*.db "$sync"/*.db.sig; do
		if [ -f "$file" ]; then cp -- "$file" "$cache"; fi
	done
fi
