#!/bin/sh
# The container's entry point: `flux-entrypoint.sh` runs the application, `flux-entrypoint.sh update` updates it.
case "${1:-run}" in
    update) shift; exec orbit update --wait "$@" ;;
    run) exec orbit run ;;
    *) exec orbit "$@" ;;
esac
