# The report of a booted machine: one record a line, marked with "bakelite",
# binary values in base64. It runs as root in the machine, for one boot.
say() { printf 'bakelite %s\n' "$*" >&3; }

encode() { tail -c "${2:-4096}" "$1" | base64 -w 0; }

uptime() { read -r seconds _ </proc/uptime; echo "${seconds%%.*}"; }

# start PORT SECONDS UNIT: waits for the end of the boot, at most SECONDS.
start() {
	exec 3>"$1" 4<"$1"
	stty -F "$1" -echo 2>/dev/null
	out=$RUNTIME_DIRECTORY/out unit=$3
	say begin
	state=$(timeout "$2" systemctl is-system-running --wait)
	say state "${state:-unknown}"
	systemctl show --property=FirmwareTimestampMonotonic,LoaderTimestampMonotonic,FinishTimestampMonotonic |
		while read -r line; do say manager "$line"; done
	say secureboot "$(od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c 2>/dev/null | tr -d ' ')"
	systemctl list-units --failed --plain --no-legend --no-pager | while read -r failed _; do
		journalctl -b -u "$failed" -n 8 -o cat --no-pager >"$out"
		say failed "$failed" "$(encode "$out")"
	done
	systemctl list-jobs --plain --no-legend --no-pager | while read -r _ job kind state; do
		say job "$job" "$kind" "$state"
	done
	while read -r key value _; do say memory "$key$value"; done </proc/meminfo
}

# service: its unit's state, how it ended where it did, and the end of its log.
service() {
	systemctl show "$unit" --property=LoadState,ActiveState,SubState,NRestarts,MemoryPeak,ExecMainCode,ExecMainStatus >"$out"
	while read -r line; do say service "$line"; done <"$out"
	say service "Ends=$(journalctl -b _PID=1 "UNIT=$unit" -o cat --no-pager | sed -n "s/.*Failed with result '\([a-z-]*\)'.*/\1/p" | tail -n 1)"
	journalctl -b -u "$unit" -n 40 -o cat --no-pager >"$out"
	say servicelog "$(encode "$out" 8192)"
}

probe() { say probe "$(systemctl is-active "$1")"; }

# command NUMBER SECONDS USER LINE: makes a unit that runs LINE with all that
# the service's unit gives the service, for at most SECONDS; what it says, at
# most 1 MiB, goes to a file of its user, which it can open by name as the
# service can. It remains after its end: systemd forgets others, and how they
# ended.
command() {
	made=/run/systemd/system/bakelite-command-$1.service
	mkdir -p "${made%/*}"
	sed '/^\(Requires\|Type\|ExecStart\|Restart\|RestartSec\|StandardOutput\|StandardError\)=/d; /^\[Install\]/,$d' "/etc/systemd/system/$unit" >"$made"
	printf '%s\n' Type=oneshot RemainAfterExit=yes "ExecStart=:$4" "TimeoutStartSec=$2" TimeoutStopSec=1 "StandardOutput=truncate:$out.$1" StandardError=inherit \
		LimitFSIZE=1M >>"$made"
	: >"$out.$1"
	chown "$3" "$out.$1"
}

# check NUMBER SECONDS EXIT TEXT: starts a command's unit until it gives what
# it should, or for so many seconds.
check() {
	deadline=$(($(uptime) + $2))
	while :; do
		systemctl restart "bakelite-command-$1.service" 2>/dev/null
		code=$(ended "bakelite-command-$1.service")
		[ "$code" = "$3" ] && case $(cat "$out.$1") in *"$4"*) break ;; esac
		[ "$(uptime)" -ge "$deadline" ] && break
		sleep 1
	done
	say command "$1" "$code" "$(head -c 4096 "$out.$1" | base64 -w 0)"
}

# ended UNIT: the exit code, as a shell tells it: of what a signal ended 128 and
# its number, of what took too long 124.
ended() {
	systemctl show "$1" --property=Result,ExecMainCode,ExecMainStatus | {
		while IFS== read -r key value; do
			case $key in Result) result=$value ;; ExecMainCode) kind=$value ;; ExecMainStatus) status=$value ;; esac
		done
		[ "$kind" = 1 ] || status=$((128 + status))
		[ "$result" != timeout ] || status=124
		echo "$status"
	}
}

# controls UNIT: has a program look at the machine, which writes its own record.
controls() {
	systemctl start "$1" >"$out" 2>&1 && return
	journalctl -b -u "$1" -n 15 -o cat --no-pager >>"$out"
	say controlslog "$(encode "$out")"
}

# finish ends the report, and then looks at the service whenever it is asked.
finish() {
	say end
	while read -r word <&4; do
		[ "$word" = look ] || continue
		service
		say end
	done
}
