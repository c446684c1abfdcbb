package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// given is what run and boot hand to the service.
type given struct{ secrets, config, environment []string }

func (g *given) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&g.secrets, "secret", nil, "give the service a secret: NAME=FILE, once for each")
	c.Flags().StringArrayVar(&g.config, "setting", nil, "give the service a file of its config: NAME=FILE, once for each")
	c.Flags().StringArrayVar(&g.environment, "env", nil, "set a variable of the service: NAME=VALUE, once for each")
}

// values reads the files that the service asks for; each mistake is named.
func (g *given) values(a app.App) (map[string][]byte, error) {
	all := map[string][]byte{}
	var wrong []error
	for _, kind := range []struct {
		flag  string
		known []string
		given []string
	}{{"--secret", a.Service.Secrets, g.secrets}, {"--setting", a.Service.Config, g.config}} {
		for _, text := range kind.given {
			name, file, ok := strings.Cut(text, "=")
			switch {
			case !ok || file == "":
				wrong = append(wrong, fault.New(fault.Invalid, "%s %s: want NAME=FILE", kind.flag, text))
			case !slices.Contains(kind.known, name):
				wrong = append(wrong, fault.New(fault.Invalid, "%s %s: the app file names no such file; it names %s", kind.flag, name, listed(kind.known)))
			default:
				value, err := readGiven(file)
				if err != nil {
					wrong = append(wrong, fault.New(fault.Invalid, "%s %s: %w", kind.flag, name, err))
				}
				all[name] = value
			}
		}
	}
	for _, kind := range []struct {
		flag  string
		known []string
	}{{"--secret", a.Service.Secrets}, {"--setting", a.Service.Config}} {
		for _, name := range kind.known {
			if _, ok := all[name]; !ok {
				wrong = append(wrong, fault.Hint(fault.New(fault.Invalid, "the service does not start without %s", name), "give it: %s %s=FILE", kind.flag, name))
			}
		}
	}
	for _, text := range g.environment {
		if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
			wrong = append(wrong, fault.New(fault.Invalid, "--env %s: want NAME=VALUE", name))
		}
	}
	return all, errors.Join(wrong...)
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func readGiven(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limit.ReadAll(f, app.MaxGiven, file)
}
