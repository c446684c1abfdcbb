# Makes $ROOT ready for dpkg. Its database lies in memory until keep_database:
# dpkg syncs it to disk hundreds of times.
mkdir -p "$ROOT/usr/sbin" "$ROOT/var/lib/dpkg"
database=$(readlink -f "$ROOT/var/lib/dpkg") # a base image may have a link there
mv "$database" /tmp/dpkg
ln -s /tmp/dpkg "$database"
mkdir -p /tmp/dpkg/info /tmp/dpkg/updates /tmp/dpkg/triggers
[ -e /tmp/dpkg/status ] || : >/tmp/dpkg/status
keep_database() {
	rm "$database"
	mv /tmp/dpkg "$database"
}
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d" # no service starts while an image is made
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
# docs leaves documentation out, but for licences; the patterns are dpkg's: set -f.
docs='--path-exclude=/usr/share/doc/* --path-include=/usr/share/doc/*/copyright
	--path-exclude=/usr/share/man/* --path-exclude=/usr/share/info/* --path-exclude=/usr/share/locale/*
	--path-exclude=/usr/share/lintian/* --path-exclude=/usr/share/bug/*'
options="--force-unsafe-io --force-confold --force-depends"
unpack="dpkg $options $docs --unpack"
configure="dpkg $options --configure --pending"
