#!/bin/sh
# Takes the locks of some apps from a folder that another job filled: locks.sh
# FOLDER APP... puts FOLDER/APP/app.lock in the place of examples/APP/app.lock
# and adds it to Git's index. What is no lock of that app is refused, and of
# everything else in the folder nothing is read.
set -eu
cd "$(dirname "$0")/.."
from=$1
shift
most=8388608 # bytes, as internal/lock reads

refuse() {
	echo "$1: $2" >&2
	exit 7
}

for app; do
	case $app in
	'' | *[!a-z0-9-]*) refuse "$app" "this is no app's name" ;;
	esac
	new=$from/$app/app.lock
	if [ ! -e "$new" ] && [ ! -L "$new" ]; then
		continue # it failed, or has none
	fi
	if [ -L "$from/$app" ] || [ -L "$new" ] || [ ! -f "$new" ]; then
		refuse "$new" "it is no regular file"
	fi
	[ "$(wc -c <"$new")" -le $most ] || refuse "$new" "it is larger than a lock may be"
	head -n 1 "$new" | grep -q '^# Made by Bakelite' || refuse "$new" "it does not begin as a lock does"
	if ! grep -qx 'kind: Lock' "$new" || ! grep -qxF "app: $app" "$new"; then
		refuse "$new" "it is no lock of this app"
	fi
	! tr -d '\n' <"$new" | LC_ALL=C grep -q '[[:cntrl:]]' || refuse "$new" "it has letters that no lock has"
	[ -f "examples/$app/app.yaml" ] || refuse "$new" "there is no such app"
	install -m 0644 "$new" "examples/$app/app.lock"
	git add -- "examples/$app/app.lock"
done
