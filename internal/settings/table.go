package settings

import "strings"

// Kind is the form of a setting's value.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Path     Kind = "path" // in bakelite.yaml it starts at that file's folder
	Span     Kind = "time span"
	Number   Kind = "whole number"
	Switch   Kind = "true or false"
	PerNamed Kind = "list of URLs per archive"
)

// Entry describes one setting.
type Entry struct {
	// Key is the path of the key in bakelite.yaml.
	Key string
	// Flag is the name of the flag, without its hyphens.
	Flag string
	Kind Kind
	// Default is the value as text; DefaultHelp says it in words where it
	// depends on the machine.
	Default, DefaultHelp string
	// Help is one sentence.
	Help string
	// OneOf are the only words allowed, or nil.
	OneOf []string
	// Secret keeps the value out of everything that is shown.
	Secret bool
}

// Env returns the name of the environment variable: BAKELITE_ENGINE_IDLE for
// engine.idle.
func (e Entry) Env() string { return envPrefix + envName(e.Key) }

const (
	envPrefix = "BAKELITE_"
	mirrors   = "mirrors"
)

func envName(key string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// Table returns all settings in the order in which they are shown.
func Table() []Entry {
	return []Entry{
		{Key: "state", Flag: "state", Kind: Path, DefaultHelp: "$XDG_STATE_HOME/bakelite or ~/.local/state/bakelite",
			Help: "Folder for the engine, caches and databases; it can be deleted at any time."},
		{Key: "output", Flag: "output", Kind: Path, Default: "dist",
			Help: "Folder that artifacts are written to."},
		{Key: "engine.address", Flag: "engine", Kind: Text, DefaultHelp: "a running one, else one of Bakelite's own",
			Help: "Address of the BuildKit that executes builds."},
		{Key: "engine.idle", Flag: "engine-idle", Kind: Span, Default: "10m",
			Help: "How long an engine of Bakelite's own outlives its last command."},
		{Key: mirrors, Flag: "mirror", Kind: PerNamed, DefaultHelp: "the machine's apt sources",
			Help: "Mirrors of each archive, by the archive's name (debian, debian-security), in order of preference."},
		{Key: "keyring", Flag: "keyring", Kind: Path, DefaultHelp: "the keys of the machine's distribution",
			Help: "File of OpenPGP keys that archives are verified with."},
		{Key: "registry", Flag: "registry", Kind: Text, DefaultHelp: "none",
			Help: "Host and path that images are published below."},
		{Key: "frozen", Flag: "frozen", Kind: Switch, Default: "false",
			Help: "Refuse to make or change a lock; for continuous integration."},
		{Key: "progress", Flag: "progress", Kind: Text, Default: "auto", OneOf: []string{"auto", "plain", "tty", "json"},
			Help: "How progress is shown on stderr."},
		{Key: "jobs", Flag: "jobs", Kind: Number, Default: "0", DefaultHelp: "the number of processors",
			Help: "How many things run at once."},
	}
}
