#!/bin/sh
# Prints settings of Debian's mirrors, as NAME=value lines, where this machine's
# own apt sources have none (Ubuntu) and the environment sets none. The mirrors
# are those that the distribution's package mmdebstrap names.
set -eu
cd "$(dirname "$0")/.."
tool=/usr/bin/mmdebstrap

[ -z "${BAKELITE_MIRRORS_DEBIAN:-}" ] || exit 0
! grep -rqsE '^[^#]*[[:space:]](bookworm|trixie)-security' /etc/apt/sources.list /etc/apt/sources.list.d || exit 0

scripts/packages.sh mmdebstrap >&2
named() { sed -n "s/^ *my \\\$$1 *= *[\"']\(http[^\"']*\)[\"'];.*/\1/p" "$tool" | head -1; }
debian=$(named mirror)
security=$(named secmirror)
if [ -z "$debian" ] || [ -z "$security" ]; then
	echo "no mirror of the Debian archive is known: set BAKELITE_MIRRORS_DEBIAN and BAKELITE_MIRRORS_DEBIAN_SECURITY" >&2
	exit 3
fi
echo "BAKELITE_MIRRORS_DEBIAN=$debian"
echo "BAKELITE_MIRRORS_DEBIAN_SECURITY=$security"
