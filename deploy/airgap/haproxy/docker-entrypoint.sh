#!/bin/sh
# Run haproxy in the foreground under its master; options alone are for it, too.
set -e
case "$1" in
    -*) exec haproxy -W -db "$@" ;;
    haproxy) shift; exec haproxy -W -db "$@" ;;
    *) exec "$@" ;;
esac
