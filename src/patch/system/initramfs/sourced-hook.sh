#!/bin/sh
@assignments@@path@ || warn "the hook @name@ failed: $?"
