#!/bin/sh
# One build in CI, for the action, the GitLab template and any other system. All is given as variables:
#   IMAGE          a path, the id of a definition, a URL (with IMAGE_SHA256), or oci://HOST/REPOSITORY:TAG
#   IMAGE_SHA256   the digest that a downloaded image must have
#   PATCHES        patches, one a line
#   SETTINGS       NAME=VALUE, one a line
#   KERNEL, MODE, ENGINE   as the options of build; empty: their defaults
#   VERIFY         false: boot nothing
#   OPTIONS        more options of build, one a line: --attest, --expect=REGEX
#   OUT            the folder of all results; default: out
#   MOBY_PATCH     the program; default: moby-patch
# The exit code is that of build: 4 is a boot that was refused, 5 a machine at fault, which is worth another try.
set -eu

out=${OUT:-out}
program=${MOBY_PATCH:-moby-patch}
mkdir -p "$out"

# Mistakes in patches become marks at their lines: GitHub shows them in the change.
annotate() {
  sed -n 's/%/%25/g; s/^\(moby-patch:\)\{0,1\} *\([^ :]*\):\([0-9][0-9]*\):\([0-9][0-9]*\): \(.*\)/::error file=\2,line=\3,col=\4::\5/p'
}

image=${IMAGE:?IMAGE names the image}
case $image in
http://* | https://*)
  : "${IMAGE_SHA256:?IMAGE_SHA256 is wanted for an image from the network}"
  file=$out/stock.img
  curl --fail --silent --show-error --location --retry 3 --output "$file" "$image"
  printf '%s  %s\n' "$IMAGE_SHA256" "$file" | sha256sum --check --quiet
  image=$file
  ;;
esac

# Arguments from lines: no value is ever a word of this script.
set -- build --image "$image"
while IFS= read -r patch; do
  [ -z "$patch" ] || set -- "$@" --patch "$patch"
done <<END
${PATCHES-}
END
while IFS= read -r setting; do
  [ -z "$setting" ] || set -- "$@" --set "$setting"
done <<END
${SETTINGS-}
END
[ -z "${KERNEL-}" ] || set -- "$@" --kernel "$KERNEL"
[ -z "${MODE-}" ] || set -- "$@" --mode "$MODE"
[ -z "${ENGINE-}" ] || set -- "$@" --engine "$ENGINE"
[ "${VERIFY:-true}" != false ] || set -- "$@" --no-verify
while IFS= read -r option; do
  [ -z "$option" ] || set -- "$@" "$option"
done <<END
${OPTIONS-}
END

code=0
messages=$out/messages.txt
"$program" "$@" --output "$out/initrd.img" \
  --report "$out/report.md" --report "$out/report.json" --report "$out/report.html" \
  --report "$out/report.junit.xml" 2>"$messages" || code=$?
cat "$messages" >&2

if [ -n "${GITHUB_ACTIONS-}" ]; then
  [ "$code" -eq 0 ] || annotate <"$messages"
  [ ! -f "$out/report.md" ] || cat "$out/report.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  {
    printf 'exit-code=%s\n' "$code"
    # After a failure the file may be that of an earlier build.
    if [ "$code" -eq 0 ]; then
      printf 'image=%s\n' "$out/initrd.img"
      printf 'sha256=%s\n' "$(sha256sum "$out/initrd.img" | cut -d ' ' -f 1)"
    fi
  } >>"${GITHUB_OUTPUT:-/dev/null}"
fi
exit "$code"
