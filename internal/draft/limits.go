package draft

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/units"
)

// compose takes what only a compose.yaml says.
func (d *drafter) compose(c *Compose) {
	for _, limit := range []struct {
		at   dockerfile.Word
		what string
		set  func(text string, a *app.App) error
	}{
		{c.memory, "memory", func(text string, a *app.App) error {
			return a.Service.Resources.Memory.UnmarshalText([]byte(size(text)))
		}},
		{c.cpus, "processors", func(text string, a *app.App) (err error) {
			a.Service.Resources.CPUs, err = strconv.ParseFloat(text, 64)
			return err
		}},
		{c.pids, "processes", func(text string, a *app.App) (err error) {
			a.Service.Resources.PIDs, err = strconv.Atoi(text)
			return err
		}},
		{c.grace, "time to end in", func(text string, a *app.App) error {
			span, err := time.ParseDuration(text)
			a.Service.StopGrace = units.Duration(span)
			return err
		}},
	} {
		if limit.at.Text == "" {
			continue
		}
		trial := d.App
		if err := limit.set(limit.at.Text, &trial); err != nil {
			d.leave(limit.at.At, "the "+limit.what, "%v", err)
			continue
		}
		d.take(limit.at.At, "the "+limit.what, func(a *app.App) { *a = trial })
	}
	for _, w := range c.tmpfs {
		folder, _, _ := strings.Cut(w.Text, ":")
		if !slices.Contains([]string{"/tmp", "/var/tmp", "/run"}, folder) { // those that can be, are
			d.take(w.At, "the folder "+folder+" in memory", func(a *app.App) { a.Service.Writable = append(slices.Clip(a.Service.Writable), folder) })
		}
	}
	for _, w := range c.secrets {
		d.take(w.At, "the secret "+w.Text, func(a *app.App) { a.Service.Secrets = append(slices.Clip(a.Service.Secrets), w.Text) })
	}
	for _, w := range c.configs {
		d.take(w.At, "the setting "+w.Text, func(a *app.App) { a.Service.Config = append(slices.Clip(a.Service.Config), w.Text) })
	}
	d.Left = append(d.Left, c.left...)
}

// size is a size as Docker writes it ("512m", "1gb") in the app file's form.
func size(text string) string {
	text = strings.ToUpper(text)
	return strings.TrimSuffix(strings.TrimSuffix(text, "B"), "I")
}
