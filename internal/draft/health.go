package draft

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/units"
)

// asksItself is a page of the service's own that curl or wget asks for; after
// it may stand what makes every failure the same.
var asksItself = regexp.MustCompile(`^(?:/usr/bin/|busybox +)?(?:curl|wget)(?: +-\S+)* +["']?http://(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?(/[^\s"'|;&<>$]*)?["']?(?: +-\S+)*(?: *(?:\|\||;) *(?:exit +1|false))?$`)

// connects is a connection that netcat makes to the service itself.
var connects = regexp.MustCompile(`^(?:/bin/|/usr/bin/)?nc(?: +-\S+)* +(?:localhost|127\.0\.0\.1) +(\d+)(?: *\|\| *exit +1)?$`)

// health takes a check of health. What curl and wget ask for the image's own
// program asks for, which needs neither.
func (d *drafter) health(h *dockerfile.Health) {
	if h == nil || len(h.Test) < 2 {
		return
	}
	check, shell := d.check(*h)
	took := d.take(h.At, "the check of health", func(a *app.App) {
		a.Service.Health = &app.Health{Check: check, Interval: units.Duration(h.Interval), Timeout: units.Duration(h.Timeout), Retries: h.Retries}
		a.Container.Shell = a.Container.Shell || shell
	})
	if took && h.StartPeriod > 0 {
		d.leave(h.At, "the start period of the check of health", "there is none: interval and retries give the service its time")
	}
}

func (d *drafter) check(h dockerfile.Health) (c app.Check, shell bool) {
	text := strings.TrimSpace(strings.Join(h.Test[1:], " "))
	if m := asksItself.FindStringSubmatch(text); m != nil {
		return app.Check{HTTP: &app.HTTPCheck{Path: m[2], Port: number(m[1], 80)}}, false
	}
	if m := connects.FindStringSubmatch(text); m != nil {
		return app.Check{TCP: &app.TCPCheck{Port: number(m[1], 0)}}, false
	}
	words := slices.Clone(h.Test[1:])
	if h.Test[0] == "CMD-SHELL" {
		if !plainWords.MatchString(text) {
			return app.Check{Command: &app.CommandCheck{Run: []string{"/bin/sh", "-c", text}}}, true
		}
		words = strings.Fields(text)
	}
	words[0] = d.program(h.At, words[0], d.App.Service.Dir)
	return app.Check{Command: &app.CommandCheck{Run: words}}, false
}

// number reads digits.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}
