package main

import (
	"os"
	"path/filepath"
	"slices"
)

// memory compares the largest process of each side scanning the container
// with nothing kept from before, and weighs the programs. On our side that is
// bakelite-scan: it is larger than the program that waits for it.
func (b *bench) memory(s separate) ([]row, error) {
	var ours, theirs []int64
	for range b.runs {
		if err := b.forget(); err != nil {
			return nil, err
		}
		db, err := b.database()
		if err != nil {
			return nil, err
		}
		run, err := b.run(b.command("scan", "--format", "json", "--database", db, s.layout))
		if err != nil {
			return nil, err
		}
		peer, err := b.runAt(s.home, s.scan("json", filepath.Join(s.home, "memory.json")))
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, run.peak), append(theirs, peer.peak)
	}
	weights, err := b.weights(filepath.Join(filepath.Dir(b.program), "bakelite-scan"), s.trivy)
	return append(weights, row{"memory to scan the container: bakelite-scan, trivy", megabytes(middle(ours)) + ", " + megabytes(middle(theirs)), ""}), err
}

func (b *bench) weights(ours, theirs string) ([]row, error) {
	var sizes []int64
	for _, file := range []string{ours, theirs} {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, info.Size())
	}
	return []row{{"the programs, stripped: bakelite-scan, trivy", megabytes(sizes[0]) + ", " + megabytes(sizes[1]), ""}}, nil
}

func middle(all []int64) int64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
