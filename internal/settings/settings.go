// Package settings holds what is not about one app: where state is kept,
// which engine and mirrors are used, how much is shown. Each setting comes
// from a flag, else from the environment (BAKELITE_…), else from
// bakelite.yaml, else from its default; one table drives all four, the
// documentation and the command that shows what is in force. It refuses
// unknown keys in bakelite.yaml. It is the only package that imports viper;
// only commands may import it. App files never pass through it: viper folds
// the case of keys.
package settings

import (
	"errors"
	"fmt"
	"time"
)

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
	// Registry is the host and path that images are published below, or "".
	Registry string `yaml:"registry,omitempty"`
	// Frozen refuses to make or change a lock.
	Frozen bool `yaml:"frozen,omitempty"`
	// Progress is "auto", "plain", "tty" or "json".
	Progress string `yaml:"progress,omitempty"`
	// Jobs bounds what runs at once; 0 means the number of processors.
	Jobs int `yaml:"jobs,omitempty"`

	values []Value
}

// Engine says which BuildKit executes builds.
type Engine struct {
	// Address of a running BuildKit; "" finds or starts one.
	Address string `yaml:"address,omitempty"`
	// Idle is how long an engine of Bakelite's own outlives its last command.
	Idle Duration `yaml:"idle,omitempty"`
}

// Duration is a time span that is read from text like "10m".
type Duration time.Duration

// Std returns the time span as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// UnmarshalText reads what time.ParseDuration reads, and refuses less than 0.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time span; write a number with ms, s, m or h, like 10m", text)
	}
	if span < 0 {
		return errors.New("a time span is not less than 0")
	}
	*d = Duration(span)
	return nil
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
