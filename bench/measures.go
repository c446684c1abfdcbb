package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// goBuild builds everything but the scanner with an empty build cache.
func (b *bench) goBuild() ([]row, error) {
	cache := filepath.Join(b.work, "go-build")
	c := exec.CommandContext(b.ctx, "go", "build", "-buildvcs=false", "./...")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOCACHE="+cache)
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building with an empty cache: %w\n%s", err, out)
	}
	spent := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return []row{{"processor time to build all but the scanner, empty Go cache", fmt.Sprintf("%.1f min", spent.Minutes()), "5 min"}}, os.RemoveAll(cache)
}

// start times the program's own start and weighs it.
func (b *bench) start() ([]row, error) {
	var times []time.Duration
	for range b.runs {
		took, err := b.bakelite("--help")
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	info, err := os.Stat(b.program)
	if err != nil {
		return nil, err
	}
	return []row{
		{"`bakelite --help`", milliseconds(median(times)), "50 ms"},
		{"the program, stripped", megabytes(info.Size()), "60 MB"},
	}, nil
}

// cold makes both artifacts on an empty state folder.
func (b *bench) cold() ([]row, error) {
	took, err := b.build()
	if err != nil {
		return nil, err
	}
	return []row{{"both artifacts, empty state, lock and index included", seconds(took), ""}}, nil
}

func (b *bench) noop() ([]row, error) {
	var times []time.Duration
	for range b.runs {
		took, err := b.build()
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	return []row{{"build with nothing changed", milliseconds(median(times)), "1 s"}}, nil
}

// oneFile changes a file of the app before every build.
func (b *bench) oneFile() ([]row, error) {
	return b.pair("after one file changed: both ÷ container alone", func(n int) error {
		page := filepath.Join(b.app, "site", "index.html")
		f, err := os.OpenFile(page, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "<!-- %d -->\n", n)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		return err
	})
}

// small are packages without dependencies of their own worth naming; each is
// asked for once, so that no build finds the last one's result.
var small = []string{"tree", "bc", "time", "ed", "moreutils", "pv", "sl", "figlet", "toilet", "cowsay", "lolcat", "jq", "hexedit", "ncal", "rlwrap", "dos2unix"}

// onePackage changes the app's packages before every build; the lock is made
// outside the time that counts.
func (b *bench) onePackage() ([]row, error) {
	file := filepath.Join(b.app, "app.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.WriteFile(file, text, 0o644) }()
	return b.pair("after one package changed: both ÷ container alone", func(n int) error {
		changed := strings.Replace(string(text), "packages: [nginx]", "packages: [nginx, "+small[n]+"]", 1)
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			return err
		}
		_, err := b.bakelite("lock", b.app)
		return err
	})
}

// pair times a build of the container alone and one of both, in turn, each
// after a change of its own.
func (b *bench) pair(what string, change func(n int) error) ([]row, error) {
	var alone, both []time.Duration
	for n := range b.runs {
		for i, times := range []*[]time.Duration{&alone, &both} {
			if err := change(2*n + i); err != nil {
				return nil, err
			}
			target := []string{"--target", "container"}[:2-2*i]
			took, err := b.build(target...)
			if err != nil {
				return nil, err
			}
			*times = append(*times, took)
		}
	}
	return []row{{what, ratio(both, alone), "3"}}, nil
}

// overhead builds the container with nothing in the engine's cache, in turn
// with the Dockerfile that a person would write for the same packages, on the
// same engine. The Dockerfile starts from a ready base image; Bakelite makes
// its base from the archive's packages in the same time.
func (b *bench) overhead() ([]row, error) {
	if err := b.preparePeer(); err != nil {
		return nil, err
	}
	var ours, peer []time.Duration
	for range b.runs {
		for _, side := range []struct {
			times *[]time.Duration
			run   func() (time.Duration, error)
		}{{&ours, b.uncached}, {&peer, b.dockerfile}} {
			if _, err := b.bakelite("engine", "prune"); err != nil {
				return nil, err
			}
			took, err := side.run()
			if err != nil {
				return nil, err
			}
			*side.times = append(*side.times, took)
		}
	}
	return []row{{"uncached container ÷ bare BuildKit with a Dockerfile", ratio(ours, peer), "1.3"}}, nil
}

func (b *bench) sizes() ([]row, error) {
	result, err := b.result()
	if err != nil {
		return nil, err
	}
	var rows []row
	limits := map[string]string{"layout": "45 MB", "qcow2": "130 MB"}
	for _, a := range result.Artifacts {
		if limit, ok := limits[a.Format]; ok {
			rows = append(rows, row{"size of the " + a.Kind + " as " + a.Format, megabytes(a.Size), limit})
		}
	}
	return rows, nil
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func ratio(a, b []time.Duration) string {
	return fmt.Sprintf("**%.2f** (%s ÷ %s)", median(a).Seconds()/median(b).Seconds(), seconds(median(a)), seconds(median(b)))
}

func seconds(d time.Duration) string      { return fmt.Sprintf("%.2f s", d.Seconds()) }
func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
func megabytes(n int64) string            { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// fleetSize is how many apps the fleet has.
const fleetSize = 100

// fleet rebuilds many apps for which the archive has nothing new.
func (b *bench) fleet() ([]row, error) {
	args := []string{"rebuild", "--json", "--skip-tests", "--target", "container"}
	for n := range fleetSize {
		name := fmt.Sprintf("fleet-%d", n)
		app := filepath.Join(b.work, name)
		if err := os.CopyFS(app, os.DirFS("examples/web")); err != nil {
			return nil, err
		}
		file := filepath.Join(app, "app.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, replaceOnce(text, "name: web", "name: "+name), 0o644); err != nil {
			return nil, err
		}
		args = append(args, app)
	}
	first, err := b.bakelite(args...)
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for range b.runs {
		took, err := b.bakelite(args...)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	return []row{
		{fmt.Sprintf("lock and bake %d containers that differ in their names", fleetSize), seconds(first), ""},
		{fmt.Sprintf("rebuild of these %d with nothing new: for each", fleetSize), milliseconds(median(times) / fleetSize), ""},
	}, nil
}
