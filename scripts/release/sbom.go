package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// component is one of CycloneDX 1.6, as far as it is said here.
type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

// sbom says which Go modules are in the programs, by what the compiler noted in
// them.
func (r release) sbom() ([]byte, error) {
	type metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	seen := map[module]bool{}
	var all []component
	for _, f := range r.files {
		if f.mode != 0o755 {
			continue
		}
		info, err := buildinfo.Read(bytes.NewReader(f.data))
		if err != nil {
			return nil, fmt.Errorf("reading what is in %s: %w", f.path, err)
		}
		all = append(all, component{Type: "application", Name: path.Base(f.path), Version: r.version, Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(f.data))}}})
		modules := []module{{"stdlib", strings.TrimPrefix(info.GoVersion, "go")}}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			modules = append(modules, module{d.Path, d.Version})
		}
		for _, m := range modules {
			if !seen[m] {
				seen[m] = true
				all = append(all, component{Type: "library", Name: m.path, Version: m.version, PURL: "pkg:golang/" + m.path + "@" + m.version})
			}
		}
	}
	slices.SortFunc(all, func(a, b component) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	text, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": all,
		"metadata": metadata{r.epoch.Format(time.RFC3339), component{Type: "application", Name: "bakelite", Version: r.version, PURL: "pkg:golang/github.com/bakelite/bakelite@" + r.version}},
	}, "", "  ")
	return append(text, '\n'), err
}

// module is one by path and version.
type module struct{ path, version string }
