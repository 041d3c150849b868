while :; do @command@; sleep 1; done
