package settings

import (
	"fmt"
	"path/filepath"
	"strings"
)

// gatherList decides a setting that is a list, which comes whole from the first
// source that has one. In the environment semicolons separate its entries.
func (l *loader) gatherList(e Entry) error {
	l.v.SetDefault(e.Key, entries(e.Default))
	l.from[e.Key] = fromDefault
	if place, ok := l.file.places[e.Key]; ok {
		l.from[e.Key] = fmt.Sprintf("%s:%d", filepath.Base(l.file.path), place.Line)
	}
	if text, ok := l.env[e.Env()]; ok {
		if err := l.setList(e, entries(text), "environment "+e.Env()); err != nil {
			return fmt.Errorf("%s: %w", e.Env(), err)
		}
	}
	f := l.flags.Lookup(e.Flag)
	if f == nil || !f.Changed {
		return nil
	}
	given, err := l.flags.GetStringArray(e.Flag)
	if err == nil {
		err = l.setList(e, given, "flag --"+e.Flag)
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", e.Flag, err)
	}
	return nil
}

func (l *loader) setList(e Entry, list []string, from string) error {
	for _, text := range list {
		if err := e.check(text); err != nil {
			return err
		}
	}
	l.from[e.Key] = from
	return l.v.MergeConfigMap(nested(e.Key, list))
}

const separator = ";"

// entries splits a list that is written as text.
func entries(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, separator) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
