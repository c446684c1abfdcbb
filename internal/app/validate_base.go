package app

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
)

func (c *checker) base(b Base) {
	switch {
	case b.Debian == "" && b.Image == "":
		c.add("base", "give debian (a suite) or image (a pinned reference)")
	case b.Debian != "" && b.Image != "":
		c.add("base", "give debian or image, not both: a root filesystem starts from one of them")
	case slices.Contains(tooOld(), b.Debian):
		c.add("base.debian", "%s has an older systemd than the 256 that a disk needs; use %s", b.Debian, strings.Join(Suites(), " or "))
	case b.Debian != "":
		c.oneOf("base.debian", b.Debian, Suites())
	default:
		c.image(b.Image)
	}
}

func (c *checker) image(image string) {
	if path, isLayout := strings.CutPrefix(image, LayoutPrefix); isLayout {
		if path == "" {
			c.add("base.image", "oci: needs the path of a layout folder after it")
		}
		return
	}
	// Whether it must be pinned, and which names are let in, is the policy's.
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		c.add("base.image", "%q is not an image reference: %v", image, err)
	}
}
