package policy

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/owner"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/strict"
)

// FileName is the policy file that Load looks for in a folder.
const FileName = "policy.yaml"

// Problems is every mistake in a policy file, in the order of the file.
type Problems = strict.Problems

// Load reads, checks and fills the policy file at path; a folder stands for
// the policy.yaml in it. The files that it names are read too, into Files, and
// must stand below its folder. Mistakes come all at once as Problems of kind
// fault.Invalid; a policy file that is not there is fault.Missing.
func Load(path string) (Policy, error) { return LoadOwned(path, nil) }

// LoadOwned is Load for a policy that nobody named: the file and those that it
// names must be by users of the rule, unless it is nil.
func LoadOwned(path string, rule *owner.Rule) (Policy, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	data, err := regular.ReadNamed(path, strict.MaxBytes, owned(path, rule))
	if err != nil {
		return Policy{}, fault.Hint(err, "name a policy file, or leave the setting out for the default policy")
	}
	p := Policy{Dir: filepath.Dir(path), Path: path}
	places, problems := strict.Decode(path, data, &p)
	if len(places) > 0 {
		files, missing := readFiles(p, rule)
		p.Files = files
		more := append(Validate(p), missing...)
		more = append(more, writtenZeros(places)...)
		problems = append(problems, strict.Locate(path, places, strict.Unrelated(more, problems))...)
	}
	if problems = problems.Sorted(); len(problems) > 0 {
		return Policy{}, fault.As(fault.Invalid, problems)
	}
	return WithDefaults(p), nil
}

// owned asks a rule, if there is one, about the file at path.
func owned(path string, rule *owner.Rule) func(fs.FileInfo) error {
	if rule == nil {
		return nil
	}
	return func(info fs.FileInfo) error {
		if err := rule.Check(path, info); err != nil {
			return fault.Hint(fault.New(fault.Invalid, "the policy %s was not named by you, and it %w", path, err),
				"use it on purpose with: --policy %s", path)
		}
		return nil
	}
}

// writtenZeros finds texts that were written out as "" where that stands for
// "left out", so that nothing written is ignored.
func writtenZeros(places strict.Places) Problems {
	var problems Problems
	for _, key := range []string{
		"build.network", "gate.mode", "gate.vulnerabilities.failOn", "gate.vulnerabilities.unknownAs", "verify.builder", "verify.source",
	} {
		if places[key].Zero {
			problems = append(problems, strict.Problem{Key: key, Message: "is empty; leave the key out for the default"})
		}
	}
	return problems
}
