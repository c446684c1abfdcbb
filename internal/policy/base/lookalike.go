package base

import (
	"fmt"
	"slices"
	"strings"
)

// Least lengths at which one wrong letter makes a look-alike. Short names of
// different people lie close together: rocker and docker, mono and mongo.
const (
	strictImage     = 5
	strictHost      = 7
	strictNamespace = 6
)

// deceit is the name that a reference looks like, and in which way.
type deceit struct{ likely, how string }

// lookalike compares a repository that nobody vouches for with the known ones.
func (c *catalogue) lookalike(n name) (deceit, bool) {
	if c.knows(n.repository()) {
		return deceit{}, false
	}
	for _, judge := range []func(name) deceit{c.hostTrick, c.hostNamespace, c.namespaceTrick, c.libraryTrick, c.imageTrick} {
		if d := judge(n); d.how != "" {
			return d, true
		}
	}
	return deceit{}, false
}

// hostTrick finds registries that look like a known one.
func (c *catalogue) hostTrick(n name) deceit {
	host, _, _ := strings.Cut(n.host, ":")
	if slices.Contains(c.hosts, n.host) || host == "localhost" {
		return deceit{}
	}
	for _, known := range c.hosts {
		dotted := strings.ReplaceAll(host, "-", ".")
		if strings.HasPrefix(dotted, known+".") {
			return deceit{fill(known, n.path), fmt.Sprintf("the host %s only begins like %s", n.host, known)}
		}
		if host == known {
			return deceit{fill(known, n.path), fmt.Sprintf("the host %s is %s on another port", n.host, known)}
		}
	}
	if known, how := nearest(host, c.hosts, strictHost); known != "" {
		return deceit{fill(known, n.path), fmt.Sprintf("the host %s %s %s", n.host, how, known)}
	}
	return deceit{}
}

// fill names a path on a registry in full.
func fill(host, path string) string {
	if host == docker && !strings.Contains(path, "/") {
		path = library + "/" + path
	}
	return host + "/" + path
}

// hostNamespace finds namespaces of Docker Hub that are written like a host.
func (c *catalogue) hostNamespace(n name) deceit {
	namespace, rest, _ := strings.Cut(n.path, "/")
	if n.host != docker {
		return deceit{}
	}
	for _, known := range c.hosts {
		if bare(namespace) == bare(known) || skeleton(bare(namespace)) == skeleton(bare(known)) {
			return deceit{fill(known, rest), fmt.Sprintf("%s is a namespace on %s, not the registry %s", namespace, docker, known)}
		}
	}
	return deceit{}
}

// libraryTrick finds the namespace of official images in a wrong place.
func (c *catalogue) libraryTrick(n name) deceit {
	parts := strings.Split(n.path, "/")
	last := parts[len(parts)-1]
	likely := docker + "/" + library + "/" + last
	if !slices.Contains(c.open, n.host) || !c.image(last) || len(parts) < 2 {
		return deceit{}
	}
	switch namespace := parts[0]; {
	case n.host != docker && namespace == library,
		len(parts) > 2 && slices.Contains(parts[:len(parts)-1], library):
		return deceit{likely, fmt.Sprintf("official images are in %s/%s, not in %s", docker, library, strings.TrimSuffix(n.repository(), "/"+last))}
	case len(parts) == 2 && n.host == docker && namespace != library && c.poses(namespace, last):
		return deceit{likely, fmt.Sprintf("the namespace %s poses as the official %s, which is in %s/%s", namespace, last, docker, library)}
	}
	return deceit{}
}

// poses says whether a namespace that is not known calls itself the official
// one of an image: the image's own name, "library" misspelt, or one of them
// with a word that asks for trust.
func (c *catalogue) poses(namespace, image string) bool {
	if slices.Contains(c.namespaces[docker], namespace) {
		return false
	}
	plain := bare(namespace)
	if plain == bare(image) || alike(namespace, library, strictNamespace) != "" || distance(namespace, library, 2) <= 2 {
		return true
	}
	for _, word := range []string{"official", "officials", "library", "docker", "dockerhub", "image", "images", "original", "verified", "team", "project"} {
		for _, base := range []string{bare(image), library, "docker", "images", ""} {
			if base+word == plain || word+base == plain {
				return true
			}
		}
	}
	return false
}

// imageTrick finds names that only look like an official image.
func (c *catalogue) imageTrick(n name) deceit {
	image, official := strings.CutPrefix(n.path, library+"/")
	if n.host != docker || !official || strings.Contains(image, "/") {
		return deceit{}
	}
	known, how := nearest(image, c.images, strictImage)
	for _, word := range []string{"official", "docker", "image", "latest", "js", "db", "lang", "server"} {
		plain := bare(image)
		for _, candidate := range []string{strings.TrimSuffix(plain, word), strings.TrimPrefix(plain, word)} {
			if known == "" && candidate != plain && c.image(candidate) {
				known, how = candidate, "adds a word to"
			}
		}
	}
	if known == "" {
		return deceit{}
	}
	return deceit{docker + "/" + library + "/" + known, fmt.Sprintf("%s %s the official image %s", image, how, known)}
}

// namespaceTrick finds namespaces that only look like a known publisher's.
func (c *catalogue) namespaceTrick(n name) deceit {
	namespace, rest, deep := strings.Cut(n.path, "/")
	if !deep || !slices.Contains(c.open, n.host) {
		return deceit{}
	}
	if n.host == docker && namespace == "distroless" {
		return deceit{"gcr.io/" + n.path, "the distroless images are on gcr.io, not on " + docker}
	}
	known, how := nearest(namespace, c.namespaces[n.host], strictNamespace)
	if known == "" {
		return deceit{}
	}
	likely := n.host + "/" + known + "/" + rest
	return deceit{likely, fmt.Sprintf("the namespace %s %s %s", namespace, how, known)}
}
