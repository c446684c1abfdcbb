package profile

import (
	"io"
	"strconv"

	"github.com/moby/sys/user"

	"github.com/bakelite/bakelite/internal/fault"
)

// Identity is the service's user as numbers, from the image's own passwd and
// group.
type Identity struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`
}

// Identify looks a user up, given as in an image's configuration by names or
// numbers. Root is refused as a fault.Policy, by whatever name; a name that
// nobody has is a fault.Build error.
func Identify(name string, passwd, group io.Reader) (Identity, error) {
	if name == "" {
		return Identity{}, fault.Hint(fault.New(fault.Policy, "the image names no user"), "set service.user in the app file")
	}
	u, err := user.GetExecUser(name, &user.ExecUser{Uid: -1, Gid: -1}, passwd, group)
	if err != nil {
		return Identity{}, fault.New(fault.Build, "looking up the user %q in the image: %w", name, err)
	}
	if u.Uid <= 0 || u.Gid < 0 {
		return Identity{}, fault.Hint(fault.New(fault.Policy, "the user %q of the image is root or has no group", name),
			"set service.user in the app file to another user")
	}
	id := Identity{UID: uint32(u.Uid), GID: uint32(u.Gid)}
	for _, g := range u.Sgids {
		id.Groups = append(id.Groups, uint32(g))
	}
	return id, nil
}

// String is the user as an image's configuration names it: by number, for
// Kubernetes lets no name count as a user other than root. With a group,
// container engines pass over the user's other groups.
func (id Identity) String() string {
	uid := strconv.FormatUint(uint64(id.UID), 10)
	if len(id.Groups) > 0 {
		return uid
	}
	return uid + ":" + strconv.FormatUint(uint64(id.GID), 10)
}
