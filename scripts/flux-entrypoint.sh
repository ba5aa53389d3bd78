#!/bin/sh
# The container's entry point: `flux-entrypoint.sh` runs the application, `flux-entrypoint.sh update` updates it.
[ $# -gt 0 ] || set -- run
case "$1" in
    update) shift; exec orbit update --wait "$@" ;;
    *) exec orbit "$@" ;;
esac
