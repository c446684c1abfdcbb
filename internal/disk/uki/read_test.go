package uki

import (
	"bytes"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func TestCmdlineReadsWhatBuildWrote(t *testing.T) {
	p := testParts()
	if got, err := Cmdline(bytes.NewReader(buildBytes(t, p))); err != nil || got != p.Cmdline {
		t.Errorf("%q, %v", got, err)
	}
	p.Cmdline = ""
	for name, program := range map[string][]byte{"no command line": buildBytes(t, p), "no program": []byte("MZ"), "nothing": nil} {
		if got, err := Cmdline(bytes.NewReader(program)); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzCmdline(f *testing.F) {
	f.Add(testStub().bytes())
	f.Fuzz(func(t *testing.T, program []byte) {
		if text, err := Cmdline(bytes.NewReader(program)); err == nil && len(text) > maxCmdline {
			t.Errorf("%d bytes", len(text))
		}
	})
}
