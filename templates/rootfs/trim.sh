# Takes out of a container's tree, after its packages, what only the package
# tools and a machine read.
rm -rf var/lib/dpkg/info var/lib/dpkg/alternatives var/lib/dpkg/triggers var/lib/dpkg/updates var/lib/dpkg/parts \
	var/lib/dpkg/lock var/lib/dpkg/lock-frontend var/lib/dpkg/arch var/lib/dpkg/cmethopt var/lib/dpkg/available \
	var/lib/dpkg/diversions var/lib/dpkg/statoverride var/lib/apt var/lib/pam var/lib/systemd var/cache/* var/log/* var/backups
rm -rf etc/apt etc/dpkg etc/cron.* etc/init.d etc/rc?.d etc/logrotate.d etc/skel etc/update-motd.d etc/systemd etc/pam.d etc/pam.conf \
	etc/security etc/default etc/kernel etc/debian_version.d usr/lib/systemd usr/lib/init usr/lib/lsb usr/share/bash-completion \
	usr/share/zsh usr/share/doc-base usr/share/menu usr/share/pixmaps usr/share/debconf usr/share/perl5 usr/share/bug \
	usr/share/lintian usr/share/man usr/share/info usr/share/locale usr/share/initramfs-tools usr/share/apport boot media mnt srv/.keep
