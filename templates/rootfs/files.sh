# Functions that put files into the tree at $ROOT. Calls follow.

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

# owner sets $ids to the numbers of user[:group] by the tree's own names.
owner() {
	user=${1%%:*} group=
	case $1 in *:*) group=${1#*:} ;; esac
	uid=$(id_of passwd "$user" 3)
	[ -n "$group" ] && gid=$(id_of group "$group" 3) || gid=$(id_of passwd "$user" 4)
	[ -n "$uid" ] && [ -n "$gid" ] || { echo "owner $1: the image has no such user or group" >&2 && exit 1; }
	ids=$uid:$gid
}

id_of() {
	case $2 in
	*[!0-9]*) sed -n "s/^$2:/&/p" "$ROOT/etc/$1" | cut -d: -f"$3" ;;
	*) echo "$2" ;;
	esac
}

# put copies a file or folder: FROM TO MODE FOLDERMODE OWNER.
put() {
	real "${2%/*}"
	mkdir -p "$at"
	real "$2"
	if [ -d "$1" ]; then
		mkdir -p "$at"
		cp -RP "$1/." "$at/"
		owner "$5"
		# What was copied, by its names in the source.
		(cd "$1" && find . -mindepth 1 ! -type d -print0) | (cd "$at" && xargs -0r chown -h "$ids")
		(cd "$1" && find . -mindepth 1 -type f -print0) | (cd "$at" && xargs -0r chmod "$3")
		(cd "$1" && find . -mindepth 1 -type d -print0) | (cd "$at" && xargs -0r sh -c 'chown "$0" "$@" && chmod '"$4"' "$@"' "$ids")
		return
	fi
	[ ! -d "$at" ] || at=$at/${1##*/}
	rm -f "$at"
	cp "$1" "$at"
	owner "$5"
	chown "$ids" "$at"
	chmod "$3" "$at"
}

# folder makes a folder: PATH MODE OWNER.
folder() {
	real "$1"
	mkdir -p "$at"
	owner "$3"
	chown "$ids" "$at"
	chmod "$2" "$at"
}
