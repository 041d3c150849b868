#!/bin/sh
# Installs or removes packages with dnf, or with what an image has in its place. Arguments: see manager.ts.
set -e

action=$1
shift 3
umask 022

for program in dnf5 dnf microdnf tdnf yum; do
	if command -v "$program" >/dev/null; then break; fi
done

if [ "$action" = remove ]; then
	# What came as a dependency of a package may be what another step relies on.
	exec "$program" -y --setopt=clean_requirements_on_remove=0 remove "$@"
fi

# These are main options, so what a repository says of itself holds. An unsigned package is refused unless its repository
# says gpgcheck=0. A repository that cannot be read is an error: otherwise another's older version is installed.
set -- --setopt=install_weak_deps=0 --setopt=skip_if_unavailable=0 --setopt=gpgcheck=1 install "$@"
case $program-$action in
	tdnf-*) ;;
	*-install-unsigned) set -- --setopt=localpkg_gpgcheck=0 "$@" ;;
	*) set -- --setopt=localpkg_gpgcheck=1 "$@" ;;
esac
case $program in
	dnf | dnf5) set -- --refresh "$@" ;;
esac
"$program" -y "$@"
