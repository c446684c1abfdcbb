// Package settings holds what is not about one app: where state is kept,
// which engine and mirrors are used, how much is shown. Each setting comes
// from a flag, else from the environment (BAKELITE_…), else from
// bakelite.yaml, else from its default; one table drives all four, the
// documentation and the command that shows what is in force. It refuses
// unknown keys in bakelite.yaml, and a bakelite.yaml that was found and that
// another user could have written. It is the only package that imports viper.
// App files never pass through it: viper folds the case of keys.
package settings

import "github.com/bakelite/bakelite/internal/units"

// Settings are the values in force.
type Settings struct {
	// State is the folder for the engine, caches and databases.
	State string `yaml:"state,omitempty"`
	// Output is the folder that artifacts are written to.
	Output string `yaml:"output,omitempty"`
	// Engine says which BuildKit executes builds.
	Engine Engine `yaml:"engine,omitempty"`
	// Mirrors are the mirrors of each archive, in order of preference. An
	// archive that is not listed has those of the machine's apt sources.
	Mirrors map[string][]string `yaml:"mirrors,omitempty"`
	// Keyring is a file of OpenPGP keys that archives are verified with; ""
	// means the keys of the machine's distribution.
	Keyring string `yaml:"keyring,omitempty"`
	// Registry is where artifacts are published: a host and path, "oci:" and a
	// folder of layouts, or "" for such a folder below Output.
	Registry string `yaml:"registry,omitempty"`
	// Policy is the policy file; "" is the built-in policy.
	Policy string `yaml:"policy,omitempty"`
	// Scanner says what content is compared with.
	Scanner Scanner `yaml:"scanner,omitempty"`
	// Sign says who signs.
	Sign Sign `yaml:"sign,omitempty"`
	// SecureBoot signs the disk's EFI program.
	SecureBoot SecureBoot `yaml:"secure-boot,omitempty"`
	// Accelerator is what runs machines: "auto", "kvm" or "tcg".
	Accelerator string `yaml:"accelerator,omitempty"`
	// Provenance says who builds, and from where.
	Provenance Provenance `yaml:"provenance,omitempty"`
	// Frozen refuses to make or change a lock.
	Frozen bool `yaml:"frozen,omitempty"`
	// Progress is "auto", "plain", "full", "tty" or "json".
	Progress string `yaml:"progress,omitempty"`
	// Apps are patterns of app files, below the working folder.
	Apps []string `yaml:"apps,omitempty"`
	// Channels are the names that images are promoted to.
	Channels []string `yaml:"channels,omitempty"`
	// Update says which changes apps take, and when, where they do not say.
	Update Update `yaml:"update,omitempty"`
	// Notify says who is told of what happens.
	Notify Notify `yaml:"notify,omitempty"`
	// Machines is how many are tested at once; 0 means half the processors.
	Machines int `yaml:"machines,omitempty"`
	// Jobs bounds what runs at once; 0 means the number of processors.
	Jobs int `yaml:"jobs,omitempty"`

	values []Value
	trust  trust
}

// Scanner says what content is compared with.
type Scanner struct {
	// Database is an OCI reference, "oci:" and a layout, or a folder.
	Database string `yaml:"database,omitempty"`
	// Digest pins the database; "" takes what Database names today.
	Digest string `yaml:"digest,omitempty"`
}

// Sign says who signs: a key, or an identity of an OIDC issuer.
type Sign struct {
	// Key is a file, or "env:" and the name of a variable with the key's text.
	Key string `yaml:"key,omitempty"`
	// Keyless signs as the identity that Token names.
	Keyless bool `yaml:"keyless,omitempty"`
	// Token is a file with an OIDC token; "" is the CI job's own.
	Token string `yaml:"token,omitempty"`
	// Fulcio, Rekor and Timestamp are URLs of a private Sigstore, and
	// RekorVersion is the log's API; empty is the public one.
	Fulcio       string `yaml:"fulcio,omitempty"`
	Rekor        string `yaml:"rekor,omitempty"`
	RekorVersion int    `yaml:"rekor-version,omitempty"`
	Timestamp    string `yaml:"timestamp,omitempty"`
	// Config is a file with all addresses, Sigstore's SigningConfig.
	Config string `yaml:"config,omitempty"`
	// TrustedRoot is the file that the instance is verified with; "" is the
	// public one's.
	TrustedRoot string `yaml:"trusted-root,omitempty"`
	// FallbackToKey lets Key sign where Sigstore is out of reach.
	FallbackToKey bool `yaml:"fallback-to-key,omitempty"`
}

// Update says which changes beneath apps are taken, and when.
type Update struct {
	// Trigger lists what sets off a rebuild, Severity is the least for fixable.
	Trigger  []string `yaml:"trigger,omitempty"`
	Severity string   `yaml:"severity,omitempty"`
	// CoolDown is how long a version is in the archive before it is taken.
	CoolDown units.Wait `yaml:"cool-down,omitempty"`
	// Urgent is the least severity whose fixes wait for nothing, or none.
	Urgent string `yaml:"urgent,omitempty"`
	// Windows are when rebuilds begin; empty is always.
	Windows []string `yaml:"windows,omitempty"`
	// MaxLockAge is how long ago a lock may have been current; 0 is any.
	MaxLockAge units.Wait `yaml:"max-lock-age,omitempty"`
	// UnknownAfter is how long something may be unknown; 0 is for ever.
	UnknownAfter units.Wait `yaml:"unknown-after,omitempty"`
}

// Notify is a webhook; with an empty URL nobody is told.
type Notify struct {
	// URL takes events, Secret is a file, or "env:" and the name of a variable,
	// with what they are signed with.
	URL    string `yaml:"url,omitempty"`
	Secret string `yaml:"secret,omitempty"`
}

// SecureBoot signs the disk's EFI program; with both empty it is not signed.
type SecureBoot struct {
	// Key is a PEM file with an RSA key, Certificate one with its certificate.
	Key         string `yaml:"key,omitempty"`
	Certificate string `yaml:"certificate,omitempty"`
}

// Provenance says who builds, and from where.
type Provenance struct {
	// Builder is the URI that consumers know the builder by.
	Builder string `yaml:"builder,omitempty"`
	// Source is the repository of the app files; "" is that of the CI job.
	Source string `yaml:"source,omitempty"`
}

// Engine says which BuildKit executes builds.
type Engine struct {
	// Address of a running BuildKit; "" finds or starts one.
	Address string `yaml:"address,omitempty"`
	// Idle is how long an engine of Bakelite's own outlives its last command.
	Idle units.Wait `yaml:"idle,omitempty"`
	// Networks are what steps reach besides public addresses, as
	// stepnet.ParseNetworks reads them.
	Networks string `yaml:"networks,omitempty"`
	// UnconfinedNetwork lets steps with a network run on an engine that is not
	// Bakelite's own.
	UnconfinedNetwork bool `yaml:"unconfined-network,omitempty"`
}

// Value is one setting in force and where it comes from.
type Value struct {
	Key string
	// Value is as a person would write it; a secret and a password in a URL
	// are not repeated.
	Value string
	// Source is like "flag --state", "environment BAKELITE_STATE",
	// "bakelite.yaml:3" or "default".
	Source string
}

// Effective returns all settings in the order of the table.
func (s *Settings) Effective() []Value { return s.values }
