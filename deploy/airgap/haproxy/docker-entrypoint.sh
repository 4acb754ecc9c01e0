#!/bin/sh
# Run haproxy in the foreground under its master process; arguments that begin with - are its options.
set -e
case "$1" in
    -*) exec haproxy -W -db "$@" ;;
    haproxy) shift; exec haproxy -W -db "$@" ;;
    *) exec "$@" ;;
esac
