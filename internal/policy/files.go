package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/owner"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/strict"
)

const (
	// maxFile bounds a file that a policy names: 8 MiB hold some ten thousand
	// VEX statements.
	maxFile = 8 << 20
	// maxFiles bounds how many files a policy names.
	maxFiles = 256
)

// named is a file that a policy names, and by which key.
type named struct{ key, name string }

// names lists the files that p names, in the order of the file.
func (p Policy) names() []named {
	var all []named
	signers := func(key string, list []Signer) {
		for i, s := range list {
			all = append(all, named{item(key, i) + ".key", s.Key}, named{item(key, i) + ".trustedRoot", s.TrustedRoot})
		}
	}
	signers("bases.images.signedBy", p.Bases.Images.SignedBy)
	for i, name := range p.VEX {
		all = append(all, named{item("vex", i), name})
	}
	signers("verify.signedBy", p.Verify.SignedBy)
	signers("verify.releasedBy", p.Verify.ReleasedBy)
	return all
}

// readFiles returns the content of the files that p names; a rule, if there is
// one, says whose they may be.
func readFiles(p Policy, rule *owner.Rule) (map[string][]byte, strict.Problems) {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil, strict.Problems{{Message: err.Error()}}
	}
	defer root.Close()
	files := map[string][]byte{}
	var problems strict.Problems
	for _, n := range p.names() {
		_, known := files[n.name]
		if known || !filepath.IsLocal(n.name) {
			continue // Validate says what is wrong with the name
		}
		if len(files) == maxFiles {
			return nil, append(problems, strict.Problem{Key: n.key, Message: fmt.Sprintf("a policy names at most %d files", maxFiles)})
		}
		data, err := readBelow(root, n.name, rule)
		if err != nil {
			problems = append(problems, strict.Problem{Key: n.key, Message: err.Error()})
			continue
		}
		files[n.name] = data
	}
	return files, problems
}

// readBelow reads a regular file below root; links that lead out are refused.
func readBelow(root *os.Root, name string, rule *owner.Rule) ([]byte, error) {
	f, err := regular.OpenIn(root, name)
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist beside the policy file", name)
	case errors.As(err, &at):
		return nil, fmt.Errorf("%s cannot be read: %w", name, at.Err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if rule != nil {
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be looked at: %w", name, err)
		}
		if err := rule.Check(filepath.Join(root.Name(), name), info); err != nil {
			return nil, fmt.Errorf("%s %w, and nobody named this policy", name, err)
		}
	}
	return limit.ReadAll(f, maxFile, name)
}
