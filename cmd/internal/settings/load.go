package settings

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/owner"
	"github.com/bakelite/bakelite/internal/strict"
)

// Options say where settings come from.
type Options struct {
	// Flags are parsed flags that AddFlags added; nil means none.
	Flags *pflag.FlagSet
	// Dir is the working folder, "." by default; the search for
	// bakelite.yaml starts here.
	Dir string
	// Environ is the environment, in the form of os.Environ.
	Environ []string
	// Named takes nothing from a bakelite.yaml that was found and not named.
	// It is for commands that judge what others made: the folder they are
	// called in may be the others' too.
	Named bool
}

const fromDefault = "default"

// loader gathers the sources; values are recorded as they are decided.
type loader struct {
	v     *viper.Viper
	flags *pflag.FlagSet
	env   map[string]string
	file  source
	// unused is a file that was found where only a named one counts.
	unused source
	from   map[string]string // source by key
}

// Load returns the settings in force. A file, variable or flag that is wrong
// is of kind fault.Invalid; a file that --config or BAKELITE_CONFIG names and
// that is not there is fault.Missing.
func Load(o Options) (*Settings, error) {
	l := &loader{v: viper.New(), flags: o.Flags, env: environment(o.Environ), from: map[string]string{}}
	if l.flags == nil {
		l.flags = pflag.NewFlagSet("none", pflag.ContinueOnError)
	}
	if err := l.readFile(o); err != nil {
		return nil, err
	}
	for _, e := range Table() {
		gather := l.gather
		switch e.Kind {
		case PerNamed:
			gather = l.gatherNamed
		case List:
			gather = l.gatherList
		}
		if err := gather(e); err != nil {
			return nil, fault.As(fault.Invalid, err)
		}
	}
	if err := l.refuseUnknown(); err != nil {
		return nil, err
	}
	return l.decode()
}

// environment keeps what is set and not empty.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

func (l *loader) readFile(o Options) error {
	path := l.env[configEnv]
	if f := l.flags.Lookup(configFlag); f != nil && f.Changed {
		path = f.Value.String()
	}
	var err error
	var check func(fs.FileInfo) error // a file that was named counts, whoever wrote it
	found, foreign := path == "", false
	if found {
		path, err = findFile(o.Dir)
		check = func(info fs.FileInfo) error {
			err := own(path, info, l.owners())
			foreign = err != nil
			return err
		}
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(o.Dir, path)
	}
	if path == "" || err != nil {
		return err
	}
	file, err := readFile(path, check)
	if foreign && o.Named {
		return nil // another's word, of which nothing would count
	}
	if err != nil {
		return err
	}
	file.found = found
	if found && o.Named {
		l.unused = file
		return nil
	}
	l.file = file
	l.v.SetConfigType("yaml")
	if err := l.v.ReadConfig(strings.NewReader(string(l.file.data))); err != nil {
		return fault.New(fault.Invalid, "reading %s: %w", path, err)
	}
	return nil
}

func (l *loader) owners() owner.Rule { return owner.Own(l.env["SUDO_UID"]) }

// gather decides one setting and records where it came from. Viper looks at
// its flags first, then at the file, then at the default; the environment is
// handed in, so it goes over the file.
func (l *loader) gather(e Entry) error {
	l.v.SetDefault(e.Key, l.defaultOf(e))
	l.from[e.Key] = fromDefault
	if _, ok := l.file.places[e.Key]; ok {
		l.from[e.Key] = l.file.at(e.Key)
		l.anchor(e)
	}
	if text, ok := l.env[e.Env()]; ok {
		if err := e.check(text); err != nil {
			return fmt.Errorf("%s: %w", e.Env(), err)
		}
		l.from[e.Key] = "environment " + e.Env()
		if err := l.v.MergeConfigMap(nested(e.Key, text)); err != nil {
			return fmt.Errorf("%s: %w", e.Env(), err)
		}
	}
	f := l.flags.Lookup(e.Flag)
	if f == nil || !f.Changed {
		return nil
	}
	if err := e.check(f.Value.String()); err != nil {
		return fmt.Errorf("--%s: %w", e.Flag, err)
	}
	l.from[e.Key] = "flag --" + e.Flag
	return l.v.BindPFlag(e.Key, f)
}

// anchor makes a path from the file start at the file's folder.
func (l *loader) anchor(e Entry) {
	path := l.v.GetString(e.Key)
	if e.Kind == Path && path != "" && !filepath.IsAbs(path) {
		// A plain map cannot fail to merge.
		_ = l.v.MergeConfigMap(nested(e.Key, filepath.Join(filepath.Dir(l.file.path), path)))
	}
}

// nested turns "a.b" and a value into {a: {b: value}}.
func nested(key string, value any) map[string]any {
	parts := strings.Split(key, ".")
	for _, part := range slices.Backward(parts) {
		value = map[string]any{part: value}
	}
	return value.(map[string]any)
}

func (l *loader) defaultOf(e Entry) string {
	if e.Key != "state" {
		return e.Default
	}
	// The XDG base directory specification says to ignore a relative path.
	if base := l.env["XDG_STATE_HOME"]; filepath.IsAbs(base) {
		return filepath.Join(base, "bakelite")
	}
	if home := l.env["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "bakelite")
	}
	return ""
}

func (l *loader) decode() (*Settings, error) {
	s := &Settings{}
	err := l.v.Unmarshal(s, func(c *mapstructure.DecoderConfig) { c.TagName = "yaml" },
		viper.DecodeHook(mapstructure.TextUnmarshallerHookFunc()))
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading settings: %w", err)
	}
	if s.State == "" {
		return nil, fault.Hint(fault.New(fault.Invalid, "no folder for state: neither HOME nor XDG_STATE_HOME is set"),
			"give one with --state or BAKELITE_STATE")
	}
	s.values, s.trust = l.effective(s), trust{rule: l.owners(), file: l.file, unused: l.unused, from: l.from}
	return s, s.checkFound()
}

const (
	// configEnv names the settings file itself, and so is no setting.
	configEnv = envPrefix + "CONFIG"
	// testsEnv begins what the tests of Bakelite read.
	testsEnv = envPrefix + "TEST_"
)

// refuseUnknown refuses a variable that is nearly a setting: its value would be
// left out without a word. Others are not ours to judge: keys have names that
// their owners chose, and Kubernetes describes a service called bakelite so.
func (l *loader) refuseUnknown() error {
	// The part after the prefix, which would make all names look near.
	known := []string{"CONFIG", "KEY_PASSPHRASE"}
	for _, e := range Table() {
		known = append(known, envName(e.Key))
	}
	named := map[string]bool{}
	for _, key := range []string{"sign.key", "notify.secret"} {
		variable, _ := strings.CutPrefix(l.v.GetString(key), "env:")
		named[variable] = true
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		word, ours := strings.CutPrefix(name, envPrefix)
		if !ours || named[name] || slices.Contains(known, word) || strings.HasPrefix(name, testsEnv) || strings.HasPrefix(word, envName(mirrors)+"_") {
			continue
		}
		if near := strict.Nearest(word, known); near != "" {
			return fault.Hint(fault.New(fault.Invalid, "the environment has %s, which is no setting", name), "did you mean: %s%s", envPrefix, near)
		}
	}
	return nil
}
