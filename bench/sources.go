package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/distro/debian/fetch"
)

// sourcesFor writes apt sources of a suite with this machine's mirrors.
func sourcesFor(suite string) ([]byte, error) {
	mirrors := fetch.MachineMirrors(os.DirFS("/"))
	var out bytes.Buffer
	for name, suites := range map[string]string{"debian": suite + " " + suite + "-updates", "debian-security": suite + "-security"} {
		if len(mirrors[name]) == 0 {
			return nil, fmt.Errorf("this machine's apt sources name no mirror of %s", name)
		}
		fmt.Fprintf(&out, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n", mirrors[name][0], suites)
	}
	return out.Bytes(), nil
}

// onlyManifest returns the digest that a layout's index names.
func onlyManifest(layout string) (string, error) {
	text, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return "", err
	}
	var index struct {
		Manifests []struct{ Digest string }
	}
	if err := json.Unmarshal(text, &index); err != nil || len(index.Manifests) != 1 {
		return "", errors.Join(errors.New("the peer's base is not one image"), err)
	}
	return index.Manifests[0].Digest, nil
}

func replaceOnce(text []byte, from, to string) []byte {
	return bytes.Replace(text, []byte(from), []byte(to), 1)
}
