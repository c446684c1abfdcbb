#!/bin/bash
# Sets Bakelite up in a job of GitHub Actions: builds it from this folder, and
# tells later steps its path as the output bakelite. With --publish the machine
# gets what scanning and signing need; without, all that baking needs too.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
'')
	scripts/packages.sh
	scripts/mirrors.sh >>"$GITHUB_ENV"
	if [ -e /dev/kvm ]; then sudo chmod 0666 /dev/kvm; fi
	;;
--publish)
	# The scanner shuts itself in by user namespaces.
	if sudo sysctl -n kernel.apparmor_restrict_unprivileged_userns >/dev/null 2>&1; then
		sudo sysctl -qw kernel.apparmor_restrict_unprivileged_userns=0
	fi
	;;
*)
	echo "usage: setup.sh [--publish]" >&2
	exit 2
	;;
esac
make build
echo "bakelite=$PWD/bin/bakelite" >>"$GITHUB_OUTPUT"
