package update

import (
	"slices"
	"strings"
)

// Node is an app and the apps of the same fleet that it stands on.
type Node struct {
	Name   string
	Stands []string
}

// Order sorts apps so that each comes after those that it stands on, and those
// that do not depend on each other by name. What stands on itself, through
// others or not, comes back as a cycle, and the order is then empty. Apps that
// are not among the nodes do not count.
func Order(nodes []Node) (order, cycle []string) {
	stands := map[string][]string{}
	for _, n := range nodes {
		stands[n.Name] = n.Stands
	}
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	placed, open := map[string]bool{}, map[string]bool{}
	var path []string
	var place func(name string) bool
	place = func(name string) bool {
		if placed[name] {
			return true
		}
		if open[name] {
			cycle = append(slices.Clone(path[slices.Index(path, name):]), name)
			return false
		}
		open[name], path = true, append(path, name)
		for _, below := range slices.Sorted(slices.Values(stands[name])) {
			if _, known := stands[below]; known && !place(below) {
				return false
			}
		}
		open[name], path = false, path[:len(path)-1]
		placed[name], order = true, append(order, name)
		return true
	}
	for _, name := range names {
		if !place(name) {
			return nil, cycle
		}
	}
	return order, nil
}

// Arrow is a cycle in words.
func Arrow(cycle []string) string { return strings.Join(cycle, " -> ") }
