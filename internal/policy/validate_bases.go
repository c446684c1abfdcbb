package policy

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

var (
	// archiveName is the form of an archive's name: "debian-security".
	archiveName = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*$`)
	// registryHost is the form of a registry: a domain or an address that
	// cannot be taken for a repository of another one, and maybe a port.
	registryHost = regexp.MustCompile(`^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|\[[0-9a-f:]+\]|[a-z0-9-]+:[0-9]+)(:[0-9]+)?$`)
)

func (c *checker) bases(b Bases) {
	c.each("bases.archives", b.Archives, func(key, name string) {
		if !archiveName.MatchString(name) {
			c.add(key, "%q is not an archive's name, like debian-security; mirrors are settings", name)
		}
	})
	c.each("bases.images.allow", b.Images.Allow, c.repository)
	c.each("bases.images.official", b.Images.Official, c.repository)
	c.signers("bases.images.signedBy", b.Images.SignedBy)
}

// repository judges a repository in its full form, "/*" behind it allowed.
func (c *checker) repository(key, pattern string) {
	name, below := strings.CutSuffix(pattern, "/*")
	if below && registryHost.MatchString(name) {
		return
	}
	if below {
		name += "/any" // a namespace alone would be read as an official image
	}
	named, err := reference.ParseNormalizedNamed(name)
	switch {
	case err != nil || strings.Contains(name, "*"):
		c.add(key, "%q is not a repository; write it like docker.io/library/debian, or quay.io/example/* for all below", pattern)
	case !reference.IsNameOnly(named):
		c.add(key, "%q names a tag or a digest; name the repository alone: %s", pattern, full(named.Name(), below))
	case named.Name() != name:
		c.add(key, "%q is short for %s; write that", pattern, full(named.Name(), below))
	}
}

// full is a repository as a policy writes it.
func full(name string, below bool) string {
	if above, ok := strings.CutSuffix(name, "/any"); ok && below {
		return above + "/*"
	}
	return name
}

func (c *checker) signers(key string, signers []Signer) {
	if !c.bounded(key, len(signers)) {
		return
	}
	for i, s := range signers {
		c.signer(item(key, i), s)
	}
}

// signer judges a key, or an issuer with one form of subject.
func (c *checker) signer(key string, s Signer) {
	switch {
	case s.Key != "":
		c.file(key+".key", s.Key)
		if s != (Signer{Key: s.Key}) {
			c.add(key, "give key, or issuer and subject, not both: a key stands for itself")
		}
		return
	case s.Issuer == "":
		c.add(key, "give key (a public key's file), or issuer and subject")
		return
	case (s.Subject == "") == (s.SubjectMatches == ""):
		c.add(key, "give exactly one of subject and subjectMatches: an issuer alone vouches for everybody")
	}
	c.identityOf(key, s)
}

func (c *checker) identityOf(key string, s Signer) {
	if u, err := url.Parse(s.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		c.add(key+".issuer", "%q is not the https URL of an OIDC issuer", s.Issuer)
	}
	if _, err := regexp.Compile(s.SubjectMatches); err != nil || len(s.SubjectMatches) > maxText {
		c.add(key+".subjectMatches", "is not a regular expression (RE2) of at most %d bytes", maxText)
	}
	if s.TrustedRoot != "" {
		c.file(key+".trustedRoot", s.TrustedRoot)
	}
}
