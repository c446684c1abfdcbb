package form

import "github.com/bakelite/bakelite/internal/profile"

// Hosts are the files by which a service knows its own names. Container engines
// put their own in their place.
func Hosts(p profile.Profile) []File {
	return []File{{"/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 " + p.Name + "\n::1 localhost ip6-localhost ip6-loopback\n"}}
}
