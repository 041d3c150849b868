#!/bin/sh
mkdir -p "/srv/$LEVEL"
