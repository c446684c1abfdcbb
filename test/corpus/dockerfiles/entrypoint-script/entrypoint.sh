#!/usr/bin/busybox sh
set -eu
echo "starting $*"
exec /usr/bin/busybox "$@"
