# Gives the machine's system its units, links and empty identity.
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
# Nobody has a password; an administrator, where there is one, has a key.
sed -i -E 's/^([^:]*):[^:]*:/\1:!*:/' /etc/shadow
if [ -n "$ADMIN" ]; then
	id=1000
	printf '%s:x:%s:\n' "$ADMIN" $id >>/etc/group
	printf '%s:x:%s:%s::/var/home/%s:/bin/bash\n' "$ADMIN" $id $id "$ADMIN" >>/etc/passwd
	printf '%s:*:%s::::::\n' "$ADMIN" "$((SOURCE_DATE_EPOCH / 86400))" >>/etc/shadow
	mkdir -p /etc/ssh/authorized /etc/ssh/sshd_config.d /etc/sudoers.d
	printf '%s\n' "$KEYS" >"/etc/ssh/authorized/$ADMIN"
	printf 'AuthorizedKeysFile /etc/ssh/authorized/%%u\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nAllowUsers %s\nX11Forwarding no\nAllowTcpForwarding no\nHostKey /var/lib/ssh/ssh_host_ed25519_key\n' \
		"$ADMIN" >/etc/ssh/sshd_config.d/10-bakelite.conf
	mkdir -p /etc/systemd/system/ssh.service.d
	printf '[Service]\nExecStartPre=\nExecStartPre=/bin/sh -c "[ -e /var/lib/ssh/ssh_host_ed25519_key ] || { mkdir -p -m 0700 /var/lib/ssh && ssh-keygen -q -t ed25519 -N \\"\\" -f /var/lib/ssh/ssh_host_ed25519_key; }"\nExecStartPre=/usr/sbin/sshd -t\n' \
		>/etc/systemd/system/ssh.service.d/10-host-key.conf
	printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$ADMIN" >/etc/sudoers.d/bakelite
	chmod 0440 /etc/sudoers.d/bakelite
fi
