#!/bin/sh
# Removes each path. A path is an argument with octal escapes, since a command's arguments travel in JSON, which has no
# bytes. The x keeps newlines at the end of a name, which $( ) would cut.
for name do
  path=$(printf '%bx' "$name")
  path=${path%x}
  rm -rf -- "/${path:?}" || exit
done
