# Functions that put files into the tree at $ROOT and look at what is there.
# Calls follow.

# real sets $at to where a path of the tree leads: links are followed inside
# the tree only, as they will be once it is the root.
real() {
	at=$ROOT rest=$1 links=0
	while [ -n "$rest" ]; do
		name=${rest%%/*}
		case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
		case $name in
		'' | .) ;;
		..) [ "$at" = "$ROOT" ] || at=${at%/*} ;;
		*)
			if [ -L "$at/$name" ]; then
				links=$((links + 1))
				[ $links -le 40 ] || { echo "$1: too many links" >&2 && exit 1; }
				to=$(readlink "$at/$name")
				case $to in /*) at=$ROOT ;; esac
				rest=$to/$rest
			else
				at=$at/$name
			fi
			;;
		esac
	done
}

# mistake ends the step with one that the app file makes: KEY WHAT REMEDY.
mistake() {
	echo "app file: $1: $2; next: $3" >&2
	exit 1
}

# owner sets $ids to the numbers of user[:group] by the tree's own names; KEY
# is where the app file names them.
owner() {
	user=${1%%:*} group=
	case $1 in *:*) group=${1#*:} ;; esac
	uid=$(id_of passwd "$user" 3)
	[ -n "$group" ] && gid=$(id_of group "$group" 3) || gid=$(id_of passwd "$user" 4)
	[ -n "$uid" ] && [ -n "$gid" ] || mistake "$2" "the image has no user or group $1" 'name one that a package brings, service.user, or a number'
	ids=$uid:$gid
}

id_of() {
	case $2 in
	*[!0-9]*) sed -n "s/^$2:/&/p" "$ROOT/etc/$1" | cut -d: -f"$3" ;;
	*) echo "$2" ;;
	esac
}

# clash finds what is a folder in only one of FROM and TO: cp copies neither
# over the other.
clash() {
	(cd "$1" && find . -mindepth 1 -exec sh -c '
		is_folder() { [ -d "$1" ] && [ ! -L "$1" ]; }
		for name; do
			to=$0/$name
			[ -e "$to" ] || [ -L "$to" ] || continue
			if is_folder "$name"; then ! is_folder "$to"; else is_folder "$to"; fi && printf "%s\n" "${name#./}"
		done
		:' "$2" {} +)
}

# put copies a file, a folder or what content holds: FROM TO MODE FOLDERMODE
# OWNER KEY.
put() {
	real "${2%/*}"
	mkdir -p "$at"
	real "$2"
	if [ -d "$1" ]; then
		[ -d "$at" ] || [ ! -e "$at" ] || mistake "$6.to" "$2 is a file, not a folder" 'name a folder'
		mkdir -p "$at"
		clashes=$(clash "$1" "$at")
		[ -z "$clashes" ] || mistake "$6.to" "only one of the image and the copied folder has a folder at ${2%/}/${clashes%%
*}, the other a file or link" 'copy that part by an entry of its own, to where it belongs'
		cp -RP --remove-destination "$1/." "$at/" # writes to no file that a link of the tree names
		owner "$5" "$6.owner"
		# What was copied, by its names in the source.
		(cd "$1" && find . -mindepth 1 ! -type d -print0) | (cd "$at" && xargs -0r chown -h "$ids")
		(cd "$1" && find . -mindepth 1 -type f -print0) | (cd "$at" && xargs -0r chmod "$3")
		(cd "$1" && find . -mindepth 1 -type d -print0) | (cd "$at" && xargs -0r sh -c 'chown "$0" "$@" && chmod '"$4"' "$@"' "$ids")
		return
	fi
	case $1 in
	/run/content/*) ;;
	*) [ ! -d "$at" ] || at=$at/${1##*/} ;;
	esac
	[ -L "$at" ] || [ ! -d "$at" ] || mistake "$6.to" "${at#"$ROOT"} is a folder" 'name the file that is to be in it'
	rm -f "$at"
	cp "$1" "$at"
	owner "$5" "$6.owner"
	chown "$ids" "$at"
	chmod "$3" "$at"
}

# folder makes a folder: PATH MODE OWNER.
folder() {
	real "$1"
	mkdir -p "$at"
	owner "$3" service.user
	chown "$ids" "$at"
	chmod "$2" "$at"
	touch --date="@$SOURCE_DATE_EPOCH" "$at" "${at%/*}/" # settle.sh leaves what is below /run and /tmp
}

# runnable checks that a program, and the one that its first line names, are in
# the tree: PROGRAM KEY.
runnable() {
	real "$1"
	program=$1
	[ "$at" = "$ROOT$1" ] || program="$1, by links ${at#"$ROOT"},"
	[ -f "$at" ] || mistake "$2" "$program is not in the container" 'put it there by files, or name its package under packages'
	[ -x "$at" ] || mistake "$2" "$1 is a file that cannot be executed" 'give it mode: "0755" under files'
	interpreter=$(head -c 256 "$at" | tr -d '\0' | sed -n '1s/^#![[:blank:]]*\([^[:blank:]]*\).*/\1/p')
	[ -n "$interpreter" ] || return 0
	real "$interpreter"
	[ -f "$at" ] || mistake "$2" "$interpreter, which $1 names in its first line, is not in the container" \
		'name its package under packages, or set container.shell: true'
}
