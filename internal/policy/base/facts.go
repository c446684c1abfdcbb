package base

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/policy"
)

// Facts is what the network and signatures say of a base.
type Facts struct {
	// Created is when the image says that it was made; zero where it does not.
	Created time.Time
	// Signed are those of the policy's signers whose signature of this very
	// digest was verified.
	Signed []policy.Signer
}

// epoch is before any image: dates of images made reproducibly are 1970 or
// earlier and tell nothing.
const epoch = 1

// maxSkew is how far the clocks of two machines may differ.
const maxSkew = 5 * time.Minute

// JudgeFacts adds to the decision on a base's name what its age and its
// signers say; it never takes a reason away.
func JudgeFacts(d Decision, f Facts, p policy.Policy, now time.Time) Decision {
	d.Reasons, d.Remedies = slices.Clone(d.Reasons), slices.Clone(d.Remedies)
	images := p.Bases.Images
	d.signed(f, p)
	if most := images.MaxAge; most > 0 {
		switch age := now.Sub(f.Created); {
		case f.Created.Unix() < epoch:
			d.refuse("the image does not say when it was made, and at most "+most.String()+" is allowed",
				"choose an image with a date, or take bases.images.maxAge out of the policy: reproducible images have none")
		case age < -maxSkew:
			d.refuse("the image says that it was made in the future: "+f.Created.UTC().Format(time.RFC3339), "choose an image with a true date")
		case age > most.Std():
			d.refuse(fmt.Sprintf("the image was made on %s; at most %s is allowed", f.Created.UTC().Format(time.DateOnly), most),
				"pin a newer digest of "+d.Ref+", or raise bases.images.maxAge")
		}
	}
	return d.closed()
}

func (d *Decision) signed(f Facts, p policy.Policy) {
	wanted := p.Bases.Images.SignedBy
	if len(wanted) == 0 || p.Bases.Images.AllowLayouts && strings.HasPrefix(d.Ref, app.LayoutPrefix) {
		return
	}
	if slices.ContainsFunc(f.Signed, func(s policy.Signer) bool { return slices.Contains(wanted, s) }) {
		return
	}
	names := make([]string, len(wanted))
	for i, s := range wanted {
		names[i] = signerName(s)
	}
	d.refuse("none of the signers that the policy names has signed it: "+bounded(names),
		"choose an image that one of them has signed, or add its signer below bases.images.signedBy in "+orPlain(p.Path, policy.FileName))
}

func signerName(s policy.Signer) string {
	if s.Key != "" {
		return "key " + s.Key
	}
	return s.Subject + s.SubjectMatches + " by " + s.Issuer
}

// JudgeArchives decides on the package archives that an app stands on, by
// name: all are allowed where the policy names none.
func JudgeArchives(names []string, p policy.Policy) Decision {
	d := Decision{Ref: strings.Join(names, ", ")}
	if len(p.Bases.Archives) == 0 {
		return d.closed()
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if !slices.Contains(p.Bases.Archives, name) {
			d.refuse(fmt.Sprintf("the archive %s is not among those allowed (%s)", name, bounded(p.Bases.Archives)),
				addTo(p, "bases.archives", name))
		}
	}
	return d.closed()
}
