package dockerfile_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/dockerfile"
)

// TestAsked reads what public Dockerfiles do with apt.
func TestAsked(t *testing.T) {
	for name, c := range map[string]struct {
		text         string
		image, build string
	}{
		"plain":           {"FROM base\nRUN apt-get update && apt-get install -y --no-install-recommends jq curl=8.* \\\n  libssl3:amd64 && rm -rf /var/lib/apt/lists/*", "curl jq libssl3", ""},
		"any spelling":    {"FROM docker.io/library/debian:trixie-slim\nRUN DEBIAN_FRONTEND=noninteractive apt -qq -o Dpkg::Use-Pty=0 install -y jq", "jq", ""},
		"another image":   {"FROM golang:1.26\nRUN apt-get install -y jq", "", ""},
		"a stage":         {"FROM base AS build\nRUN apt-get install -y gcc\nFROM base\nRUN apt-get install -y jq\nCOPY --from=build /x /x", "jq", "gcc"},
		"stands on stage": {"FROM base AS common\nRUN apt-get install -y jq\nFROM common\nRUN apt-get install -y curl", "curl jq", ""},
		"purged":          {"FROM base\nRUN deps='gcc make' && apt-get install -y $deps jq && make && apt-get purge -y --auto-remove $deps", "jq", "gcc make"},
		"variables":       {"ARG ON=base\nFROM ${ON}\nARG VERSION=17\nENV TOOLS=\"jq curl\"\nRUN apt-get install -y ${TOOLS} postgresql-client-$VERSION", "curl jq postgresql-client-17", ""},
		"here-document":   {"FROM base\nRUN <<EOF\napt-get update\nif true; then\n  apt-get install -y jq\nfi\nEOF", "jq", ""},
		"exec form":       {"FROM base\nRUN [\"apt-get\", \"install\", \"-y\", \"jq\"]", "jq", ""},
		"a file":          {"FROM base\nRUN apt-get install -y ./own.deb /tmp/other.deb", "", ""},
		"a word about it": {"FROM base\nRUN echo apt-get install jq", "", ""},
		"unknown":         {"FROM base\nRUN apt-get install -y $(cat list) $X", "", ""},
		"no shell":        {"FROM base\nRUN ((( \nRUN apt-get install -y jq", "jq", ""},
		"no Dockerfile":   {"", "", ""},
	} {
		got, err := dockerfile.Asked(strings.NewReader(c.text), "Dockerfile", dockerfile.Names("trixie"))
		if want := (dockerfile.Packages{Image: fields(c.image), Build: fields(c.build)}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v, %v", name, got, want, err)
		}
	}
}

func fields(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Fields(text)
}

// TestTooLarge: what is read is bounded.
func TestTooLarge(t *testing.T) {
	if _, err := dockerfile.Asked(strings.NewReader("FROM base\n"+strings.Repeat("#", dockerfile.MaxBytes)), "Dockerfile", nil); err == nil {
		t.Error("it is read whole")
	}
}

func FuzzAsked(f *testing.F) {
	f.Add("FROM base\nRUN apt-get install -y jq $X ${Y:-z} <<EOF\nx\nEOF\nENV A=b C\nARG X=1")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := dockerfile.Asked(strings.NewReader(text), "Dockerfile", dockerfile.Names("trixie"))
		if err == nil {
			for _, name := range append(got.Image, got.Build...) {
				if strings.ContainsAny(name, " /=:$") {
					t.Errorf("%q is no package's name", name)
				}
			}
		}
	})
}
