package app

import "strings"

// systemUsers are the users that every Debian has (base-passwd's passwd.master
// in trixie).
func systemUsers() []string {
	return strings.Fields(`root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody`)
}

// systemGroups are the groups of every Debian that no user has the name of;
// many of them give rights.
func systemGroups() []string {
	return strings.Fields(`adm tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow utmp video sasl
		plugdev staff users nogroup`)
}
