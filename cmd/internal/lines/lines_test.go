package lines

import (
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, test := range map[string]struct{ writes, want []string }{
		"whole":     {[]string{"a\nb\n"}, []string{"a", "b"}},
		"in parts":  {[]string{"a", "b\n", "c"}, []string{"ab", "c"}},
		"empty":     {[]string{"\n \n\r\na\r\n"}, []string{"a"}},
		"very long": {[]string{long + long + "y\nz\n"}, []string{long + long + "y", "z"}},
		"no end":    {[]string{long, "y\n"}, []string{long, "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			l := &Writer{Say: func(line string) { got = append(got, line) }}
			for _, text := range test.writes {
				if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
					t.Fatal(n, err)
				}
			}
			l.Flush()
			if !slices.Equal(got, test.want) {
				t.Errorf("said %q", got)
			}
		})
	}
}
