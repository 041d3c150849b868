#!/sbin/openrc-run
@settings@

# shellcheck disable=SC2034 # openrc-run shows it
description=@description@

@depend@

@functions@
