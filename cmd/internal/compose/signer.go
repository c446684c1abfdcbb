package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// signerName tells one way to sign from another. Which log and authority
// vouched is part of that: who asks for one is not served by another's entries.
// A key is not: a publication says which one it was.
func signerName(s settings.Sign) string {
	if !s.Keyless {
		return "key"
	}
	name := fmt.Sprintf("keyless %s", s.Fulcio)
	if s.Config != "" || s.Rekor != "" || s.Timestamp != "" {
		name += fmt.Sprintf(" %s %s %d %s", contentOf(s.Config), s.Rekor, s.RekorVersion, s.Timestamp)
	}
	return name + contentOf(s.TrustedRoot)
}

// contentOf tells what is in a file from what was in it before. What cannot be
// read is refused where it is needed.
func contentOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	hash := sha256.New()
	_, _ = io.Copy(hash, io.LimitReader(f, sigstore.MaxTrustedRoot))
	return hex.EncodeToString(hash.Sum(nil))
}

// CheckSigner refuses at once, before anything is built, where nobody would
// sign: a key is read, opened and let go.
func CheckSigner(s *settings.Settings) error {
	if err := checkSigner(s); err != nil || s.Sign.Key == "" || s.Sign.Keyless && !s.Sign.FallbackToKey {
		return err
	}
	if _, err := signingKey(s.Sign.Key); err != nil {
		return fmt.Errorf("%s: %w", s.Named("sign.key"), err)
	}
	return nil
}

// checkSigner reads no key.
func checkSigner(s *settings.Settings) error {
	if err := s.CheckSigning(); err != nil {
		return err
	}
	if s.Sign.Keyless {
		return checkKeyless(s)
	}
	if s.Sign.Key == "" {
		return fault.Hint(fault.New(fault.Invalid, "nothing is published unsigned, and no signer is set"),
			"make a key with: bakelite keygen, and give it with --key, or sign with --keyless in CI")
	}
	return checkKey(s)
}

func checkKey(s *settings.Settings) error {
	if name, inEnv := strings.CutPrefix(s.Sign.Key, envPrefix); inEnv {
		if os.Getenv(name) == "" {
			return noKeyIn(name)
		}
		return nil
	}
	if _, err := os.Stat(s.Sign.Key); err != nil {
		return fault.Hint(fault.New(fault.Missing, "%s: %w", s.Named("sign.key"), err), "make a key with: bakelite keygen, and give it with --key")
	}
	return nil
}

// checkKeyless looks for what keyless signing reads, and asks nobody.
func checkKeyless(s *settings.Settings) error {
	if _, err := sigstoreServices(s); err != nil {
		return err
	}
	if s.Sign.FallbackToKey {
		if err := checkKey(s); err != nil {
			return err
		}
	}
	if address, bearer := actions(); s.Sign.Token == "" && (address == "" || bearer == "") {
		return fault.Hint(fault.New(fault.Missing, "there is no token to sign with: sign.token names no file, and GitHub Actions gives this process none"),
			"add the permission id-token: write to the job, or name a file with --token")
	}
	if s.Sign.Token == "" {
		return nil
	}
	if _, err := os.Stat(s.Sign.Token); err != nil {
		return fault.Hint(fault.New(fault.Missing, "%s: %w", s.Named("sign.token"), err), "write a token for the audience sigstore to that file, or name another with --token")
	}
	return nil
}

// signer reads who signs. Keys stay in this process.
func signer(s *settings.Settings) (attest.Signer, error) {
	if err := checkSigner(s); err != nil {
		return attest.Signer{}, err
	}
	if !s.Sign.Keyless {
		key, err := signingKey(s.Sign.Key)
		return attest.ByKey(key), err
	}
	at, err := sigstoreServices(s)
	if err != nil {
		return attest.Signer{}, err
	}
	k := attest.Keyless{Token: token(s.Sign), Sigstore: at}
	if s.Sign.FallbackToKey && s.Sign.Key != "" {
		key, err := signingKey(s.Sign.Key)
		if err != nil {
			return attest.Signer{}, err
		}
		k.Fallback = key
	}
	return attest.ByIdentity(k), nil
}

// sigstoreServices is the instance of the settings. checkSigner has seen to it
// that they go together.
func sigstoreServices(s *settings.Settings) (sigstore.Services, error) {
	at := sigstore.Services{Fulcio: s.Sign.Fulcio, Rekor: s.Sign.Rekor, Timestamp: s.Sign.Timestamp, TUF: TUF(s)}
	if s.Sign.Rekor != "" {
		at.RekorVersion = uint32(s.Sign.RekorVersion) // 1 or 2
	}
	for _, given := range []struct{ key, address string }{{"sign.fulcio", at.Fulcio}, {"sign.rekor", at.Rekor}, {"sign.timestamp", at.Timestamp}} {
		if given.address == "" {
			continue
		}
		if err := sigstore.CheckAddress(given.address); err != nil {
			return at, fault.Hint(fmt.Errorf("%s: %w", s.Named(given.key), err), "give an https address; http is for this machine alone")
		}
	}
	var err error
	if at.Config, err = readSetting(s, "sign.config", s.Sign.Config, sigstore.MaxSigningConfig); err != nil {
		return at, err
	}
	at.Root, err = readSetting(s, "sign.trusted-root", s.Sign.TrustedRoot, sigstore.MaxTrustedRoot)
	return at, err
}

// readSetting reads a file that a setting names, if it names one. Errors tell
// both.
func readSetting(s *settings.Settings, key, path string, maxBytes int64) (sigstore.File, error) {
	if path == "" {
		return sigstore.File{}, nil
	}
	read := sigstore.File{Name: path + ", of " + s.Named(key)}
	f, err := os.Open(path)
	if err != nil {
		return read, fault.Hint(fault.New(fault.Missing, "%s: %w", s.Named(key), err), "name a file that is there with %s", key)
	}
	defer f.Close()
	if read.Text, err = limit.ReadAll(f, maxBytes, read.Name); err == nil && len(read.Text) == 0 {
		err = fault.New(fault.Invalid, "%s is empty", read.Name)
	}
	return read, fault.As(fault.Invalid, err)
}

const envPrefix = "env:"

// signingKey reads a key from a file or from a variable of the environment.
func signingKey(from string) (keys.Key, error) {
	name, inEnv := strings.CutPrefix(from, envPrefix)
	if !inEnv {
		return keys.Load(from, passphrase)
	}
	text := os.Getenv(name)
	if text == "" {
		return keys.Key{}, noKeyIn(name)
	}
	return keys.Parse([]byte(text), passphrase)
}

func noKeyIn(name string) error {
	return fault.Hint(fault.New(fault.Missing, "the variable %s holds no key", name), "set it, or name a file with --key")
}

// passphrase is that of an encrypted key, by our own variable or cosign's.
func passphrase() ([]byte, error) {
	for _, name := range []string{"BAKELITE_KEY_PASSPHRASE", "COSIGN_PASSWORD"} {
		if text, ok := os.LookupEnv(name); ok {
			return []byte(text), nil
		}
	}
	return nil, fault.Hint(fault.New(fault.Missing, "the key is encrypted and there is no passphrase"), "set BAKELITE_KEY_PASSPHRASE")
}

func token(s settings.Sign) sigstore.TokenSource {
	if s.Token != "" {
		return sigstore.FileToken(s.Token)
	}
	return sigstore.GitHubToken(actions())
}

// actions is where GitHub Actions gives this job a token, and for what.
func actions() (address, bearer string) {
	return os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
}
