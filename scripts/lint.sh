#!/bin/sh
# Checks the house rules. The linters are built once, from the module proxy,
# into bin/; shellcheck comes from the distribution.
set -eu
cd "$(dirname "$0")/.."
golangci=v2.15.0
actionlint=v1.7.12

tool() {
	name=$1 module=$2 version=$3
	[ -x "bin/$name-$version" ] && return 0
	echo "building $name $version" >&2
	GOBIN=$PWD/bin GOFLAGS=-mod=mod "$GO" install "$module@$version"
	mv "bin/$name" "bin/$name-$version"
}

tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint "$golangci"
tool actionlint github.com/rhysd/actionlint/cmd/actionlint "$actionlint"
scripts/packages.sh shellcheck

GOEXPERIMENT=jsonv2 "bin/golangci-lint-$golangci" run ./...
"bin/actionlint-$actionlint" -color .github/workflows/*.yml
shellcheck scripts/*.sh .ci/run
