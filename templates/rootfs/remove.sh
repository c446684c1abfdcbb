# Takes the packages named in REMOVE out of $ROOT: their files, and their
# entries in dpkg's database.
cd "$ROOT"
info=var/lib/dpkg/info
: >/tmp/removed
: >/tmp/files
for package in $REMOVE; do
	for list in "$info/$package.list" "$info/$package":*.list; do
		[ -e "$list" ] || continue
		echo "$package" >>/tmp/removed
		cat "$list" >>/tmp/files
	done
done
# A file that a kept package lists too stays; folders go when they are empty.
sort -u /tmp/removed >/tmp/names
for list in "$info"/*.list; do
	name=${list##*/}
	name=${name%.list}
	echo "${name%:*} $list"
done | sort | join -v 1 - /tmp/names | cut -d' ' -f2 | xargs cat | sort -u >/tmp/kept
sort -u /tmp/files | comm -23 - /tmp/kept | sed 's|^/||; /^\.$/d' | sort -r >/tmp/gone
while read -r path; do
	if [ -L "$path" ] || [ -f "$path" ]; then printf '%s\n' "$path" >&3; elif [ -d "$path" ]; then printf '%s\n' "$path"; fi
done </tmp/gone >/tmp/folders 3>/tmp/plain
xargs -d '\n' rm -f </tmp/plain
xargs -d '\n' rmdir --ignore-fail-on-non-empty </tmp/folders
while read -r package; do
	rm -f "$info/$package".* "$info/$package":*.*
done </tmp/removed
mawk 'BEGIN { while ((getline name <"/tmp/removed") > 0) gone[name]; RS = ""; ORS = "\n\n" }
	{ name = $0; sub(/^Package: /, "", name); sub(/\n.*/, "", name) } !(name in gone)' var/lib/dpkg/status >/tmp/status
cat /tmp/status >var/lib/dpkg/status
# Links that now lead nowhere; absolute ones start at the tree's own root, and
# those of the alternatives system go before those that lead to them.
find etc/alternatives/ bin/ sbin/ usr/lib/ usr/share/ -type l -printf '%p\n%l\n' 2>/dev/null | while read -r link && read -r to; do
	case $to in
	/dev/* | /proc/* | /run/* | /sys/*) continue ;; # there once it runs; /dev/null masks a unit
	/*) to=.$to ;;
	*) to=${link%/*}/$to ;;
	esac
	[ -e "$to" ] || [ -L "$to" ] || rm -f "$link"
done
