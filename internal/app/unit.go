package app

// The limits that both artifacts run a service under where its app file names
// none.
const (
	DefaultPIDs = 256
	// MaxOpenFiles is of one process.
	MaxOpenFiles = 65536
)

// Unit is the name of the service's systemd unit on the disk. The prefix keeps
// an app called ssh or nftables from replacing the unit of that name.
func (a App) Unit() string { return "app-" + a.Name + ".service" }
