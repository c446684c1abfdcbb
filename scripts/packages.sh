#!/bin/sh
# Installs the packages of system-packages.txt, and those named as arguments,
# that this machine lacks. Root does it directly, anyone else through sudo.
set -eu
cd "$(dirname "$0")/.."

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "no apt-get here: install what system-packages.txt lists by hand" >&2
	exit 0
fi

wanted="$(sed 's/#.*//' system-packages.txt) $*"
case "$(dpkg --print-architecture)" in
arm64) wanted=$(echo "$wanted" | sed 's/qemu-system-x86/qemu-system-arm/; s/ovmf/qemu-efi-aarch64/') ;;
esac

missing=
for package in $wanted; do
	case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || :)" in
	*" installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null; then
		echo "these packages are missing and need root to install:$missing" >&2
		exit 3
	fi
fi
echo "installing:$missing" >&2

# Another apt, such as that of unattended upgrades, is waited for this long.
# For dpkg's lock apt waits by itself, for that of its lists it does not.
patience=600 # seconds
began=$(date +%s)
until said=$($as_root env LC_ALL=C apt-get update -q 2>&1); do
	case $said in
	*"Could not get lock"*) [ $(($(date +%s) - began)) -lt "$patience" ] || { echo "$said" >&2; exit 3; } ;;
	*) echo "$said" >&2; exit 3 ;;
	esac
	echo "waiting for another apt: $(echo "$said" | sed -n 's/.*\(It is held by .*\)/\1/p' | head -n 1)" >&2
	sleep 5
done
# shellcheck disable=SC2086 # a word per package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy -o "DPkg::Lock::Timeout=$patience" \
	-o Dpkg::Use-Pty=0 --no-install-recommends $missing
