package app

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// userName is the rule of Debian's adduser (NAME_REGEX in adduser.conf).
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	// plainPath holds no character that systemd, tar or a mount option reads
	// as something else.
	plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._@+-]+)+$`)
)

const (
	maxUserName = 32        // useradd(8)
	maxID       = 1<<32 - 2 // 2^32-1 means "no change" to chown(2)
	maxPath     = 4096 - 1  // PATH_MAX without its NUL
	maxName     = 255       // NAME_MAX of Linux
	whiteout    = ".wh."    // image-spec, layer.md
	setIDBits   = 0o6000
	allModeBits = 0o7777
)

// absolute judges a path in the image and says whether it can be used.
func (c *checker) absolute(key, p string) bool {
	switch {
	case p == "":
		c.add(key, "is empty; give an absolute path")
	case !strings.HasPrefix(p, "/"):
		c.add(key, "%q is not absolute; start it with /", p)
	case len(p) > maxPath:
		c.add(key, "is longer than %d bytes", maxPath)
	case strings.ContainsFunc(p, unicode.IsControl):
		c.add(key, "%q holds a control character", p)
	case path.Clean(p) != p:
		c.add(key, "%q is not in its shortest form; write %s", p, path.Clean(p))
	default:
		return true
	}
	return false
}

// below says which of the folders p is or stands below, or "".
func below(p string, folders []string) string {
	i := slices.IndexFunc(folders, func(f string) bool {
		return p == f || strings.HasPrefix(p, f+"/")
	})
	if i < 0 {
		return ""
	}
	return folders[i]
}

func (c *checker) files(files []File) {
	if len(files) > maxItems {
		c.add("files", "has %d entries; at most %d are allowed", len(files), maxItems)
		return
	}
	for i, f := range files {
		key := item("files", i)
		if (f.From == "") == (f.Content == "") {
			c.add(key, "give exactly one of from (a file or folder) and content (text)")
		}
		if f.From != "" && path.Clean(f.From) == "." {
			c.add(key+".from", "the app's whole folder would hold its lock and its results; name a folder below it")
		}
		c.target(key+".to", f.To)
		if f.Mode != "" {
			c.mode(key+".mode", f.Mode)
		}
		c.owner(key+".owner", f.Owner)
	}
}

// Folders of which nothing is seen when an image runs.
func filled() []string  { return []string{"/proc", "/sys", "/dev", "/run", "/boot"} }
func emptied() []string { return []string{"/tmp", "/var/tmp", "/var/run", "/var/lock"} }

func (c *checker) target(key, to string) {
	if !c.absolute(key, to) {
		return
	}
	if to == "/" {
		c.add(key, "name a path below /")
	}
	if f := below(to, filled()); f != "" {
		c.add(key, "nothing can be put in %s: it is filled when the image runs or is made", f)
	}
	if f := below(to, emptied()); f != "" {
		c.add(key, "nothing can be put in %s: it is empty when the image runs", f)
	}
	if bad := badName(to); bad != "" {
		c.add(key, "%q cannot be in an image: %s", to, bad)
	}
}

// badName says what is wrong with a path whose names an image cannot hold, ""
// for nothing.
func badName(p string) string {
	for name := range strings.SplitSeq(p, "/") {
		switch {
		case strings.HasPrefix(name, whiteout):
			return "a name that begins with " + whiteout + " says in images that something was removed; rename it"
		case len(name) > maxName:
			return fmt.Sprintf("a name has %d bytes, and file systems take %d", len(name), maxName)
		case !utf8.ValidString(name):
			return "a name is not UTF-8, the one encoding that images have; rename it"
		case strings.ContainsFunc(name, unicode.IsControl):
			return "a name holds a control character; rename it"
		}
	}
	return ""
}

func (c *checker) mode(key, mode string) {
	bits, err := strconv.ParseUint(mode, 8, 16)
	switch {
	case err != nil || bits > allModeBits:
		c.add(key, "%q is not an octal mode like \"0644\"", mode)
	case bits&setIDBits != 0:
		c.add(key, "%q sets the set-uid or set-gid bit; that is refused in every image", mode)
	}
}

func (c *checker) owner(key, owner string) {
	user, group, both := strings.Cut(owner, ":")
	if !nameOrID(user) || both && !nameOrID(group) {
		c.add(key, "%q is not user or user:group, by name or number", owner)
	}
}

func nameOrID(s string) bool {
	if id, err := strconv.ParseUint(s, 10, 32); err == nil {
		return id <= maxID
	}
	return len(s) <= maxUserName && userName.MatchString(s)
}

// folders judges those that the service may write to. None can lie in another:
// what lies behind them differs.
func (c *checker) folders(writable, state []string) {
	once(c, "service.writable", writable)
	for i, p := range writable {
		c.writable(item("service.writable", i), p)
	}
	once(c, "service.state", state)
	for i, p := range state {
		key := item("service.state", i)
		c.writable(key, p)
		if f := below(p, []string{"/run", "/tmp", "/var/run", "/var/tmp", "/var/lock"}); f != "" {
			c.add(key, "what is in %s ends with the boot; name a folder below /var/lib", f)
		}
	}
	all := slices.Concat(writable, state)
	for i, p := range all {
		others := slices.Concat(all[:i], all[i+1:])
		if f := below(path.Dir(p), others); f != "" && f != p {
			key := item("service.writable", i)
			if i >= len(writable) {
				key = item("service.state", i-len(writable))
			}
			c.add(key, "%s lies in %s, which is a folder of its own", p, f)
		}
		if i >= len(writable) && slices.Contains(writable, p) {
			c.add(item("service.state", i-len(writable)), "%s stands in service.writable too; name it once", p)
		}
	}
}

// writable judges one folder that the service may write to.
func (c *checker) writable(key, p string) {
	if !c.absolute(key, p) {
		return
	}
	system := []string{
		"/usr", "/etc", "/proc", "/sys", "/dev", "/boot", "/bin", "/sbin",
		"/lib", "/lib32", "/lib64", "/libx32",
		// What root reads, and what the system notes of itself.
		"/root/.ssh", "/run/bakelite", "/run/dbus", "/run/systemd", "/run/udev", "/var/lib/bakelite", "/var/lib/dbus", "/var/lib/dpkg", "/var/lib/systemd",
		"/var/log/journal", "/var/spool/at", "/var/spool/cron",
	}
	tooWide := []string{"/", "/run", "/var", "/var/lib", "/home", "/root"}
	switch f := below(p, system); {
	case f != "":
		c.add(key, "%s belongs to the system; name a folder of the service's own", f)
	case slices.Contains(tooWide, p):
		c.add(key, "%s is too wide; name a folder below it", p)
	case !plainPath.MatchString(p):
		c.add(key, "%q: use letters, digits and . _ @ + - in the path", p)
	}
}
