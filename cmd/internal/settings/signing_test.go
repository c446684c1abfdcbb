package settings

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func TestSigningGoesTogether(t *testing.T) {
	const whole = "sign:\n  keyless: true\n  fulcio: https://f.example\n  rekor: https://r.example\n  timestamp: https://t.example\n  trusted-root: root.json\n"
	for _, tt := range []struct {
		name, file string
		env, args  []string
		want, hint string // no error where want is ""
	}{
		{name: "the public one", args: []string{"--keyless"}},
		{name: "a private one", file: whole},
		{name: "tiles", file: whole + "  rekor-version: 2\n"},
		{name: "not keyless", file: strings.Replace(whole, "trusted-root", "# trusted-root", 1), args: []string{"--keyless=false"}},
		{name: "a signing config", args: []string{"--keyless", "--signing-config=c.json"}},
		{name: "a signing config with a root", args: []string{"--keyless", "--signing-config=c.json", "--trusted-root=r.json"}},
		{name: "a fallback", args: []string{"--keyless", "--fallback-to-key", "--key=k"}},
		{name: "no root", file: "sign: {keyless: true, fulcio: 'https://f.example', rekor: 'https://r.example'}\n",
			want: "sign.fulcio (bakelite.yaml:1), sign.rekor (bakelite.yaml:1), and it also needs sign.trusted-root", hint: "public Sigstore"},
		{name: "only Rekor", env: []string{"BAKELITE_SIGN_REKOR=https://r.example"}, args: []string{"--keyless"},
			want: "sign.rekor (environment BAKELITE_SIGN_REKOR), and it also needs sign.fulcio, sign.trusted-root", hint: "public Sigstore"},
		{name: "only a root", args: []string{"--keyless", "--trusted-root=r.json"}, want: "sign.trusted-root (flag --trusted-root)", hint: "sign.fulcio"},
		{name: "a version alone", args: []string{"--keyless", "--rekor-version=2"}, want: "sign.rekor-version (flag --rekor-version)", hint: "leave all"},
		{name: "a version without a log", args: []string{"--keyless", "--rekor-version=1", "--fulcio=https://f.example", "--timestamp=https://t.example", "--trusted-root=r"},
			want: "without sign.rekor", hint: "the log's address"},
		{name: "tiles without time", file: strings.Replace(whole, "timestamp", "# timestamp", 1), args: []string{"--rekor-version=2"},
			want: "sign.rekor-version (flag --rekor-version) is 2", hint: "timestamp authority"},
		{name: "another version", file: whole + "  rekor-version: 3\n", want: `sign.rekor-version: "3" is not one of 1, 2`, hint: "bakelite config"},
		{name: "an address beside a config", file: whole, args: []string{"--signing-config=c.json"}, want: "sign.fulcio (bakelite.yaml:3)", hint: "not both"},
		{name: "nothing to fall back to", args: []string{"--keyless", "--fallback-to-key"}, want: "sign.fallback-to-key (flag --fallback-to-key)", hint: "--key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := load(t, tt.file, tt.env, tt.args...)
			if err == nil {
				err = s.CheckSigning()
			}
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(fault.HintOf(err), tt.hint) {
				t.Errorf("kind %d, hint %q, %v", fault.KindOf(err), fault.HintOf(err), err)
			}
		})
	}
}

// TestTokenInPlaceOfItsFile: an error must not repeat a token that was given
// where its file is asked for.
func TestTokenInPlaceOfItsFile(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
	for name, give := range map[string]struct {
		file      string
		env, args []string
	}{
		"flag":        {args: []string{"--token=" + token}},
		"environment": {env: []string{"BAKELITE_SIGN_TOKEN=" + token}},
		"file":        {file: "sign: {token: " + token + "}\n"},
		"white space": {env: []string{"BAKELITE_SIGN_TOKEN= " + token + "\n"}},
		"a block":     {file: "sign:\n  token: |\n    " + token + "\n"},
	} {
		_, err := load(t, give.file, give.env, give.args...)
		if fault.KindOf(err) != fault.Invalid || err == nil || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "token itself") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, FileName), "sign: {token: run/token.jwt}\n")
	s, err := Load(Options{Dir: dir, Environ: []string{home}})
	if err != nil || s.Sign.Token != filepath.Join(dir, "run/token.jwt") {
		t.Errorf("a path: %+v, %v", s, err)
	}
}
