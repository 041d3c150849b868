import type { Manager } from './installed-packages.js';

/** Lists, archives, logs and temporary files of the managers go here; it is gone afterwards. */
export const packageScratch = '.moby-patch-packages';

/** Archives that were downloaded in earlier builds come in here, and new ones go out; often it is not there. */
export const packageDownloads = '.moby-patch-downloads';

/**
 * Installs $@ with apt. `policy-rc.d` is what invoke-rc.d asks before it starts a service: 101 is
 * "not allowed". An own one of the image is put back, also after a failure.
 * Without `Error-Mode=any`, `update` exits 0 when no list could be fetched.
 * An archive that lies in its cache apt takes for good when it has the right size (measured: a byte changed, no word),
 * so each that comes in from earlier builds is first held against the digest in the signed index. A list it does not
 * fetch when the digests in its Release and in the one that it has are the same, and it looks at neither the list nor
 * who signed the one it has; and a Release that is older than that one it does not take (measured, apt 2.6). So the one
 * that comes in with a list is made older than any, and each list is held against the digest in the one that apt fetched.
 * No root outlives a crash of the machine, so dpkg need not wait for the disk at each file (half a second for 35 packages).
 * py3compile's byte code is a third of what python3 brings, and only for speed: new folders of it go.
 */
const apt = `
scratch=/${packageScratch}
downloads=/${packageDownloads}
policy=/usr/sbin/policy-rc.d
finish() {
	code=$?
	trap - EXIT
	rm -f "$policy"
	if [ -e "$scratch/policy-rc.d" ] || [ -L "$scratch/policy-rc.d" ]; then mv "$scratch/policy-rc.d" "$policy"; fi
	if [ -d "$downloads" ]; then
		rm -rf "$downloads"/*
		(
			cd "$scratch/cache/archives" || exit
			xargs -r rm -f -- <"$scratch/given"
			for file in *.deb; do if [ -f "$file" ]; then mv -- "$file" "$downloads"; fi; done
			cd "$scratch/lists" || exit
			if changed=$(find . -maxdepth 1 -name '*_Packages' -cnewer "$scratch/taken") && [ -n "$changed" ]; then
				sha256sum -- *_Packages | grep -xFf "$scratch/signed" | sed 's/^[^ ]*  //' | xargs -r mv -t "$downloads" -- *_InRelease
			fi
		) || :
		rmdir "$downloads" 2>/dev/null || :
	fi
	rm -rf "$scratch"
	exit "$code"
}
find_bytecode() {
	find / -xdev -type d -name __pycache__ 2>/dev/null | sort
}
umask 022
rm -rf "$scratch"
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/log" "$scratch/tmp"
trap finish EXIT
trap 'exit 143' INT TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$scratch/policy-rc.d"; fi
printf '#!/bin/sh\\nexit 101\\n' >"$policy"
chmod 0755 "$policy"
find_bytecode >"$scratch/bytecode"
: >"$scratch/given"

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true APT_LISTCHANGES_FRONTEND=none
export TMPDIR="$scratch/tmp" PERL_HASH_SEED=0
places="-o Dir::State::Lists=$scratch/lists -o Dir::Cache=$scratch/cache"
apt() {
	apt-get -q -y $places -o Dir::Log="$scratch/log" \\
		-o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none -o Acquire::PDiffs=false \\
		-o Dpkg::Use-Pty=false -o Dpkg::Options::=--log="$scratch/log/dpkg.log" \\
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \\
		-o Dpkg::Options::=--force-unsafe-io "$@"
}
list_given() {
	for file in *.deb; do
		version=\${file#*_}
		version=\${version%_*}
		case $version in *%3a*) version=\${version%%%3a*}:\${version#*%3a} ;; esac
		echo "\${file%%_*}=$version"
	done
}
list_sums() {
	sed -n 's/^\\(Package\\|Version\\|Architecture\\|SHA256\\): /\\1 /p; s/^$/end/p' | while read -r field value; do
		case $field in
			Package) name=$value sum= ;;
			Version) case $value in *:*) version=\${value%%:*}%3a\${value#*:} ;; *) version=$value ;; esac ;;
			Architecture) architecture=$value ;;
			SHA256) sum=$value ;;
			end) if [ -n "$sum" ]; then echo "$sum  \${name}_\${version}_$architecture.deb"; fi ;;
		esac
	done
}
take_given() {
	(
		cd "$downloads"
		list_given | xargs -r apt-cache -q=2 $places show 2>/dev/null | list_sums >"$scratch/sums"
		sha256sum -c "$scratch/sums" 2>/dev/null | sed -n 's/: OK$//p' | sort -u >"$scratch/given"
		xargs -r mv -t "$scratch/cache/archives" -- <"$scratch/given"
	)
	echo "$(wc -l <"$scratch/given") archives are there from earlier builds"
}
take_lists() {
	given=no
	for file in "$downloads"/*_InRelease "$downloads"/*_Packages; do
		if [ -f "$file" ]; then mv -- "$file" "$scratch/lists"; fi
	done
	cd "$scratch/lists"
	for file in *_InRelease; do
		if [ -f "$file" ]; then
			given=yes
			sed -i 's/^Date:.*/Date: Thu, 01 Jan 1970 00:00:00 UTC/' "$file"
			touch -d @0 "$file"
		fi
	done
	for file in *_Packages; do
		if [ -f "$file" ]; then sha256sum -- "$file"; fi
	done >"$scratch/given-lists" &
	cd /
}
list_signed() {
	for file in *_InRelease; do
		if [ -f "$file" ]; then
			sed -n '/^SHA256:/,/^[^ ]/s/^ \\([0-9a-f]*\\)  *[0-9]*  */\\1  /p' "$file" | sed "s,/,_,g; s,  ,&\${file%InRelease},"
		fi
	done
}
check_lists() {
	(
		cd "$scratch/lists"
		list_signed >"$scratch/signed"
		# One that apt has fetched anew is not what it was.
		grep -vxFf "$scratch/signed" "$scratch/given-lists" | sed 's/^[^ ]*  //' | xargs -r sha256sum -- | grep -vxFf "$scratch/signed"
	) >"$scratch/wrong" 2>&1 || :
	! [ -s "$scratch/wrong" ]
}
take_lists
: >"$scratch/taken"
if ! { apt update && wait && check_lists; }; then
	if [ "$given" = no ]; then exit 100; fi
	echo 'the package lists from earlier builds are not taken'
	rm -rf "$scratch/lists"
	mkdir -p "$scratch/lists/partial"
	apt update
	check_lists
fi
if [ -n "$(ls "$downloads" 2>/dev/null)" ]; then take_given; fi
apt install --no-install-recommends -- "$@"
find_bytecode | while read -r folder; do
	grep -qxF "$folder" "$scratch/bytecode" || rm -rf "$folder"
done`;

/**
 * Installs $@ with apk, which starts no service. `--no-cache` keeps the index out of /var/cache/apk. What lies in its
 * cache apk checks against the signed index as it does what it downloads. The index itself is fetched anew.
 */
const apk = `
umask 022
downloads=/${packageDownloads}
if ! [ -d "$downloads" ] || ! apk add --help 2>&1 | grep -q -e --cache-dir; then
	exec apk add --no-cache --no-progress -- "$@"
fi
given=$(ls "$downloads")
apk add --cache-dir "$downloads" --update-cache --no-progress -- "$@"
cd "$downloads"
rm -f -- $given APKINDEX.*`;

export const packageScripts: Readonly<Record<Manager, string>> = { apk, apt };

/**
 * What an installation leaves that no running system reads: backups of databases, locks, logs of
 * the installation, and ldconfig's cache of inode numbers, which is different at every run.
 */
export const packageLeftovers: readonly string[] = [
  packageScratch,
  'etc/.pwd.lock',
  'etc/group-',
  'etc/gshadow-',
  'etc/passwd-',
  'etc/shadow-',
  'etc/subgid-',
  'etc/subuid-',
  'run/adduser',
  'var/cache/debconf/config.dat-old',
  'var/cache/debconf/passwords.dat-old',
  'var/cache/debconf/templates.dat-old',
  'var/cache/ldconfig/aux-cache',
  'var/lib/dpkg/diversions-old',
  'var/lib/dpkg/lock',
  'var/lib/dpkg/lock-frontend',
  'var/lib/dpkg/statoverride-old',
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/triggers/Lock',
  'var/log/alternatives.log',
  'var/log/apk.log',
  'var/log/faillog',
  'var/log/lastlog',
];

/**
 * Under OpenRC the links of sysvinit mean nothing, and Debian's update-rc.d renames those of
 * other services when it adds one.
 */
export const sysvLeftovers: readonly string[] = [
  ...['0', '1', '2', '3', '4', '5', '6', 'S'].map((level) => `etc/rc${level}.d`),
  'etc/init.d/.depend.boot',
  'etc/init.d/.depend.start',
  'etc/init.d/.depend.stop',
];
