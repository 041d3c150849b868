umask 027
export EDITOR=vi
