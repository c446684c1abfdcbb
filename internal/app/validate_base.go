package app

import (
	"strings"

	"github.com/distribution/reference"
)

func (c *checker) base(b Base) {
	switch {
	case b.Debian == "" && b.Image == "":
		c.add("base", "give debian (a suite) or image (a pinned reference)")
	case b.Debian != "" && b.Image != "":
		c.add("base", "give debian or image, not both: a root filesystem starts from one of them")
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
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		c.add("base.image", "%q is not an image reference: %v", image, err)
		return
	}
	pinned, ok := named.(reference.Canonical)
	switch {
	case !ok:
		c.add("base.image", "%q is not pinned: a tag can move; add @sha256:… and the digest", image)
	case pinned.Digest().Algorithm() != "sha256":
		c.add("base.image", "the digest is of kind %s; only sha256 is accepted", pinned.Digest().Algorithm())
	}
}
