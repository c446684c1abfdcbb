package base

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
)

//go:embed official.txt
var files string

// docker is the registry of names without one, and library the namespace of
// Docker's official images there.
const (
	docker  = "docker.io"
	library = "library"
)

// catalogue holds the names that look-alikes are compared with.
type catalogue struct {
	// patterns are repositories, or namespaces and registries with "/*".
	patterns []string
	// hosts are the registries of all patterns, sorted.
	hosts []string
	// open are the registries where anybody can have a namespace.
	open []string
	// namespaces are the namespaces by registry, sorted.
	namespaces map[string][]string
	// images are the names of Docker's official images, sorted.
	images []string
}

// newCatalogue reads the built-in list and the names that a policy adds.
func newCatalogue(more []string) *catalogue {
	c := &catalogue{namespaces: map[string][]string{}}
	hosts := map[string]bool{}
	for line := range strings.Lines(files) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		host := c.add(line)
		hosts[host] = true
	}
	for _, pattern := range more {
		hosts[c.add(pattern)] = true
	}
	c.hosts = slices.Sorted(maps.Keys(hosts))
	for host, list := range c.namespaces {
		slices.Sort(list)
		c.namespaces[host] = slices.Compact(list)
	}
	slices.Sort(c.images)
	return c
}

// add files one line and returns its registry.
func (c *catalogue) add(line string) string {
	host, path, below := strings.Cut(line, "/")
	if !below {
		c.open = append(c.open, host)
		return host
	}
	c.patterns = append(c.patterns, line)
	namespace, name, deep := strings.Cut(path, "/")
	if deep && namespace != "*" {
		c.namespaces[host] = append(c.namespaces[host], namespace)
	}
	if host == docker && namespace == library && name != "*" {
		c.images = append(c.images, name)
	}
	return host
}

// knows says whether a repository is in the list.
func (c *catalogue) knows(repository string) bool { return allowed(c.patterns, repository) }

// image says whether name is one of Docker's official images.
func (c *catalogue) image(name string) bool {
	_, found := slices.BinarySearch(c.images, name)
	return found
}

// allowed says whether one of patterns is the repository, or stands for all
// below a namespace or registry that holds it.
func allowed(patterns []string, repository string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		above, wild := strings.CutSuffix(pattern, "*")
		if wild {
			return strings.HasSuffix(above, "/") && strings.HasPrefix(repository, above)
		}
		return pattern == repository
	})
}
