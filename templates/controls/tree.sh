# What applying and checking share. Both work from inside the tree, on names
# that start with ./, and never walk through a link: a tree is not trusted, and
# a link in it could lead out of it.
umask 022
LC_ALL=C
export LC_ALL
cd -P -- "${ROOT:?is the folder of the tree}" || exit 1

# inside PATH: no folder on the way to PATH is a link, or not a folder.
inside() {
	on=. rest=${1#/}
	while [ "${rest#*/}" != "$rest" ]; do
		on=$on/${rest%%/*} rest=${rest#*/}
		if [ -L "$on" ]; then return 1; fi
		[ -e "$on" ] || return 0
		[ -d "$on" ] || return 1
	done
}

# present PATH: there is something at PATH, or a link hides what is there.
present() {
	if ! inside "$1"; then return 0; fi
	[ -e ".$1" ] || [ -L ".$1" ]
}

# text CONTENT: CONTENT as the text of a file.
text() { printf '%s' "$1"; }
