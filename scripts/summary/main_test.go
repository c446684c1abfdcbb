package main

import (
	"strings"
	"testing"
)

const made = `{"app":"web","lockDigest":"sha256:1","rebuilt":true,"artifacts":[` +
	`{"kind":"disk","format":"qcow2","path":"dist/web.qcow2","digest":"sha256:2","size":87490560,"platform":"linux/amd64"}],` +
	`"tests":[{"artifact":"disk","name":"boots","passed":true,"seconds":1.5},{"artifact":"disk","name":"serves","passed":false}],` +
	`"steps":[{"name":"old","seconds":9,"cached":true},{"name":"quick","seconds":1},{"name":"slow","seconds":2}]}`

const published = `{"app":"web","rebuilt":false,"published":[{"kind":"disk","ref":"oci:dist/published/web-disk@sha256:9",` +
	`"verdict":"passed","tags":["latest"],"referrers":["sha256:a","sha256:b"],"again":false}]}`

func TestShow(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
	}{
		"made":       {made, []string{"87.5 MB", "dist/web.qcow2", "sha256:2", "passed  disk", "FAILED  disk", "3, of which 1", "boot examples/web"}},
		"two apps":   {made + "\n" + strings.ReplaceAll(made, "web", "api"), []string{"dist/web.qcow2", "dist/api.qcow2"}},
		"published":  {made + published, []string{"dist/web.qcow2", "passed  2 statements  tags latest", "oci:dist/published/web-disk@sha256:9"}},
		"up to date": {`{"app":"web","rebuilt":false}`, []string{"web was up to date"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := show(&out, strings.NewReader(test.in)); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in:\n%s", want, out.String())
				}
			}
		})
	}
}

func TestShowSlowestFirst(t *testing.T) {
	var out strings.Builder
	if err := show(&out, strings.NewReader(made)); err != nil {
		t.Fatal(err)
	}
	slow, quick := strings.Index(out.String(), "slow"), strings.Index(out.String(), "quick")
	if slow < 0 || quick < slow || strings.Contains(out.String(), "old") {
		t.Errorf("want slow, quick and no cached step:\n%s", out.String())
	}
}

// TestPublishedIsOneApp: that publishing found it built says nothing about the
// build before it.
func TestPublishedIsOneApp(t *testing.T) {
	var out strings.Builder
	if err := show(&out, strings.NewReader(made+"\n"+published)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "up to date") || strings.Count(out.String(), "Files") != 1 {
		t.Errorf("want one app that was built:\n%s", out.String())
	}
}

func TestShowRefusesOtherInput(t *testing.T) {
	for _, in := range []string{"", "{", "[]", made + "x"} {
		if err := show(&strings.Builder{}, strings.NewReader(in)); err == nil {
			t.Errorf("%q was taken for a result", in)
		}
	}
}
