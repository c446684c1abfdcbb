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
unpack() { dpkg $options $docs --unpack "$@" >/dev/null; }
configure() { dpkg $options --configure --pending; }
# quietly leaves out of what a command says that what we force is forced, that
# documentation which we leave out is not there, that services do not start,
# and that the engine's own /etc/resolv.conf cannot be replaced.
quietly() {
	rm -f /tmp/failed
	{ "$@" 2>&1 || echo $? >/tmp/failed; } | sed -u \
		-e '/^dpkg: regarding .* pre-dependency problem:$/,/^dpkg: warning: ignoring pre-dependency problem!$/d' \
		-e '/^update-alternatives: warning: skip creation of \/usr\/share\/man\//d' \
		-e "/^update-alternatives: error: alternative path \/usr\/share\/man\/.* doesn't exist$/d" \
		-e '/^invoke-rc.d: could not determine current runlevel$/d' \
		-e '/^invoke-rc.d: policy-rc.d denied execution of /d' \
		-e '/^Converting \/etc\/resolv.conf to a symlink /d' \
		-e '/^Cannot \(take a backup of\|install symlink from\) \/etc\/resolv.conf/d' \
		-e "/^\(mv\|ln\): .*'\/etc\/resolv.conf'.*: Device or resource busy$/d" >&2
	[ ! -e /tmp/failed ] || return "$(cat /tmp/failed)"
}
