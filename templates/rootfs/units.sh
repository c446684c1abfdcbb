# Switches on the units of UNITS, and off all others that packages enable.
{
	for unit in $UNITS; do echo "enable $unit"; done
	echo "disable *"
} >/usr/lib/systemd/system-preset/00-bakelite.preset
find /etc/systemd/system -mindepth 1 -delete
systemctl preset-all --root=/ >/dev/null 2>&1
for unit in $UNITS; do
	if ! systemctl is-enabled --quiet --root=/ "$unit"; then
		echo "the unit $unit cannot be switched on: no package of the machine brings it" >&2
		exit 1
	fi
done
systemctl set-default --root=/ multi-user.target >/dev/null 2>&1
for unit in systemd-networkd-wait-online.service getty@.service serial-getty@.service systemd-firstboot.service; do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
