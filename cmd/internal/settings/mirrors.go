package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// gatherNamed decides the mirrors, archive by archive: an archive's list comes
// whole from the first source that has one.
func (l *loader) gatherNamed(e Entry) error {
	for archive := range l.v.GetStringMap(e.Key) {
		key := e.Key + "." + archive
		l.from[key] = l.file.at(key)
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		rest, ok := strings.CutPrefix(name, e.Env()+"_")
		if !ok {
			continue
		}
		archive := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if err := l.override(e.Key, archive, strings.Fields(l.env[name]), "environment "+name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return l.namedFlags(e)
}

func (l *loader) namedFlags(e Entry) error {
	if f := l.flags.Lookup(e.Flag); f == nil || !f.Changed {
		return nil
	}
	given, err := l.flags.GetStringArray(e.Flag)
	if err != nil {
		return fmt.Errorf("--%s: %w", e.Flag, err)
	}
	lists := map[string][]string{}
	for _, text := range given {
		archive, url, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--%s: %q is not ARCHIVE=URL", e.Flag, redact(text))
		}
		lists[archive] = append(lists[archive], url)
	}
	for _, archive := range slices.Sorted(maps.Keys(lists)) {
		if err := l.override(e.Key, archive, lists[archive], "flag --"+e.Flag); err != nil {
			return fmt.Errorf("--%s: %w", e.Flag, err)
		}
	}
	return nil
}

func (l *loader) override(key, archive string, urls []string, from string) error {
	if err := checkMirrors(archive, urls); err != nil {
		return err
	}
	l.from[key+"."+archive] = from
	return l.v.MergeConfigMap(nested(key+"."+archive, urls))
}
