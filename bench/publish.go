package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// added is what publishing into a layout folder adds to a build of both
// artifacts with nothing in the engine's cache. The build's own look at what
// is there already, which publish begins with, is timed beside it and
// subtracted.
func (b *bench) added() ([]row, error) {
	if err := b.prepareChain(); err != nil {
		return nil, err
	}
	var baked, extra []time.Duration
	parts := map[string][]time.Duration{}
	for range b.runs {
		took, published, err := b.bakeAndPublish(parts)
		if err != nil {
			return nil, err
		}
		baked, extra = append(baked, took), append(extra, published)
	}
	rows := []row{{
		"scan, SBOM, gate, sign, verify and publish, added to an uncached build", fmt.Sprintf("**%.1f %%** (%s of %s)",
			100*median(extra).Seconds()/median(baked).Seconds(), seconds(median(extra)), seconds(median(baked))), "20 %",
	}}
	return append(rows, row{"its steps: scan, sign and verify, publish", fmt.Sprintf("%s, %s, %s",
		seconds(median(parts["scan"])), seconds(median(parts["sign"])), seconds(median(parts["publish"]))), ""}), nil
}

// bakeAndPublish bakes into a new folder and publishes from it, and adds the
// seconds of each stage to parts.
func (b *bench) bakeAndPublish(parts map[string][]time.Duration) (baked, extra time.Duration, err error) {
	if _, err := b.bakelite("engine", "prune"); err != nil {
		return 0, 0, err
	}
	if b.chain.out, err = os.MkdirTemp(b.work, "out-"); err != nil {
		return 0, 0, err
	}
	output := []string{"--output", b.chain.out}
	if baked, err = b.build(output...); err != nil {
		return 0, 0, err
	}
	noop, err := b.build(output...)
	if err != nil {
		return 0, 0, err
	}
	if err := b.forget(); err != nil {
		return 0, 0, err
	}
	published, err := b.publish(output...)
	if err != nil {
		return 0, 0, err
	}
	for _, name := range stages() {
		parts[name] = append(parts[name], stage(stepsOf(published.log), name))
	}
	return baked, published.took - noop, nil
}

// again publishes the same content by a newer database.
func (b *bench) again() ([]row, error) {
	var rest, signed []time.Duration
	for range b.runs {
		published, err := b.publish("--output", b.chain.out)
		if err != nil {
			return nil, err
		}
		apart := signing(stepsOf(published.log))
		rest, signed = append(rest, published.took-apart), append(signed, apart)
	}
	return []row{{
		"publish again, newer database, signing apart", fmt.Sprintf("**%s** (and %s to judge and sign)", seconds(median(rest)), seconds(median(signed))), "1 s",
	}}, nil
}

// rejudge judges what was published by its SBOM and a newer database.
func (b *bench) rejudge() ([]row, error) {
	var rows []row
	for _, of := range []struct{ what, repository string }{{"container", "web"}, {"disk", "web-disk"}} {
		var times []time.Duration
		for range b.runs {
			db, err := b.database()
			if err != nil {
				return nil, err
			}
			took, err := b.bakelite("scan", "--judge", "--format", "json", "--policy", b.chain.policy, "--database", db,
				"oci:"+filepath.Join(b.chain.out, "published", of.repository))
			if err != nil {
				return nil, err
			}
			times = append(times, took)
		}
		rows = append(rows, row{"judge the published " + of.what + " by its SBOM, newer database", milliseconds(median(times)), "500 ms"})
	}
	return rows, nil
}
