#!/bin/sh
# As the public image's: flags alone mean consul-template, anything else is the command itself.
set -e
case "${1:-}" in
    -*) set -- /bin/consul-template "$@" ;;
esac
exec "$@"
