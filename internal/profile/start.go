package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"

	"github.com/bakelite/bakelite/internal/app"
)

// Program is where images have the program that starts the service where it
// needs something before, and that asks whether it is healthy
// (cmd/bakelite-service).
const Program = "/opt/bakelite/service"

// The folders that hold what is given at the start.
const (
	SecretsFolder = "/run/secrets"
	ConfigFolder  = "/run/config"
)

// Given is a file that is given at the start.
type Given struct {
	Name string `json:"name"`
	// Path is where the service finds it.
	Path string `json:"path"`
	// Secret tells it from a setting.
	Secret bool `json:"secret"`
}

func (g Given) kind() string {
	if g.Secret {
		return "secret"
	}
	return "setting"
}

func given(s app.Service) []Given {
	var all []Given
	for _, name := range s.Secrets {
		all = append(all, Given{name, path.Join(SecretsFolder, name), true})
	}
	for _, name := range s.Config {
		all = append(all, Given{name, path.Join(ConfigFolder, name), false})
	}
	return all
}

func commands(p *app.Prepare) [][]string {
	if p == nil {
		return nil
	}
	return p.Run
}

// Starts says that the program has something to do before the service.
func (p Profile) Starts() bool { return len(p.Given) > 0 || len(p.Prepare) > 0 }

// Asks says that the program asks whether the service is healthy, in a
// container.
func (p Profile) Asks() bool { return p.Health != nil && p.Health.Command == nil }

// Start is the whole command line: the service's, after what comes before it.
func (p Profile) Start() []string {
	if !p.Starts() {
		return p.Command
	}
	words := []string{Program, "start"}
	for _, g := range p.Given {
		words = append(words, "need", g.kind(), g.Name, g.Path)
	}
	if len(p.Prepare) > 0 {
		words = append(words, "prepare", p.mark(), p.generation())
	}
	for _, command := range p.Prepare {
		words = append(append(words, "run", strconv.Itoa(len(command))), command...)
	}
	return append(append(words, "exec"), p.Command...)
}

// mark is the file that says that a state was prepared: in the state itself,
// so that it goes where that goes.
func (p Profile) mark() string {
	for _, f := range p.Folders {
		if f.Lasts {
			return path.Join(f.Path, ".bakelite-prepared")
		}
	}
	return ""
}

func (p Profile) generation() string {
	if p.Update {
		return p.Release
	}
	return "once"
}

// ReleaseOf names what an image is made from: another app file or lock is
// another release.
func ReleaseOf(a app.App, lock string) (string, error) {
	text, err := app.Marshal(a)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(text, lock...))
	return hex.EncodeToString(sum[:16]), nil
}

// Question is how the program asks whether the service is healthy, nil where a
// command of the app's own does.
func (p Profile) Question() []string {
	h := p.Health
	switch {
	case !p.Asks():
		return nil
	case h.TCP != nil:
		return []string{Program, "tcp", strconv.Itoa(h.TCP.Port)}
	case h.HTTP.Contains != "":
		return []string{Program, "http", strconv.Itoa(h.HTTP.Port), h.HTTP.Path, strconv.Itoa(h.HTTP.Status), h.HTTP.Contains}
	}
	return []string{Program, "http", strconv.Itoa(h.HTTP.Port), h.HTTP.Path, strconv.Itoa(h.HTTP.Status)}
}
