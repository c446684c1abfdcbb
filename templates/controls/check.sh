# Checks hardening controls on the tree at $ROOT and changes nothing. ADMIN
# names the account that may log in, if any. CMDLINE is the kernel command
# line that the tree will be booted with, by default that of $ROOT/proc.
# BOOTED is set on a running machine. Every line printed is an identifier,
# "pass" or "fail", and a detail, with tabs between them.
top=$(pwd -P)
newline='
'

# trees: the tree, and its folders that are file systems of their own.
trees() {
	echo .
	for dir in ./boot ./etc ./home ./opt ./root ./srv ./usr ./var ./var/lib ./var/log ./var/tmp; do
		inside "${dir#.}/." && [ -d "$dir" ] || continue
		above=$(stat -c %d "${dir%/*}")
		[ "$(stat -c %d "$dir")" = "$above" ] || echo "$dir"
	done
}

# seek SAYING FIND-TEST...: a line for each of the first files that are found.
seek() {
	saying=$1
	shift
	start=$(trees)
	# shellcheck disable=SC2086 # trees prints plain words
	{ find $start -xdev -ignore_readdir_race "$@" -print0 || printf 'a folder that cannot be read\0'; } |
		tr '\001-\037\177-\377' '?' | tr '\0' '\n' | sort -u |
		mawk -v saying="$saying" '{ sub(/^\./, "") } NR <= 5 { print $0 " " saying } END { if (NR > 5) print NR - 5 " more of these" }'
}

plain() { inside "$1" && [ -f ".$1" ] && [ ! -L ".$1" ]; }

# leads_out FILE: FILE, which may be a link, is not a file of this tree.
leads_out() {
	real=$(realpath -m -- "$1")
	[ "${real#"${top%/}/"}" = "$real" ]
}

# masked FILE: FILE is a link to /dev/null, which stands for an empty file.
masked() { [ -L "$1" ] && [ "$(readlink -- "$1")" = /dev/null ]; }

# show FILE: its text without the bytes 1 to 3, which mark lines of our own:
# byte 1 starts a problem.
show() {
	if masked "$1"; then return; fi
	if leads_out "$1"; then
		printf '\001%s leads out of the tree\n' "${1#.}"
	elif [ -f "$1" ]; then
		tr -d '\001-\003' <"$1"
		echo
	fi
}

# settings NAME: the text of the .conf files in NAME.d, in the order that
# systemd and kmod read them: by name; of equal names the first folder's wins.
settings() {
	names=
	for dir in "./etc/$1" "./run/$1" "./usr/local/lib/$1" "./usr/lib/$1"; do
		inside "${dir#.}/." || printf '\001%s is behind a link\n' "${dir#.}"
		for file in "$dir"/*.conf; do
			[ -e "$file" ] || [ -L "$file" ] || continue
			case $file in *"$newline"*) printf '\001a name in %s has a line break\n' "${dir#.}" ;; esac
			names=$names${file##*/}$newline
		done
	done
	printf '%s' "$names" | sort -u | while IFS= read -r name; do
		for dir in "./etc/$1" "./run/$1" "./usr/local/lib/$1" "./usr/lib/$1"; do
			if [ -e "$dir/$name" ] || [ -L "$dir/$name" ]; then
				show "$dir/$name"
				break
			fi
		done
	done
}

wrong_file() {
	if ! plain "$1"; then
		echo "$1 is missing or not a file"
		return
	fi
	[ "$(sha256sum <".$1")" = "$(text "$3" | sha256sum)" ] || echo "$1 has other content"
	wrong_mode "$2" 0:0 "$1"
}

wrong_present() {
	for path do
		if ! inside "$path"; then
			echo "$path is behind a link or a file"
		elif [ -d ".${path%/*}" ]; then
			find ".${path%/*}" -mindepth 1 -maxdepth 1 -name "${path##*/}" -print0 |
				tr '\001-\037\177-\377' '?' | tr '\0' '\n' | sort | sed 's/^\.//; s/$/ is there/'
		fi
	done
}

wrong_mode() {
	most=$1 owner=$2
	shift 2
	for path do
		if ! inside "$path" || [ -L ".$path" ]; then
			echo "$path is a link or behind one"
			continue
		fi
		[ -e ".$path" ] || continue
		now=$(stat -c %a ".$path") whose=$(stat -c %u:%g ".$path")
		[ "$((0$now & ~0$most))" = 0 ] || echo "$path has mode $now, not $most"
		[ "$whose" = "$owner" ] || echo "$path belongs to $whose, not $owner"
	done
}

wrong_bits() {
	for path do
		set -- "$@" ! -path ".$path"
		shift
	done
	seek 'has a set-uid or set-gid bit' -type f -perm /6000 "$@"
}

wrong_world_writable() {
	seek 'can be written by everybody' \( -type f -o -type p -o -type s \) -perm -0002
	seek 'can be written by everybody and is not sticky' -type d -perm -0002 ! -perm -1000
}

wrong_sysctl() {
	settings sysctl.d | mawk '
		function canon(key) {
			if (key ~ /^[^.]*\//) { gsub(/\./, "\n", key); gsub(/\//, ".", key); gsub(/\n/, "/", key) }
			return key
		}
		function matches(glob, key) {
			gsub(/[.]/, "[.]", glob); gsub(/[*]/, "[^.]*", glob)
			return key ~ ("^" glob "$")
		}
		BEGIN {
			for (i = 1; i < ARGC; i++) { at = index(ARGV[i], "="); key[i] = substr(ARGV[i], 1, at - 1); want[key[i]] = substr(ARGV[i], at + 1) }
			count = ARGC - 1; ARGC = 1
		}
		/^\001/ { print substr($0, 2); next }
		/^[ \t]*([#;]|$)/ || !/=/ { next }
		{
			at = index($0, "="); name = substr($0, 1, at - 1); value = substr($0, at + 1)
			gsub(/^[ \t]*-?[ \t]*|[ \t]+$/, "", name); gsub(/^[ \t]+|[ \t\r]+$/, "", value); gsub(/[ \t]+/, " ", value)
			have[canon(name)] = value
		}
		END {
			for (i = 1; i <= count; i++) {
				name = key[i]
				if (!(name in have)) print name " is not set"
				else if (have[name] != want[name]) print name " is " have[name] ", not " want[name]
				for (glob in have) if (glob != name && glob ~ /[*]/ && have[glob] != want[name] && matches(glob, name)) print glob " is " have[glob]
			}
		}' "$@"
}

wrong_module() {
	settings modprobe.d | mawk '
		function canon(name) { gsub(/-/, "_", name); return name }
		BEGIN { for (i = 1; i < ARGC; i++) name[i] = ARGV[i]; count = ARGC - 1; ARGC = 1 }
		/^\001/ { print substr($0, 2); next }
		$1 == "blacklist" { black[canon($2)] = 1 }
		$1 == "install" { if (NF == 3 && $3 == "/bin/false") shut[canon($2)] = 1; else open[canon($2)] = 1 }
		END {
			for (i = 1; i <= count; i++) {
				if (!(canon(name[i]) in black)) print name[i] " is not blacklisted"
				if (!(canon(name[i]) in shut) || canon(name[i]) in open) print name[i] " can be loaded"
			}
		}' "$@"
}

wrong_argument() {
	if [ -z "${CMDLINE+set}" ] && ! plain /proc/cmdline; then
		echo 'there is no kernel command line to look at'
		return
	fi
	line=$(if [ -n "${CMDLINE+set}" ]; then text "$CMDLINE"; else cat ./proc/cmdline; fi | tr '\n\t' '  ')
	for word do
		case " $line " in *" $word "*) ;; *) echo "the kernel command line lacks $word" ;; esac
		# Of two values for one name the kernel takes the last.
		text "$line" | mawk -v RS=' ' -v word="$word" '
			BEGIN { at = index(word, "="); name = at ? substr(word, 1, at) : "" }
			name != "" && index($0, name) == 1 { last = $0 }
			END { if (last != "" && last != word) print "the kernel command line ends with " last }'
	done
}

wrong_mount() {
	path=$1
	shift
	if ! plain /etc/fstab; then
		echo '/etc/fstab is missing or not a file'
		return
	fi
	mawk '
		BEGIN { path = ARGV[1]; for (i = 2; i < ARGC; i++) want[i] = ARGV[i]; count = ARGC - 1; ARGV[1] = "./etc/fstab"; ARGC = 2 }
		$1 !~ /^#/ && $2 == path { found = 1; options = "," $4 "," }
		END {
			if (!found) { print "/etc/fstab does not name " path; exit }
			for (i = 2; i <= count; i++) if (!index(options, "," want[i] ",")) print path " is mounted without " want[i]
		}' "$path" "$@"
}

wrong_passwords() {
	for file in /etc/shadow /etc/gshadow /etc/passwd; do
		if ! plain "$file"; then
			if present "$file"; then echo "$file is not a file"; fi
			continue
		fi
		mawk -F: -v file="$file" '
			/^[+]/ { print file " takes entries from elsewhere"; next }
			NF > 1 && !(file == "/etc/passwd" && $2 == "x") && ($2 !~ /^[!*]/ || $2 ~ /[$]/) { print file " has a password for " $1 (($2 == "") ? ", an empty one" : "") }' ".$file"
	done
}

wrong_shells() {
	if ! plain /etc/passwd; then
		if present /etc/passwd; then echo '/etc/passwd is not a file'; fi
		return
	fi
	mawk -F: '
		BEGIN { admin = ENVIRON["ADMIN"] }
		NF > 1 && $1 != admin && !($1 == "root" && admin != "") && $7 !~ /^(\/usr)?(\/sbin\/nologin|\/bin\/false)$/ { print $1 " has the login shell " (($7 == "") ? "/bin/sh" : $7) }' ./etc/passwd
}

wrong_keys() {
	if ! plain "$1"; then
		echo "$1 is missing or not a file"
		return
	fi
	mawk '
		BEGIN {
			file = ARGV[1]
			for (i = 2; i < ARGC; i++) { at = index(ARGV[i], "="); key[i] = substr(ARGV[i], 1, at - 1); want[i] = substr(ARGV[i], at + 1) }
			count = ARGC - 1; ARGV[1] = "." file; ARGC = 2
		}
		$1 !~ /^#/ { have[$1] = $2 }
		END {
			for (i = 2; i <= count; i++) {
				now = (key[i] in have) ? have[key[i]] : "not set"
				if (now != want[i]) print key[i] " in " file " is " now ", not " want[i]
			}
		}' "$@"
}

# wrong_sshd KEY=VALUE...: the first value that sshd reads counts, and a Match
# block can set another one for some logins.
wrong_sshd() {
	if ! plain /etc/ssh/sshd_config || ! inside /etc/ssh/sshd_config.d/.; then
		echo '/etc/ssh/sshd_config is missing or behind a link'
		return
	fi
	{
		for file in ./etc/ssh/sshd_config.d/*.conf; do
			[ -e "$file" ] || [ -L "$file" ] || continue
			printf '\002\n'
			show "$file"
		done
		printf '\003\n'
		show ./etc/ssh/sshd_config
	} | mawk '
		function keyword(line) { sub(/[ \t=].*/, "", line); return tolower(line) }
		function argument(line) { sub(/^[^ \t=]+[ \t]*=?[ \t]*/, "", line); sub(/[ \t\r]+$/, "", line); gsub(/"/, "", line); return tolower(line) }
		function read(line,   name, value) {
			sub(/^[ \t]+/, "", line)
			if (line == "" || line ~ /^#/) return
			name = keyword(line); value = argument(line)
			if (name == "match") { block = 1; return }
			if (name == "include" && (!main || value != "/etc/ssh/sshd_config.d/*.conf")) { print "sshd includes " value; return }
			if (name == "include") { dropins(); return }
			if (!(name in want)) return
			if (block && value != want[name]) print "a Match block sets " name " " value
			if (!block && !(name in have)) have[name] = value
		}
		function dropins(   i, outer) {
			outer = block; main = 0
			for (i = 1; i <= count; i++) { if (line[i] == "\002") block = outer; else read(line[i]) }
			block = outer; main = 1
		}
		BEGIN {
			for (i = 1; i < ARGC; i++) { at = index(ARGV[i], "="); key[i] = tolower(substr(ARGV[i], 1, at - 1)); want[key[i]] = tolower(substr(ARGV[i], at + 1)) }
			keys = ARGC - 1; ARGC = 1
		}
		/^\001/ { print substr($0, 2); next }
		$0 == "\003" { main = 1; next }
		!main { line[++count] = $0; next }
		{ read($0) }
		END {
			for (i = 1; i <= keys; i++) {
				now = (key[i] in have) ? have[key[i]] : "its default"
				if (now != want[key[i]]) print "sshd sets " key[i] " to " now ", not " want[key[i]]
			}
		}' "$@"
}

# report ID NOTE FOUND: FOUND is a line for each problem and the line "end",
# which is missing where the check broke off. No problem is the word "end"
# alone, whatever the names in the tree are.
report() {
	case $3 in
	end) printf '%s\tpass\t%s\n' "$1" "$2" ;;
	*)
		detail=$(printf '%s\n' "$3" | tr '\001-\011\013-\037\177-\377' '?' | mawk '
			{ line[NR] = $0 }
			END {
				count = NR
				if (line[count] == "end") count--; else line[++count] = "the check did not finish"
				for (i = 1; i <= count; i++) if (line[i] != "") all = all (all == "" ? "" : "; ") line[i]
				print substr(all, 1, 500)
			}')
		printf '%s\tfail\t%s\n' "$1" "$detail"
		;;
	esac
}
