package draft

import (
	"net/url"
	"regexp"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
)

var (
	// secretName is a variable's name by which it holds a secret, as BuildKit's
	// rule SecretsUsedInArgOrEnv has them.
	secretName = regexp.MustCompile(`(?i)(?:^|_)(?:apikey|auth|credentials?|key|passphrase|passwd|password|pword|secret|token)(?:_|$)`)
	// placeName is one by which it says what everybody may know, or where a
	// secret lies.
	placeName = regexp.MustCompile(`(?i)(?:^|_)public(?:_|$)|_(?:dir|file|path)$`)
)

// isSecret says whether a variable holds a secret by its name, or by a password
// in an address.
func isSecret(v dockerfile.Variable) bool {
	if at, err := url.Parse(v.Value); err == nil {
		if _, given := at.User.Password(); given {
			return true
		}
	}
	return v.Value != "" && secretName.MatchString(v.Name) && !placeName.MatchString(v.Name)
}

// environment takes variables, but for those that would put a secret into an
// app file and an image, which all who have one of them can read.
func (d *drafter) environment(all []dockerfile.Variable) {
	for _, v := range all {
		if isSecret(v) {
			d.leave(v.At, "the variable "+v.Name, "it looks like a secret, which whoever has the image could read: name it in service.secrets, and give it at the start; where it is none, write it into service.environment")
			continue
		}
		d.take(v.At, "the variable "+v.Name, func(a *app.App) { a.Service.Environment = with(a.Service.Environment, v) })
	}
}
