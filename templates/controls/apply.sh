# Applies hardening controls to the tree at $ROOT. ADMIN names the account
# that may log in, if any; SOURCE_DATE_EPOCH dates what is written, if set.
# A second run changes nothing.

die() {
	echo "hardening: $*" >&2
	exit 1
}

guard() { inside "$1" || die "$1 is behind a link or a file; put a folder there"; }

stamp() { [ -z "${SOURCE_DATE_EPOCH:-}" ] || touch -h -d "@$SOURCE_DATE_EPOCH" -- "$@"; }

folder() {
	if [ -d ".$1" ]; then return; fi
	folder "${1%/*}"
	mkdir ".$1"
	stamp ".$1" ".${1%/*}"
}

# fill PATH MODE OWNER COMMAND...: PATH holds what COMMAND prints.
fill() {
	path=$1 mode=$2 owner=$3
	shift 3
	guard "$path"
	folder "${path%/*}"
	if [ -d ".$path" ] && [ ! -L ".$path" ]; then die "$path is a folder; remove it"; fi
	if [ -L ".$path" ] || [ ! -f ".$path" ] || [ "$("$@" | sha256sum)" != "$(sha256sum <".$path")" ]; then
		new=$(mktemp ".${path%/*}/.bakelite.XXXXXX")
		"$@" >"$new"
		chown "$owner" "$new"
		chmod "$mode" "$new"
		mv -fT "$new" ".$path"
		stamp ".$path" ".${path%/*}"
	fi
	[ "$(stat -c %a:%u:%g ".$path")" = "$mode:$owner" ] || { chown "$owner" ".$path" && chmod "$mode" ".$path"; }
}

# rewrite PATH COMMAND...: as fill, with the mode and owner that PATH has.
rewrite() {
	keep=$1
	shift
	fill "$keep" "$(stat -c %a ".$keep")" "$(stat -c %u:%g ".$keep")" "$@"
}

# plain PATH: PATH is a file; nothing may stand for it that is not one.
plain() {
	guard "$1"
	if [ -L ".$1" ]; then die "$1 is a link; put a file there"; fi
	[ -f ".$1" ]
}

put() { fill "$1" "$2" 0:0 text "$3"; }

# drop PATH...: the last part of each may be a pattern.
drop() {
	for path do
		guard "$path"
		[ -d ".${path%/*}" ] || continue
		[ -n "$(find ".${path%/*}" -mindepth 1 -maxdepth 1 -name "${path##*/}" -print -quit)" ] || continue
		find ".${path%/*}" -mindepth 1 -maxdepth 1 -name "${path##*/}" -exec rm -rf -- {} +
		stamp ".${path%/*}"
	done
}

limit() {
	most=$1 owner=$2
	shift 2
	for path do
		guard "$path"
		if [ -L ".$path" ]; then die "$path is a link; put a file or a folder there"; fi
		[ -e ".$path" ] || continue
		[ "$(stat -c %u:%g ".$path")" = "$owner" ] || chown -h "$owner" ".$path"
		now=$((0$(stat -c %a ".$path")))
		# Five digits: with fewer, chmod leaves the set-gid bit of folders.
		[ "$((now & 0$most))" = "$now" ] || chmod "$(printf %05o "$((now & 0$most))")" ".$path"
	done
}

strip_bits() {
	for path do
		set -- "$@" ! -path ".$path"
		shift
	done
	find . -xdev -type f -perm /6000 "$@" -exec chmod ug-s {} +
}

strip_world_writable() {
	find . -xdev \( -type f -o -type p -o -type s \) -perm -0002 -exec chmod o-w {} +
	find . -xdev -type d -perm -0002 ! -perm -1000 -exec chmod +t {} +
}

shadowed() {
	mawk -F: -v OFS=: '/^[+]/ { next } NF > 1 && $2 != "x" && ($2 !~ /^[!*]/ || $2 ~ /[$]/) { $2 = "x" } { print }' ".$1"
}

# "!*" is how systemd writes a password that is locked and was never set.
locked() {
	mawk -F: -v OFS=: '/^[+]/ { next } NF > 1 && ($2 !~ /^[!*]/ || $2 ~ /[$]/) { $2 = "!*" } { print }' ".$1"
}

lock_passwords() {
	if plain /etc/shadow; then rewrite /etc/shadow locked /etc/shadow; fi
	if plain /etc/gshadow; then rewrite /etc/gshadow locked /etc/gshadow; fi
	if plain /etc/passwd; then rewrite /etc/passwd shadowed /etc/passwd; fi
}

shut() {
	mawk -F: -v OFS=: '
		BEGIN { admin = ENVIRON["ADMIN"] }
		NF > 1 && $1 != admin && !($1 == "root" && admin != "") && $7 !~ /^(\/usr)?(\/sbin\/nologin|\/bin\/false)$/ { $7 = "/usr/sbin/nologin" }
		{ print }' ".$1"
}

lock_shells() {
	if plain /etc/passwd; then rewrite /etc/passwd shut /etc/passwd; fi
}

with_key() {
	mawk -v key="$2" -v value="$3" '
		$1 == key { if (!done++) print key "\t" value; next }
		{ print }
		END { if (!done) print key "\t" value }' ".$1"
}

# set_keys PATH KEY=VALUE...
set_keys() {
	file=$1
	shift
	plain "$file" || put "$file" 644 ''
	for pair do
		rewrite "$file" with_key "$file" "${pair%%=*}" "${pair#*=}"
	done
}
