#!/bin/sh
# The demonstration: bakes examples/web into a container image and a disk,
# serves the page from both, has both scanned, judged, signed and published,
# verifies them as a consumer does, and leaves nothing running, however it ends.
# BAKELITE_STATE, BAKELITE_OUTPUT, BAKELITE_REGISTRY and
# BAKELITE_SCANNER_DATABASE are respected.
set -eu
cd "$(dirname "$0")/.."
app=examples/web
title='Baked with Bakelite'
boot_limit=600 # seconds; a boot without KVM was measured at 160 on a busy machine
stop_limit=30  # seconds
work=$(mktemp -d)
own=${BAKELITE_OUTPUT:-dist}/demo # its key and database
child=

say() { printf '\n== %s\n' "$*" >&2; }

# finish ends what was started, by its process identifier.
finish() {
	code=$?
	trap '' INT TERM HUP
	trap - EXIT
	stop
	[ ! -x bin/bakelite ] || bin/bakelite engine stop 2>/dev/null || :
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# run waits for a command in a way that a signal interrupts.
run() {
	"$@" &
	child=$!
	code=0
	wait "$child" || code=$?
	child=
	return "$code"
}

# stop ends the command that runs: politely, then surely.
stop() {
	[ -n "$child" ] || return 0
	kill -TERM "$child" 2>/dev/null || :
	deadline=$(($(date +%s) + stop_limit))
	while kill -0 "$child" 2>/dev/null && [ "$(date +%s)" -lt "$deadline" ]; do sleep 0.1; done
	kill -KILL "$child" 2>/dev/null || :
	wait "$child" 2>/dev/null || :
	child=
}

bake() { run bin/bakelite build --json "$app" >"$work/result.json"; }

# serve NAME SECONDS COMMAND...: starts an artifact, fetches its page within
# the time, and ends it.
serve() {
	name=$1 limit=$2
	shift 2
	say "$*"
	"$@" >"$work/$name.log" 2>&1 &
	child=$!
	deadline=$(($(date +%s) + limit))
	until fetch "$name"; do
		if ! kill -0 "$child" 2>/dev/null || [ "$(date +%s)" -ge "$deadline" ]; then
			cat "$work/$name.log" >&2
			echo "no page from the $name within $limit s" >&2
			exit 6
		fi
		sleep 1
	done
	echo "the $name serves at $url: $(grep -o '<title>.*</title>' "$work/page")" >&2
	stop
}

# fetch NAME gets the page from the first address that the command printed.
fetch() {
	url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$work/$1.log" | head -1)
	[ -n "$url" ] && curl -fs --noproxy '*' --max-time 5 -o "$work/page" "$url/" && grep -q "$title" "$work/page"
}

say "packages that this machine lacks"
scripts/packages.sh curl
mirrors=$(scripts/mirrors.sh)
for setting in $mirrors; do export "${setting?}"; done

say "build Bakelite (some minutes the first time)"
run make --no-print-directory build >&2

say "bake $app: one app file, two artifacts, both tested"
code=0
bake || code=$?
if [ "$code" = 4 ]; then
	say "if the archive has dropped a locked package, a new lock helps: lock, and bake again"
	run bin/bakelite lock "$app" >&2
	code=0
	bake || code=$?
fi
[ "$code" = 0 ] || exit "$code"

serve container 60 bin/bakelite run "$app"
serve disk "$boot_limit" bin/bakelite boot "$app"

say "make a key (without a passphrase, as it signs a demonstration only)"
export BAKELITE_KEY_PASSPHRASE=
mkdir -p "$own"
[ -e "$own/demo.key" ] || run bin/bakelite keygen --name "$own/demo" >&2

database=${BAKELITE_SCANNER_DATABASE:-}
if [ -z "$database" ]; then
	say "make a database: a few dozen real facts about Debian's packages, for the demonstration"
	database=$own/database
	rm -rf "$database"
	run env GOEXPERIMENT=jsonv2 "$GO" run -trimpath -buildvcs=false ./test/testdb --updated "$(date -u +%FT%TZ)" "$database" >&2
	echo "It is far from complete: --database, or the setting scanner.database, names the full one." >&2
fi

say "publish: scan, judge, sign, verify, send both, and move the names last"
run bin/bakelite publish --json --key "$own/demo.key" --database "$database" "$app" >"$work/published.json"

# verify TARGET: what a consumer who has the public key does before a run.
verify() {
	run bin/bakelite verify --public-key "$own/demo.pub" "$1" >"$work/verified"
	sed -n '1,2p' "$work/verified" >&2
}

say "verify what was published, by reference, and the disk's file"
refs=$(sed 's/.*"published"://' "$work/published.json" | grep -o '"ref":"[^"]*"' | cut -d '"' -f 4)
for ref in $refs; do verify "$ref"; done
verify "${BAKELITE_OUTPUT:-dist}/web.qcow2"

say "inspect the disk: what is stated about it"
run bin/bakelite inspect --public-key "$own/demo.pub" "$ref" >&2

say "what was made"
cat "$work/result.json" "$work/published.json" | "$GO" run -buildvcs=false ./scripts/summary
