#!/bin/sh
# Installs or removes packages with apt. Arguments: see manager.ts.
# SCRATCH holds lists, archives, logs and temporary files.
set -e

action=$1
scratch=$2
downloads=$3
shift 3
policy=/usr/sbin/policy-rc.d

finish() {
	code=$?
	trap - EXIT
	rm -f "$policy"
	if [ -e "$scratch/policy-rc.d" ] || [ -L "$scratch/policy-rc.d" ]; then mv "$scratch/policy-rc.d" "$policy"; fi
	restore_compilers
	if [ -d "$downloads" ] && [ -z "${MOBY_PATCH_OFFLINE:-}" ]; then
		rm -rf "${downloads:?}"/*
		save_downloads || :
		rmdir "$downloads" 2>/dev/null || :
	fi
	rm -rf "$scratch"
	exit "$code"
}

save_downloads() (
	cd "$scratch/cache/archives" || exit
	xargs -r rm -f -- <"$scratch/earlier-archives"
	for file in *.deb; do if [ -f "$file" ]; then mv -- "$file" "$downloads"; fi; done
	cd "$scratch/lists" || exit
	if changed=$(find . -maxdepth 1 -name '*_Packages' -cnewer "$scratch/begun") && [ -n "$changed" ]; then
		sha256sum -- *_Packages | grep -xFf "$scratch/signed" | sed 's/^[^ ]*  //' | xargs -r mv -t "$downloads" -- *_InRelease
	fi
)

find_bytecode() {
	find / -xdev -type d -name __pycache__ 2>/dev/null | sort
}

# The byte code that py3compile writes is a third of what python3 brings, and serves speed only: new folders of it go.
# Where all would be new, none is written: that takes a quarter of the time of an installation with python3. dpkg runs
# `skip_bytecode` before each of its runs, so the module is changed before the first script that calls it; all that
# others import from it stays, and `finish` puts it back.
compilers='/usr/lib/python3*/py_compile.py'
skipped='def compile(file, cfile=None, *others, **named): return cfile'

skip_bytecode() {
	cat <<-END
		for file in $compilers; do
			if ! [ -f "\$file" ] || grep -qxF '$skipped' "\$file"; then continue; fi
			mkdir -p "$scratch/compilers\${file%/*}"
			cp -p "\$file" "$scratch/compilers\$file"
			sed 's/^if __name__ == .__main__.:/$skipped\\n&/' "$scratch/compilers\$file" >"\$file"
		done
	END
}

restore_compilers() {
	for file in $compilers; do
		if [ -f "$scratch/compilers$file" ] && grep -qxF "$skipped" "$file"; then mv "$scratch/compilers$file" "$file"; fi
	done
}

apt() {
	# Error-Mode: without it `update` exits 0 when no list could be fetched.
	# force-unsafe-io: no root outlives a crash of the machine, so dpkg need not wait for the disk at each file
	# (half a second for 35 packages).
	# shellcheck disable=SC2086 # $places is a list of words
	apt-get -q -y $places -o Dir::Log="$scratch/log" \
		-o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none -o Acquire::PDiffs=false -o Acquire::GzipIndexes=false \
		-o Dpkg::Use-Pty=false -o Dpkg::Options::=--log="$scratch/log/dpkg.log" \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
		-o Dpkg::Options::=--force-unsafe-io -o "Dpkg::Options::=--pre-invoke=. $scratch/before-dpkg" "$@"
}

# NAME=VERSION of each archive here.
list_archives() {
	for file in *.deb; do
		version=${file#*_}
		version=${version%_*}
		case $version in *%3a*) version=${version%%%3a*}:${version#*%3a} ;; esac
		echo "${file%%_*}=$version"
	done
}

# Paragraphs of an index -> DIGEST  ARCHIVE.
list_sums() {
	sed -n 's/^\(Package\|Version\|Architecture\|SHA256\): /\1 /p; s/^$/end/p' | while read -r field value; do
		case $field in
			Package) name=$value sum= ;;
			Version) case $value in *:*) version=${value%%:*}%3a${value#*:} ;; *) version=$value ;; esac ;;
			Architecture) architecture=$value ;;
			SHA256) sum=$value ;;
			end) if [ -n "$sum" ]; then echo "$sum  ${name}_${version}_$architecture.deb"; fi ;;
		esac
	done
}

# apt trusts an archive in its cache that has the right size (measured: with one byte changed it says nothing). So an
# archive of an earlier build is compared with the digest in the signed index before apt sees it.
use_archives() {
	(
		cd "$downloads"
		# shellcheck disable=SC2086 # $places is a list of words
		list_archives | xargs -r apt-cache -q=2 $places show 2>/dev/null | list_sums >"$scratch/sums"
		sha256sum -c "$scratch/sums" 2>/dev/null | sed -n 's/: OK$//p' | sort -u >"$scratch/earlier-archives"
		xargs -r mv -t "$scratch/cache/archives" -- <"$scratch/earlier-archives"
	)
	echo "$(wc -l <"$scratch/earlier-archives") archives of earlier builds are used"
}

# apt does not fetch a list again when its digest is the same in the new Release and in the one at hand. It then checks
# neither the list nor the signature of the Release at hand; and it refuses a new Release that is older than that one
# (measured, apt 2.6). So a Release of an earlier build is dated before any other, and `check_lists` compares each list
# with the digest in the Release that apt fetched.
use_lists() {
	has_lists=no
	for file in "$downloads"/*_InRelease "$downloads"/*_Packages; do
		if [ -f "$file" ]; then mv -- "$file" "$scratch/lists"; fi
	done
	cd "$scratch/lists"
	for file in *_InRelease; do
		if [ -f "$file" ]; then
			has_lists=yes
			sed -i 's/^Date:.*/Date: Thu, 01 Jan 1970 00:00:00 UTC/' "$file"
			touch -d @0 "$file"
		fi
	done
	for file in *_Packages; do
		if [ -f "$file" ]; then sha256sum -- "$file"; fi
	done >"$scratch/earlier-lists" &
	cd /
}

list_signed() {
	for file in *_InRelease; do
		if [ -f "$file" ]; then
			sed -n '/^SHA256:/,/^[^ ]/s/^ \([0-9a-f]*\)  *[0-9]*  */\1  /p' "$file" | sed "s,/,_,g; s,  ,&${file%InRelease},"
		fi
	done
}

check_lists() {
	(
		cd "$scratch/lists"
		list_signed >"$scratch/signed"
		# A list that apt has fetched again differs from the one of the earlier build.
		grep -vxFf "$scratch/signed" "$scratch/earlier-lists" | sed 's/^[^ ]*  //' | xargs -r sha256sum -- | grep -vxFf "$scratch/signed"
	) >"$scratch/wrong" 2>&1 || :
	! [ -s "$scratch/wrong" ]
}

umask 022
rm -rf "$scratch"
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/log" "$scratch/tmp"
trap finish EXIT
trap 'exit 143' INT TERM HUP
# invoke-rc.d asks policy-rc.d before it starts a service; 101 is "not allowed". `finish` restores the image's own.
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$scratch/policy-rc.d"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 0755 "$policy"
find_bytecode >"$scratch/bytecode"
if [ -s "$scratch/bytecode" ]; then :; else skip_bytecode; fi >"$scratch/before-dpkg"
: >"$scratch/earlier-archives"

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true APT_LISTCHANGES_FRONTEND=none
export TMPDIR="$scratch/tmp" PERL_HASH_SEED=0
places="-o Dir::State::Lists=$scratch/lists -o Dir::Cache=$scratch/cache"

if [ "$action" = remove ]; then
	apt remove -- "$@"
	exit
fi
install() {
	apt install --no-install-recommends "$@"
	find_bytecode | while read -r folder; do
		grep -qxF "$folder" "$scratch/bytecode" || rm -rf "$folder"
	done
}

if [ -n "${MOBY_PATCH_OFFLINE:-}" ]; then
	for file in "$downloads"/*; do
		case $file in
			*.deb) mv -- "$file" "$scratch/cache/archives" ;;
			*_InRelease | *_Packages) mv -- "$file" "$scratch/lists" ;;
		esac
	done
	install --no-download -- "$@"
	exit
fi
use_lists
: >"$scratch/begun"
if ! { apt update && wait && check_lists; }; then
	if [ "$has_lists" = no ]; then exit 100; fi
	echo 'the package lists of earlier builds are refused'
	rm -rf "$scratch/lists"
	mkdir -p "$scratch/lists/partial"
	apt update
	check_lists
fi
if [ -n "$(ls "$downloads" 2>/dev/null)" ]; then use_archives; fi
install -- "$@"
