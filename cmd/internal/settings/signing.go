package settings

import (
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// Named returns a key with where its value comes from, for errors:
// "sign.fulcio (bakelite.yaml:3)".
func (s *Settings) Named(key string) string {
	for _, v := range s.values {
		if v.Key == key {
			return key + " (" + v.Source + ")"
		}
	}
	return key
}

// given returns those keys that a user has set, named.
func (s *Settings) given(keys ...string) []string {
	var named []string
	for _, key := range keys {
		for _, v := range s.values {
			if v.Key == key && v.Source != fromDefault && v.Value != "" {
				named = append(named, s.Named(key))
			}
		}
	}
	return named
}

// CheckSigning refuses settings of keyless signing that do not go together,
// with an error of kind fault.Invalid. Commands that sign nothing do not ask:
// a file may leave to the CI what only the CI has.
func (s *Settings) CheckSigning() error {
	if !s.Sign.Keyless {
		return nil
	}
	if s.Sign.FallbackToKey && s.Sign.Key == "" {
		return fault.Hint(fault.New(fault.Invalid, "%s is true, and there is no key to fall back to", s.Named("sign.fallback-to-key")),
			"give one with --key or sign.key")
	}
	addresses := s.given("sign.fulcio", "sign.rekor", "sign.rekor-version", "sign.timestamp")
	switch {
	case s.Sign.Config != "" && len(addresses) > 0:
		return fault.Hint(fault.New(fault.Invalid, "%s has all of Sigstore's addresses, and %s is given beside it", s.Named("sign.config"), strings.Join(addresses, ", ")),
			"give the file or the addresses, not both")
	case s.Sign.Config != "":
		return nil
	case len(addresses) > 0:
		return s.checkAddressed(strings.Join(addresses, ", "))
	case s.Sign.TrustedRoot != "":
		return fault.Hint(fault.New(fault.Invalid, "%s is of a private Sigstore, and no address of one is given", s.Named("sign.trusted-root")),
			"give sign.fulcio with sign.rekor or sign.timestamp, or sign.config; or leave it out for the public Sigstore")
	}
	return nil
}

// checkAddressed asks for what a private Sigstore needs beside the addresses
// that are given.
func (s *Settings) checkAddressed(given string) error {
	var lacking []string
	for _, needed := range []struct{ key, value string }{
		{"sign.fulcio", s.Sign.Fulcio},
		{"sign.rekor or sign.timestamp", s.Sign.Rekor + s.Sign.Timestamp},
		{"sign.trusted-root", s.Sign.TrustedRoot},
	} {
		if needed.value == "" {
			lacking = append(lacking, needed.key)
		}
	}
	switch {
	case len(lacking) > 0:
		return fault.Hint(fault.New(fault.Invalid, "a private Sigstore is named by %s, and it also needs %s", given, strings.Join(lacking, ", ")),
			"give what it needs, or leave all of it out for the public Sigstore")
	case s.Sign.Rekor == "" && len(s.given("sign.rekor-version")) > 0:
		return fault.Hint(fault.New(fault.Invalid, "%s is given without sign.rekor", s.Named("sign.rekor-version")), "give the log's address, or no version")
	case s.Sign.RekorVersion == 2 && s.Sign.Timestamp == "":
		return fault.Hint(fault.New(fault.Invalid, "%s is 2, which gives no time, and sign.timestamp is not given", s.Named("sign.rekor-version")),
			"give the timestamp authority's address")
	}
	return nil
}
