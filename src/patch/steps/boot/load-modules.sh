# shellcheck disable=SC2013 # a line is a word
for name in $(sed 's/#.*//' /@list@); do modprobe "$name"; done
