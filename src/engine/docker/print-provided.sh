#!/bin/sh
# Prints each file: its name, then its lines with a space before them. It needs nothing but a shell.
for file do
  echo "$file"
  while IFS= read -r line || [ -n "$line" ]; do echo " $line"; done < "$file"
done
