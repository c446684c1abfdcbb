package settings

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// effective lists the values in force in the order of the table.
func (l *loader) effective(s *Settings) []Value {
	var values []Value
	for _, e := range Table() {
		if e.Kind == PerNamed {
			values = append(values, l.mirrorValues(e, s)...)
			continue
		}
		text := textOf(reflect.ValueOf(s).Elem(), e.Key)
		from := l.from[e.Key]
		values = append(values, Value{Key: e.Key, Value: e.show(text, from), Source: from})
	}
	return values
}

// show returns a value as a person may see it: a default that depends on the
// machine in words, a secret not at all.
func (e Entry) show(text, from string) string {
	switch {
	case e.Secret && text != "":
		return "(set)"
	case from == fromDefault && e.DefaultHelp != "" && (text == "" || text == e.Default):
		return e.DefaultHelp
	}
	return text
}

func (l *loader) mirrorValues(e Entry, s *Settings) []Value {
	if len(s.Mirrors) == 0 {
		return []Value{{Key: e.Key, Value: e.DefaultHelp, Source: fromDefault}}
	}
	var values []Value
	for _, archive := range slices.Sorted(maps.Keys(s.Mirrors)) {
		key := e.Key + "." + archive
		var shown []string
		for _, url := range s.Mirrors[archive] {
			shown = append(shown, redact(url))
		}
		values = append(values, Value{Key: key, Value: strings.Join(shown, " "), Source: l.from[key]})
	}
	return values
}
