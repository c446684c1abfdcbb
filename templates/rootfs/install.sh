# Installs the packages below /debs with dpkg, in one transaction.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d # no service starts while an image is made
chmod 755 /usr/sbin/policy-rc.d
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers
[ -e /var/lib/dpkg/status ] || : >/var/lib/dpkg/status
docs='--path-exclude=/usr/share/doc/* --path-include=/usr/share/doc/*/copyright
	--path-exclude=/usr/share/man/* --path-exclude=/usr/share/info/* --path-exclude=/usr/share/locale/*
	--path-exclude=/usr/share/lintian/* --path-exclude=/usr/share/bug/*'
if [ ! -e /etc/passwd ]; then
	# A system that was only unpacked so far: users and groups come first.
	cp /usr/share/base-passwd/passwd.master /etc/passwd
	cp /usr/share/base-passwd/group.master /etc/group
	find /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/bug \
		-type f ! -name copyright -delete 2>/dev/null || :
fi
set -f # the patterns are dpkg's
debs=$(find /debs -name '*.deb' | sort)
dpkg --force-unsafe-io --force-confold --force-depends $docs --unpack $debs >/dev/null
set +f
# The initrd is made in a step of its own, not by the kernel package's hooks.
export INITRD=No
for tool in dracut update-initramfs; do
	[ ! -e /usr/bin/$tool ] || { mv /usr/bin/$tool /usr/bin/$tool.kept && ln -s true /usr/bin/$tool; }
done
dpkg --force-unsafe-io --force-confold --force-depends --configure --pending
for tool in dracut update-initramfs; do
	[ ! -e /usr/bin/$tool.kept ] || mv /usr/bin/$tool.kept /usr/bin/$tool
done
dpkg --audit >&2
[ -z "$(dpkg --audit)" ]
rm -f /usr/sbin/policy-rc.d
