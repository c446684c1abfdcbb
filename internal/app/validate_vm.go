package app

import (
	"crypto/rsa"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/units"
)

const (
	// minDisk holds the boot partition, a small Debian and its hashes, and
	// some room to write.
	minDisk = units.Size(512 << 20)
	maxDisk = units.Size(2 << 40) // what a VHD can be (2,040 GiB) and more than any root needs
	// minMachine is what Debian's kernel and initrd need to reach a service.
	minMachine = units.Size(256 << 20)
	minRSABits = 2048 // NIST SP 800-131A
)

func (c *checker) vm(vm VM, serviceUser string) {
	once(c, "vm.formats", vm.Formats)
	for i, f := range vm.Formats {
		c.oneOf(item("vm.formats", i), f, format.Names())
	}
	if vm.Size < minDisk || vm.Size > maxDisk {
		c.add("vm.size", "%v is not between %v and %v", vm.Size, minDisk, maxDisk)
	}
	if vm.Memory < minMachine {
		c.add("vm.memory", "%v is too little; the test machine needs %v", vm.Memory, minMachine)
	}
	if vm.Kernel != "" && (!strings.HasPrefix(vm.Kernel, "linux-image-") || !packageName.MatchString(vm.Kernel)) {
		c.add("vm.kernel", "%q is not a kernel package; its name starts with linux-image-", vm.Kernel)
	}
	c.packages("vm.packages", vm.Packages)
	c.modules(vm)
	if vm.Admin != nil {
		c.admin(*vm.Admin, serviceUser)
	}
}

// moduleName is that of a kernel module's file.
var moduleName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,54}$`) // MODULE_NAME_LEN

func (c *checker) modules(vm VM) {
	once(c, "vm.modules", vm.Modules)
	for i, name := range vm.Modules {
		if !moduleName.MatchString(name) {
			c.add(item("vm.modules", i), "%q is not the name of a kernel module", name)
		}
	}
	if vm.Kernel != "" && len(vm.Modules) > 0 {
		c.add("vm.modules", "the kernel %s keeps all of its modules; leave them out", vm.Kernel)
	}
}

// maxLevel is the highest level of the hardening controls.
const maxLevel = 2

func (c *checker) hardening(h Hardening) {
	if h.Level < defaultLevel || h.Level > maxLevel {
		c.add("hardening.level", "there is no level %d; 1 is for every app, 2 costs speed or function", h.Level)
	}
}

func (c *checker) admin(a Admin, serviceUser string) {
	c.user("vm.admin.user", a.User)
	if slices.Contains(systemUsers(), a.User) || slices.Contains(systemGroups(), a.User) {
		c.add("vm.admin.user", "%s is a user or group of every Debian, not made for logging in; name another user", a.User)
	}
	if a.User == serviceUser {
		c.add("vm.admin.user", "%s runs the service, which would get the administrator's rights; name another user", a.User)
	}
	if len(a.SSHKeys) == 0 {
		c.add("vm.admin.sshKeys", "is empty; without a key nobody can log in: add one or leave admin out")
	}
	once(c, "vm.admin.sshKeys", a.SSHKeys)
	for i, line := range a.SSHKeys {
		c.sshKey(item("vm.admin.sshKeys", i), line)
	}
}

func (c *checker) sshKey(key, line string) {
	// Parsed first, so that no message ever repeats a private key.
	if strings.Contains(line, "PRIVATE KEY") {
		c.add(key, "this is a private key: it must not stand in a file that is shared; treat it as lost, make a new one, and give the .pub file's line")
		return
	}
	public, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil || len(strings.TrimSpace(string(rest))) > 0 || strings.Contains(strings.TrimSpace(line), "\n"):
		c.add(key, "is not one line of an authorized_keys file, like: ssh-ed25519 AAAA… name")
	case public.Type() == "ssh-dss":
		c.add(key, "DSA keys are broken and refused; make one with: ssh-keygen -t ed25519")
	case rsaBits(public) < minRSABits:
		c.add(key, "the RSA key has %d bits; at least %d are needed", rsaBits(public), minRSABits)
	}
}

// rsaBits returns the length of an RSA key; other kinds count as long enough.
func rsaBits(public ssh.PublicKey) int {
	if holder, ok := public.(ssh.CryptoPublicKey); ok {
		if key, ok := holder.CryptoPublicKey().(*rsa.PublicKey); ok {
			return key.N.BitLen()
		}
	}
	return minRSABits
}
