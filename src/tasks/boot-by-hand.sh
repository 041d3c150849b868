#!/bin/sh
exec @command@
