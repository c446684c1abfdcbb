package base

import (
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
)

// Decision says whether an app may stand on a base, and if not, why.
type Decision struct {
	// Ref is the reference in its full form, or as it was given where it
	// cannot be read.
	Ref string
	// Digest is the digest in it, as "sha256:…", or "".
	Digest string
	// Allowed is true where there is no reason against it.
	Allowed bool
	// Reasons are all reasons against it.
	Reasons []string
	// Likely is the repository that was probably meant, or "".
	Likely string
	// Remedies say what would satisfy the policy, one for each way; there may
	// be fewer than Reasons.
	Remedies []string
}

// Judge decides on a base by its name alone: an image reference, or "oci:" and
// a layout folder. It gives a decision for any text.
func Judge(ref string, p policy.Policy) Decision {
	d := Decision{Ref: ref}
	if strings.HasPrefix(ref, app.LayoutPrefix) {
		d.layout(p)
		return d.closed()
	}
	if !isASCII(ref) {
		d.foreign(ref, p)
		return d.closed()
	}
	n, err := parse(ref)
	if err != nil {
		d.refuse(err.Error(), "write a reference like docker.io/library/debian@sha256:… with the digest's 64 hex digits")
		return d.closed()
	}
	d.Ref, d.Digest = n.String(), n.digest
	d.repository(n, p)
	d.pin(n, p)
	return d.closed()
}

// refuse takes no remedy where an earlier one covers the reason.
func (d *Decision) refuse(reason, remedy string) {
	d.Reasons = append(d.Reasons, reason)
	if remedy != "" {
		d.Remedies = append(d.Remedies, remedy)
	}
}

func (d Decision) closed() Decision {
	d.Allowed = len(d.Reasons) == 0
	return d
}

// layout lets a folder of this machine in where the policy does, or where a
// signature will have to vouch for it, or where it asks for nothing.
func (d *Decision) layout(p policy.Policy) {
	images := p.Bases.Images
	if images.AllowLayouts || len(images.SignedBy) > 0 || len(images.Allow) == 0 {
		return
	}
	d.refuse("a layout folder is in none of the allowed repositories", addTo(p, "bases.images.allowLayouts", "true"))
}

// foreign refuses letters that are not ASCII: no reference has any.
func (d *Decision) foreign(ref string, p policy.Policy) {
	shown := ascii(ref)
	reason := fmt.Sprintf("%+q holds letters that no reference has; it only looks like %s", ref, shown)
	if n, err := parse(shown); err == nil {
		d.Likely = n.repository()
		if deceit, found := newCatalogue(p.Bases.Images.Official).lookalike(n); found {
			d.Likely = deceit.likely
		}
	}
	d.refuse(reason, "type the reference by hand: "+orPlain(d.Likely, "ASCII letters only"))
}

func orPlain(s, plain string) string {
	if s == "" {
		return plain
	}
	return s
}

// repository judges where a base comes from.
func (d *Decision) repository(n name, p policy.Policy) {
	images := p.Bases.Images
	repository := n.repository()
	if len(images.Allow) > 0 && allowed(images.Allow, repository) {
		return
	}
	known := newCatalogue(append(append([]string{}, images.Official...), exact(images.Allow)...))
	if deceit, found := known.lookalike(n); found {
		d.Likely = deceit.likely
		key := "bases.images.official"
		if len(images.Allow) > 0 {
			key = "bases.images.allow"
		}
		d.refuse(fmt.Sprintf("%s looks like %s: %s", repository, deceit.likely, deceit.how),
			fmt.Sprintf("write %s; only if %s is really meant, %s", intended(deceit.likely, n, p), repository, addTo(p, key, repository)))
		return
	}
	if len(images.Allow) > 0 {
		d.refuse(fmt.Sprintf("%s is in none of the allowed repositories (%s)", repository, bounded(images.Allow)),
			addTo(p, "bases.images.allow", repository))
	}
}

// intended is the reference to write for a look-alike's: a digest of the
// look-alike is none of the image that it imitates.
func intended(likely string, n name, p policy.Policy) string {
	if n.tag != "" {
		likely += ":" + n.tag
	}
	if n.digest == "" && p.Bases.Images.AllowTags {
		return likely
	}
	return likely + "@sha256:… with the digest of that image"
}

// exact returns the patterns that a look-alike can be compared with.
func exact(patterns []string) []string {
	var names []string
	for _, pattern := range patterns {
		if strings.Contains(pattern, "/") {
			names = append(names, pattern)
		}
	}
	return names
}

// pin asks for a digest. What a look-alike lacks, its own remedy covers.
func (d *Decision) pin(n name, p policy.Policy) {
	lacks := func(reason, remedy string) {
		if d.Likely != "" {
			remedy = ""
		}
		d.refuse(reason, remedy)
	}
	switch {
	case n.digest == "" && p.Bases.Images.AllowTags:
	case n.digest == "":
		lacks(fmt.Sprintf("%s is not pinned: a tag can move", n),
			fmt.Sprintf("add @sha256:… and the digest behind %s", n))
	case !strings.HasPrefix(n.digest, "sha256:"):
		kind, _, _ := strings.Cut(n.digest, ":")
		lacks(fmt.Sprintf("the digest is of kind %s; only sha256 is accepted", kind), "give the image's sha256 digest")
	}
}

// addTo names the line that a policy lacks.
func addTo(p policy.Policy, key, value string) string {
	file := orPlain(p.Path, policy.FileName)
	if value == "true" {
		return fmt.Sprintf("set %s: true in %s", key, file)
	}
	return fmt.Sprintf("add below %s in %s the line: - %s", key, file, value)
}

func bounded(list []string) string {
	const shown = 5
	text := strings.Join(list[:min(len(list), shown)], ", ")
	if len(list) > shown {
		text += fmt.Sprintf(" and %d more", len(list)-shown)
	}
	return text
}

// Err returns nil where d allows the base; else an error of kind fault.Policy
// with every reason, and as its hint what would satisfy the policy.
func (d Decision) Err() error {
	if d.Allowed {
		return nil
	}
	err := fault.New(fault.Policy, "the policy refuses the base %.300q: %s", d.Ref, strings.Join(d.Reasons, "; "))
	return fault.Hint(err, "%s", strings.Join(d.Remedies, "; "))
}
