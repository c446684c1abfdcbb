#!/bin/sh
# Takes the locks of some apps from a folder that other jobs filled: locks.sh
# FOLDER APP=FILE... puts FOLDER/lock-APP/app.lock beside the app file FILE of
# the repository in the working folder, in the place of its lock, and adds it to
# Git's index. What is no lock of that app is refused, and of everything else in
# the folder nothing is read.
set -eu
from=$1
shift
most=8388608 # bytes, as internal/lock reads

refuse() {
	echo "$1: $2" >&2
	exit 7
}

for pair; do
	app=${pair%%=*} file=${pair#*=}
	case $app in
	'' | *[!a-z0-9-]*) refuse "$app" "this is no app's name" ;;
	esac
	case /$file/ in
	*/../* | *//* | */.git/* | *[!A-Za-z0-9._/-]*) refuse "$file" "this is no app file of the repository" ;;
	esac
	case $file in
	?*.yaml | ?*.yml) ;;
	*) refuse "$file" "this is no app file of the repository" ;;
	esac
	new=$from/lock-$app/app.lock
	if [ ! -e "$new" ] && [ ! -L "$new" ]; then
		continue # it failed, or has none
	fi
	if [ -L "$from/lock-$app" ] || [ -L "$new" ] || [ ! -f "$new" ]; then
		refuse "$new" "it is no regular file"
	fi
	[ "$(wc -c <"$new")" -le $most ] || refuse "$new" "it is larger than a lock may be"
	head -n 1 "$new" | grep -q '^# Made by Bakelite' || refuse "$new" "it does not begin as a lock does"
	if ! grep -qx 'kind: Lock' "$new" || ! grep -qxF "app: $app" "$new"; then
		refuse "$new" "it is no lock of this app"
	fi
	! tr -d '\n' <"$new" | LC_ALL=C grep -q '[[:cntrl:]]' || refuse "$new" "it has letters that no lock has"
	git ls-files --error-unmatch -- "$file" >/dev/null 2>&1 || refuse "$file" "there is no such app in the repository"
	install -m 0644 "$new" "${file%.*}.lock"
	git add -- "${file%.*}.lock"
done
