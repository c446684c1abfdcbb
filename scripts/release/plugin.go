package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// plugin is the Packer plugin as it describes itself.
type plugin struct {
	Version string `json:"version"`
	API     string `json:"api_version"`
}

// describedAs is the form of what packer init looks for.
var describedAs = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-dev)?$`)

// pluginName begins the names of the plugin's files.
const pluginName = "packer-plugin-bakelite"

// readPlugin reads what "packer-plugin-bakelite describe" printed.
func readPlugin(text string) (p plugin, err error) {
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("reading what the plugin says of itself: %w", err)
	}
	if !describedAs.MatchString(p.Version) || !regexp.MustCompile(`^x[0-9]+\.[0-9]+$`).MatchString(p.API) {
		return p, fmt.Errorf("the plugin has the version %q and the API %q, which packer does not install", p.Version, p.API)
	}
	return p, nil
}

// writePlugin packs the plugin as packer init wants it: an archive whose name
// and one file have its version, its API and its system, and the digests of the
// archives of one version.
func (r release) writePlugin(p plugin, from, out string) error {
	program, err := os.ReadFile(filepath.Join(from, pluginName))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s_v%s_%s_linux_%s", pluginName, p.Version, p.API, r.arch)
	data, err := r.zipped(file{name, 0o755, program})
	if err == nil {
		err = os.WriteFile(filepath.Join(out, name+".zip"), data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("making %s.zip: %w", name, err)
	}
	fmt.Println(name + ".zip")
	prefix := fmt.Sprintf("%s_v%s_", pluginName, p.Version)
	return sums(filepath.Join(out, prefix+"SHA256SUMS"), filepath.Join(out, prefix+"*.zip"))
}

// zipped is an archive of one file.
func (r release) zipped(f file) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: f.path, Method: zip.Deflate, Modified: r.epoch}
	h.SetMode(os.FileMode(f.mode))
	w, err := z.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(f.data); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

// sums writes the digests of the files that patterns name, as sha256sum does.
func sums(to string, patterns ...string) error {
	var text bytes.Buffer
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), filepath.Base(name))
		}
	}
	return os.WriteFile(to, text.Bytes(), 0o644)
}
