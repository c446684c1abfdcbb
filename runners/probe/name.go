package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/units"
)

// Name is the test's own name, or one that says what it checks: "http GET /
// on 8080", "tcp connect to 5432", "command /usr/bin/id -u gives "33"".
func Name(t app.Test, s app.Service) string {
	if t.Name != "" {
		return t.Name
	}
	return CheckName(t.Check, s)
}

// CheckName says what a check checks.
func CheckName(c app.Check, s app.Service) string {
	switch {
	case c.HTTP != nil:
		return fmt.Sprintf("http GET %s on %d", path(*c.HTTP), Port(c, s)) + gives(c.HTTP.Contains)
	case c.TCP != nil:
		return fmt.Sprintf("tcp connect to %d", Port(c, s))
	case c.Command != nil:
		return "command " + strings.Join(c.Command.Run, " ") + gives(c.Command.Contains)
	}
	return "empty check"
}

// gives tells apart the checks that want other texts of one page or command.
func gives(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" gives %q", shown(text))
}

// Port is the port that an HTTP or TCP check asks: its own, else the
// service's first TCP port, else 0.
func Port(c app.Check, s app.Service) int {
	if c.HTTP != nil && c.HTTP.Port != 0 {
		return c.HTTP.Port
	}
	if c.TCP != nil && c.TCP.Port != 0 {
		return c.TCP.Port
	}
	for _, p := range s.Ports {
		if p.Protocol == "tcp" || p.Protocol == "" {
			return p.Number
		}
	}
	return 0
}

// For returns what the artifact of this kind must pass, for its runner to
// complete: the service's health first, then the tests in their order.
func For(artifact string, a app.App) []Options {
	var mine []Options
	if h := a.Service.Health; h != nil {
		mine = append(mine, Options{Artifact: artifact, Service: a.Service, Test: healthTest(*h), Attempt: time.Duration(h.Timeout)})
	}
	for _, t := range a.Tests {
		if t.On == "" || t.On == artifact {
			mine = append(mine, Options{Artifact: artifact, Service: a.Service, Test: t})
		}
	}
	return mine
}

// healthTest gives the service the time in which it would become unhealthy:
// that of all retries.
func healthTest(h app.Health) app.Test {
	return app.Test{Name: "is healthy", Check: h.Check, Within: units.Duration(h.Retries) * (h.Interval + h.Timeout)}
}
