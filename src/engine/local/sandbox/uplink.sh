#!/bin/sh
# A createRuntime hook of OCI: the network namespace is there, the command is not. Standard input: the state of the
# container. Argument: the folder of the uplink, which tells when it is ready; an end without that is a failure.
set -eu
pid=$(sed -n 's/.*"pid": *\([0-9][0-9]*\).*/\1/p')
echo "$pid" >"$1/pid"
ready=$(head -c 1 "$1/ready")
[ -z "$ready" ] || exit 0
tail -n 1 "$1/log" >&2
exit 1
