package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/internal/fault"
)

func keygenCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key that signs images",
		Long: `Makes an ECDSA P-256 key and writes NAME.key, which signs, and NAME.pub, which
verifies, in the form that cosign reads. The key is encrypted with the
passphrase in BAKELITE_KEY_PASSPHRASE, else with one that is asked for on the
terminal; an empty one leaves it open to whoever can read the file.`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			phrase, err := newPassphrase()
			if err != nil {
				return err
			}
			private, public, err := keys.Generate(phrase)
			if err != nil {
				return err
			}
			if err := writeKey(name+".key", private, 0o600); err != nil {
				return err
			}
			if err := writeKey(name+".pub", public, 0o644); err != nil {
				return err
			}
			fmt.Printf("%s.key signs: keep it secret\n%s.pub verifies: give it to those who run your images\n", name, name)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "bakelite", "path of both files without their endings")
	return c
}

// writeKey refuses to write over a key that is there.
func writeKey(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return fault.Hint(fault.New(fault.Invalid, "%s is there already", path), "give another --name; a lost key cannot be made again")
	}
	if err != nil {
		return fault.New(fault.Invalid, "writing key: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

func newPassphrase() ([]byte, error) {
	if text, ok := os.LookupEnv("BAKELITE_KEY_PASSPHRASE"); ok {
		return []byte(text), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, fault.Hint(fault.New(fault.Missing, "there is no terminal to ask for a passphrase on"), "set BAKELITE_KEY_PASSPHRASE; empty leaves the key open")
	}
	fmt.Fprint(os.Stderr, "Passphrase for the new key: ")
	first, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return nil, fault.New(fault.Missing, "reading passphrase: %w", err)
	}
	fmt.Fprint(os.Stderr, "Again: ")
	second, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil || string(first) != string(second) {
		return nil, fault.New(fault.Invalid, "the two passphrases differ")
	}
	return first, nil
}
