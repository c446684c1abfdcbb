package compose

import (
	"os"
	"strings"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/regular"
)

// maxSecret bounds a webhook's secret, in bytes.
const maxSecret = 1 << 10

// Webhook is the one that the settings name, nil where they name none, and the
// URI that events come from. Without its secret it is a fault.Missing.
func Webhook(s *settings.Settings) (hook *notify.Webhook, source string, err error) {
	if s.Notify.URL == "" {
		return nil, "", nil
	}
	text, err := webhookSecret(s)
	if err != nil {
		return nil, "", err
	}
	secret, err := notify.ParseSecret(text)
	if err != nil {
		return nil, "", fault.Hint(err, "look at %s; %s", s.Named("notify.secret"), fault.HintOf(err))
	}
	return &notify.Webhook{Address: s.Notify.URL, Secret: secret}, origin(s).Builder, nil
}

// webhookSecret reads the secret from a file or a variable of the environment.
func webhookSecret(s *settings.Settings) (string, error) {
	from := s.Notify.Secret
	name, inEnv := strings.CutPrefix(from, envPrefix)
	switch {
	case from == "":
		return "", fault.Hint(fault.New(fault.Missing, "%s has no secret to sign with", s.Named("notify.url")), "name a file, or env: and a variable, with notify.secret")
	case !inEnv:
		text, err := regular.ReadNamed(from, maxSecret, nil)
		return string(text), fault.Hint(err, "write the secret to a file that only you can read, and name that with notify.secret")
	case os.Getenv(name) == "":
		return "", fault.Hint(fault.New(fault.Missing, "the variable %s holds no secret", name), "set it, or name a file with notify.secret")
	}
	return os.Getenv(name), nil
}
