#!/bin/sh
@call@
exec @next@ "$@"
