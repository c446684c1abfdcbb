#!/bin/bash
# Sets this machine up and runs every test there is: vet, format, unit tests,
# then the end-to-end tests of test/. Everything that the tests make lies in
# one temporary folder, so that what they leave behind can be seen.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=60m # go test's own limit for each package
child=

say() { printf '\n== %s\n' "$*"; }

# left lists processes whose command line or working folder is of the tests.
left() {
	local process
	for process in /proc/[0-9]*; do
		if tr '\0' ' ' <"$process/cmdline" | grep -qF "$TMPDIR" ||
			[[ $(readlink "$process/cwd") == "$TMPDIR"* ]]; then
			echo "${process#/proc/} $(tr '\0' ' ' <"$process/cmdline")"
		fi
	done 2>/dev/null
}

# run waits for a command in a way that a signal interrupts.
run() {
	local code=0
	"$@" &
	child=$!
	wait "$child" || code=$?
	child=
	return "$code"
}

# counted shortens the names of compiled packages to a count.
counted() {
	local line compiled=0
	while read -r line; do
		if [[ $line =~ ^[a-zA-Z0-9._~/-]+$ ]]; then
			((++compiled % 100)) || echo "$compiled packages compiled"
		else
			echo "$line"
		fi
	done
}

# finish gives what is ending five seconds, then judges and tidies up.
finish() {
	local code=$? remains mounts
	trap '' INT TERM HUP
	trap - EXIT
	if [[ -n $child ]]; then
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	for _ in {1..50}; do
		remains=$(left)
		[[ -z $remains ]] && break
		sleep 0.1
	done
	mounts=$(grep -F " $TMPDIR/" /proc/self/mounts || true)
	if [[ -n $remains$mounts ]]; then
		say "the tests left behind:"
		printf '%s\n' "$remains" "$mounts"
		cut -d' ' -f1 <<<"$remains" | xargs -r kill -KILL || true
		cut -d' ' -f2 <<<"$mounts" | xargs -r -n1 umount -l || true
		[[ $code != 0 ]] || code=1
	fi
	rm -rf --one-file-system "$TMPDIR" || true
	if [[ $code == 0 ]]; then say "all tests passed"; else say "FAILED (exit code $code)"; fi
	exit "$code"
}

GO=${GO:-go}
# The end-to-end tests and the format tests compare with these tools.
tools=(busybox-static curl gdisk fdisk dosfstools mtools qemu-utils squashfs-tools mmdebstrap)
say "packages that this machine lacks"
scripts/packages.sh "${tools[@]}"
mirrors=$(scripts/mirrors.sh)
for setting in $mirrors; do export "${setting?}"; done

TMPDIR=$(mktemp -d /tmp/bakelite-test.XXXXXX)
chmod 711 "$TMPDIR" # some tests run as an ordinary user
export TMPDIR
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "format"
unformatted=$(git ls-files -z '*.go' | xargs -0 "$("$GO" env GOROOT)/bin/gofmt" -l)
if [[ -n $unformatted ]]; then
	printf 'run gofmt -w on:\n%s\n' "$unformatted"
	exit 1
fi

# Trivy, and so what imports it, is built with this experiment of Go.
scanner=(./scan/trivy/... ./cmd/bakelite-scan ./test/testdb)

say "compile (some minutes the first time)"
"$GO" build -v ./... 2>&1 | counted
GOEXPERIMENT=jsonv2 "$GO" build -v "${scanner[@]}" 2>&1 | counted

say "vet"
run "$GO" vet ./...
GOEXPERIMENT=jsonv2 run "$GO" vet "${scanner[@]}"

say "unit tests"
mapfile -t packages < <("$GO" list ./... | grep -v '/bakelite/test')
run "$GO" test -p 2 -timeout "$limit" "${packages[@]}"

say "unit tests of the scanner"
GOEXPERIMENT=jsonv2 run "$GO" test -p 2 -timeout "$limit" "${scanner[@]}"

if [[ -n $(find test -name '*_test.go' 2>/dev/null) ]]; then
	say "end-to-end tests, each shown when it ends"
	"$GO" build -buildvcs=false -o "$TMPDIR/show" ./scripts/tests
	mkfifo "$TMPDIR/events"
	"$TMPDIR/show" <"$TMPDIR/events" &
	shown=$!
	code=0
	run "$GO" test -json -count=1 -timeout "$limit" ./test/... >"$TMPDIR/events" || code=$?
	wait "$shown"
	[[ $code == 0 ]] || exit "$code"
fi
