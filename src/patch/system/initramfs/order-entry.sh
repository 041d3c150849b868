@path@ "$@"
[ -e /conf/param.conf ] && . /conf/param.conf
