package sandbox

import "slices"

// Hostile are the calls that end the process.
func Hostile() []string { return hostile() }

// Known are all calls that the filter names.
func Known() []string {
	names := slices.Concat(needed(), hostile())
	for _, b := range bounded() {
		names = append(names, b.Name)
	}
	return names
}
