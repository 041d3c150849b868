# shellcheck disable=SC2034 # mount-functions.sh has them
# Mounts the line of /etc/fstab that is marked noauto: what mounts the others
# leaves network file systems alone, and nothing else would order this before Docker.

source=@source@
target=@target@
# Seconds: all attempts together, and one of them.
limit=@limit@
attempt=@attempt@
state=/run/$RC_SVCNAME
