package app

import "slices"

// The limits that both artifacts run a service under where its app file names
// none.
const (
	DefaultPIDs = 256
	// MaxOpenFiles is of one process.
	MaxOpenFiles = 65536
	// MaxLockedMemory is bytes that one process keeps out of swap, as systemd
	// and container engines have it.
	MaxLockedMemory = 8 << 20
)

// Unit is the name of the service's systemd unit on the disk. The prefix keeps
// an app called ssh or nftables from replacing the unit of that name.
func (a App) Unit() string { return "app-" + a.Name + ".service" }

// forTests is what a secret or setting holds in tests that has no value of its
// own.
const forTests = "for tests only\n"

// ValuesForTests are what secrets and settings hold while tests run.
func (a App) ValuesForTests() map[string][]byte {
	all := map[string][]byte{}
	for _, name := range slices.Concat(a.Service.Secrets, a.Service.Config) {
		all[name] = []byte(forTests)
		if value, ok := a.TestValues[name]; ok {
			all[name] = []byte(value)
		}
	}
	return all
}
