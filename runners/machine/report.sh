# The report of a booted machine: one record a line, marked with "bakelite",
# binary values in base64. It runs as root in the machine, for one boot.
say() { printf 'bakelite %s\n' "$*" >&3; }

encode() { head -c 4096 "$1" | base64 -w 0; }

uptime() { read -r seconds _ </proc/uptime; echo "${seconds%%.*}"; }

# start PORT SECONDS: waits for the end of the boot, at most SECONDS.
start() {
	exec 3>"$1"
	out=$RUNTIME_DIRECTORY/out
	say begin
	state=$(timeout "$2" systemctl is-system-running --wait)
	say state "${state:-unknown}"
	systemctl show --property=FirmwareTimestampMonotonic,LoaderTimestampMonotonic,FinishTimestampMonotonic |
		while read -r line; do say manager "$line"; done
	say secureboot "$(od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c 2>/dev/null | tr -d ' ')"
	systemctl list-units --failed --plain --no-legend --no-pager | while read -r unit _; do
		journalctl -b -u "$unit" -n 8 -o cat --no-pager >"$out"
		say failed "$unit" "$(encode "$out")"
	done
	systemctl list-jobs --plain --no-legend --no-pager | while read -r _ unit kind state; do
		say job "$unit" "$kind" "$state"
	done
	while read -r key value _; do say memory "$key$value"; done </proc/meminfo
}

# service UNIT: its state when it has run for a moment, and why it does not.
service() {
	sleep 2
	systemctl show "$1" --property=LoadState,ActiveState,NRestarts,MemoryPeak >"$out"
	while read -r line; do say service "$line"; done <"$out"
	grep -qx ActiveState=active "$out" && grep -qx NRestarts=0 "$out" && return
	journalctl -b -u "$1" -n 15 -o cat --no-pager >"$out"
	say servicelog "$(encode "$out")"
}

probe() { say probe "$(systemctl is-active "$1")"; }

# check NUMBER SECONDS ATTEMPT USER FOLDER EXIT TEXT NAME=VALUE... COMMAND ARGUMENT...
check() {
	number=$1 once=$3 user=$4 folder=${5:-/} exit=$6 text=$7
	deadline=$(($(uptime) + $2))
	shift 7
	while :; do
		attempt "$@" >"$out" 2>&1
		code=$?
		[ "$code" = "$exit" ] && case $(cat "$out") in *"$text"*) break ;; esac
		[ "$(uptime)" -ge "$deadline" ] && break
		sleep 1
	done
	say command "$number" "$code" "$(encode "$out")"
}

# attempt runs as the service's user, so that a test sees what the service
# sees, with at most 1 MiB of output (2048 blocks of 512 bytes).
attempt() (
	cd "$folder" && ulimit -f 2048
	[ -z "$user" ] ||
		set -- setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --no-new-privs env -i "$@"
	[ -n "$user" ] || set -- env -i "$@"
	exec timeout -k 1 "$once" "$@"
)

# controls UNIT: has a program look at the machine, which writes its own record.
controls() {
	systemctl start "$1" >"$out" 2>&1 && return
	journalctl -b -u "$1" -n 15 -o cat --no-pager >>"$out"
	say controlslog "$(encode "$out")"
}

finish() { say end; }
