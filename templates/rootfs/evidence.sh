# Refuses what the app's own part changed of what packages are known and judged
# by: in $ROOT that must be as it is in /before. What a new package brings may
# be there too.
spoiled() {
	echo "app file: files, steps and base.dockerfile may not change or remove /$1, by which packages are known and judged; next: leave it as it comes" >&2
	exit 1
}

# evidence lists a tree's release files, licences and dpkg's files of packages,
# each with its type, link and digest.
evidence() {
	cd "$1"
	{ # not each of them is in each tree
		find etc/debian_version etc/os-release usr/lib/os-release var/lib/dpkg/status.d var/lib/dpkg/info ! -type d -print0 || :
		find usr/share/doc -mindepth 1 -maxdepth 1 ! -type d -print0 || :
		find usr/share/doc -mindepth 2 -maxdepth 2 -name copyright -print0 || :
	} 2>/dev/null >/tmp/files
	xargs -0r sh -c 'for file; do [ -L "$file" ] || [ ! -f "$file" ] || printf "%s\0" "$file"; done' - </tmp/files |
		xargs -0r sha256sum --zero | sed -z 's/  /\t/'
	find -files0-from /tmp/files -maxdepth 0 -printf '%y %l\t%p\0'
}
(evidence /before) | sort -z >/tmp/was
(evidence "$ROOT") | sort -z >/tmp/is
comm -z -23 /tmp/was /tmp/is | cut -z -f2- | tr '\n\0' '?\n' | sort -u >/tmp/gone
[ ! -s /tmp/gone ] || spoiled "$(head -n 1 /tmp/gone)"

sed -n 's/^Package: //p' /before/var/lib/dpkg/status | sort -u >/tmp/known
comm -z -13 /tmp/was /tmp/is | cut -z -f2- | tr '\n\0' '?\n' | sort -u >/tmp/new
while read -r path; do
	name=
	case $path in
	usr/share/doc/*) name=${path#usr/share/doc/} name=${name%%/*} ;;
	var/lib/dpkg/info/*) name=${path##*/} name=${name%.*} name=${name%%:*} ;;
	esac
	[ -n "$name" ] && ! grep -qxF "$name" /tmp/known || spoiled "$path"
done </tmp/new

mawk 'BEGIN { RS = ""; while ((getline stanza <ARGV[1]) > 0) is[stanza]; ARGV[1] = "" }
	!($0 in is) { sub(/^Package: /, ""); sub(/\n.*/, ""); print; exit }' "$ROOT/var/lib/dpkg/status" /before/var/lib/dpkg/status >/tmp/lost
[ ! -s /tmp/lost ] || spoiled "var/lib/dpkg/status (package $(cat /tmp/lost))"
