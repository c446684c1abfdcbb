# Switches on the units of UNITS, and off all others that packages enable.
{
	for unit in $UNITS; do echo "enable $unit"; done
	echo "disable *"
} >/usr/lib/systemd/system-preset/00-bakelite.preset
find /etc/systemd/system -mindepth 1 -delete
systemctl preset-all --root=/ >/dev/null 2>&1
systemctl set-default --root=/ multi-user.target >/dev/null 2>&1
for unit in systemd-networkd-wait-online.service getty@.service serial-getty@.service systemd-firstboot.service; do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
