package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/test/harness"
)

// TestPublishToFolder publishes without any setting but the key, to the
// folder below the output folder. A consumer verifies by the key and by a
// policy, and sees what the image is made of. The second time nothing is to
// do; a newer database gives a new report without another walk.
func TestPublishToFolder(t *testing.T) {
	s := harness.Branch(t)
	layout := registry.LayoutPrefix + filepath.Join(s.Out, "published", "web")
	p := s.Sold()
	if p.Again || p.Kind != "container" || p.Repository != layout || p.Ref != layout+"@"+p.Digest || p.Verdict != "passed" ||
		p.Uploaded == 0 || fmt.Sprint(p.Tags) != "[latest]" || len(p.Referrers) != len(harness.Stated()) {
		t.Errorf("published is %+v", p)
	}
	s.Verify("--public-key", s.Public, layout).Want(t, 0).Says(t, append(harness.Stated(), p.Digest, "app        web", "kind       container", "judged by  sha256:", "signed by  key sha256:")...)
	s.Verify("--policy", s.Policy(harness.Asks("  builder: https://bakelite.dev/builder/local\n")), layout+"@"+p.Digest).Want(t, 0)
	checkInspected(s, layout, 1)
	harness.NewCosign(t, s.Public).Verifies(layout)

	before := snapshot(t, filepath.Join(s.Out, "published"))
	if again := s.Sold(); !again.Again || again.Digest != p.Digest {
		t.Errorf("the second time: %+v", again)
	}
	if after := snapshot(t, filepath.Join(s.Out, "published")); after != before {
		t.Errorf("the second time changed\n%s\nto\n%s", before, after)
	}

	newer, walked := filepath.Join(harness.Folder(t), "db"), snapshot(t, filepath.Join(s.State, "scan"))
	harness.MakeDatabase(t, newer, time.Now().Add(-time.Hour), "")
	if p := s.Sold("--database", newer); p.Again {
		t.Error("a newer database changed nothing")
	}
	if now := snapshot(t, filepath.Join(s.State, "scan")); now != walked || walked == "" {
		t.Errorf("what was seen in files was\n%s\nand is\n%s", walked, now)
	}
	checkInspected(s, layout, 2)
	s.Verify("--public-key", s.Public, layout).Want(t, 0)
	harness.LeavesNothing(t)
}

// TestHandOver publishes on one machine what another has built: the receipt's
// digest is all that is believed, and nothing is baked.
func TestHandOver(t *testing.T) {
	s := harness.Branch(t)
	built := s.Run("build", "--json", "--target", "container", "web").Result(t)
	there := s
	there.State, there.Out = harness.Folder(t), harness.Folder(t)
	if err := os.CopyFS(there.Out, os.DirFS(s.Out)); err != nil {
		t.Fatal(err)
	}
	handed := []string{"--receipt", built.Receipt, "--engine", "tcp://127.0.0.1:9"}
	if p := there.Sold(handed...); p.Digest != built.Digest(t, "layout") {
		t.Errorf("published is %s, built was %s", p.Digest, built.Digest(t, "layout"))
	}
	layout := registry.LayoutPrefix + filepath.Join(there.Out, "published", "web")
	there.Verify("--public-key", s.Public, layout).Want(t, 0)

	receipt := filepath.Join(there.Out, "web.receipt.json")
	text := harness.Read(t, receipt)
	harness.WriteFile(t, receipt, strings.Replace(text, `"passed": true`, `"passed":true`, 1))
	there.Publish(handed...).Want(t, 7, "web.receipt.json has the digest", built.Receipt, "next:")
	harness.WriteFile(t, receipt, text)
	blobs, err := filepath.Glob(filepath.Join(there.Out, "web.oci", "blobs", "sha256", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatalf("%v, %v", blobs, err)
	}
	swapped := []byte(harness.Read(t, blobs[0]))
	swapped[len(swapped)/2] ^= 1
	harness.WriteFile(t, blobs[0], string(swapped))
	there.Publish(handed...).Want(t, 7, "web.oci")
	there.Publish("--receipt", "latest").Want(t, 2, "--receipt latest", "64 hexadecimal digits")
}

// checkInspected compares what inspect shows with the lock and the receipt.
func checkInspected(s harness.Shop, ref string, reports int) {
	s.T.Helper()
	var receipt struct{ LockDigest string }
	if err := json.Unmarshal([]byte(harness.Read(s.T, filepath.Join(s.Out, "web.receipt.json"))), &receipt); err != nil {
		s.T.Fatal(err)
	}
	o := s.Run("inspect", "--public-key", s.Public, ref).Want(s.T, 0)
	o.Says(s.T, "verified   yes", "app        web for linux/amd64", receipt.LockDigest, "debian 13", "passed by policy sha256:", "tests      8 of 8", "findings   none")
	i := s.Inspect(ref)
	if !i.Verified || i.Statements[intoto.ScanType] != reports || i.Statements[intoto.VerdictType] != reports || i.Verdict.Outcome != "passed" ||
		i.Provenance.BuildDefinition.InternalParameters.Lock != receipt.LockDigest || !strings.Contains(string(i.Lock), "nginx") {
		s.T.Errorf("inspect says verified %v (%q), statements %v, verdict %+v", i.Verified, i.Reasons, i.Statements, i.Verdict)
	}
	packages := map[string]string{}
	for _, p := range i.Report.Packages {
		packages[p.Name] = p.Version
	}
	for _, line := range strings.Split(harness.Read(s.T, s.Lock()), "\n") {
		_, version, ok := strings.Cut(line, `{name: nginx, version: "`)
		if version, _, _ = strings.Cut(version, `"`); ok && packages["nginx"] != version {
			s.T.Errorf("the report has nginx %q, the lock %q", packages["nginx"], version)
		}
	}
	if packages["nginx"] == "" {
		s.T.Errorf("the report lacks nginx: %v", packages)
	}
}

// snapshot lists the files of a folder with size and inode: who writes beside
// and renames makes another one.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			fmt.Fprintln(&all, path, info.Size(), info.Sys().(*syscall.Stat_t).Ino)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestPublishToRegistry does the same on registries of both kinds. Scanning
// what was published takes its SBOM and leaves its layers alone.
func TestPublishToRegistry(t *testing.T) {
	for name, kind := range harness.Registries() {
		t.Run(name, func(t *testing.T) {
			s, r := harness.OpenShop(t), harness.Serve(t, kind(t))
			ref := r.Host + "/team/web"
			p := s.Sold("--registry", r.Host+"/team")
			if p.Again || p.Ref != ref+"@"+p.Digest || p.Uploaded == 0 || len(p.Referrers) != len(harness.Stated()) {
				t.Errorf("published is %+v", p)
			}
			for _, name := range []string{ref, ref + ":latest", p.Ref} {
				s.Verify("--public-key", s.Public, name).Want(t, 0).Says(t, append(harness.Stated(), p.Digest)...)
			}
			s.Verify("--policy", s.Policy(harness.Asks("")), "--json", ref).Want(t, 0).Says(t, `"digest":"`+p.Digest+`"`)
			checkInspected(s, ref, 1)
			harness.NewCosign(t, s.Public).Verifies(ref + ":latest")

			writes := r.Writes.Load()
			if again := s.Sold("--registry", r.Host+"/team"); !again.Again || r.Writes.Load() != writes {
				t.Errorf("the second time: %+v, with %d writes", again, r.Writes.Load()-writes)
			}
			layers := harness.LayersOf(t, p.Ref)
			var fetched atomic.Int64
			r.Before = func(q *http.Request) {
				if _, digest, _ := strings.Cut(q.URL.Path, "/blobs/"); strings.Contains(layers, digest) && digest != "" {
					fetched.Add(1)
				}
			}
			s.Run("scan", "--database", s.Database, "--public-key", s.Public, "--format", "json", "--judge", ref).Want(t, 0).Says(t, p.Digest)
			if fetched.Load() > 0 {
				t.Errorf("a scan of what was published fetched %d layers", fetched.Load())
			}
			s.Run("scan", "--database", s.Database, "--format", "json", ref).Want(t, 0).Says(t, `"nginx`)
			if fetched.Load() == 0 {
				t.Error("a scan that trusts nobody fetched no layer")
			}
		})
	}
}

// TestVersionStays publishes other content under a version that is taken.
func TestVersionStays(t *testing.T) {
	s := harness.Branch(t)
	s.Replace("site/index.html", "<title>", "<title>Again: ")
	s.Replace("app.yaml", "<title>Baked", "<title>Again: Baked")
	for name, kind := range harness.Registries() {
		host := harness.Serve(t, kind(t)).Host
		at := []string{"--registry", host + "/team", "--version", "1.0"}
		first := harness.OpenShop(t).Sold(at...)
		if fmt.Sprint(first.Tags) != "[1.0 latest]" {
			t.Errorf("%s: published is %+v", name, first)
		}
		s.Publish(at...).Want(t, 6, "1.0", first.Digest, "next:")
		for _, tag := range []string{"1.0", "latest"} {
			if i := s.Inspect(host + "/team/web:" + tag); i.Digest != first.Digest {
				t.Errorf("%s: %s leads to %s, not to %s", name, tag, i.Digest, first.Digest)
			}
		}
		second := s.Sold("--registry", host+"/team", "--version", "1.1")
		if i := s.Inspect(host + "/team/web"); i.Digest != second.Digest || second.Digest == first.Digest {
			t.Errorf("%s: latest leads to %s, the second publication was %s, the first %s", name, i.Digest, second.Digest, first.Digest)
		}
	}
}

// doors are hosts of one registry. What is written waits until each of them
// is to be written to: then nobody has finished before another began.
func doors(t *testing.T, registry http.Handler, n int) (hosts []string) {
	t.Helper()
	var missing atomic.Int64
	missing.Store(int64(n))
	all := make(chan struct{})
	for range n {
		var first sync.Once
		door := harness.Serve(t, registry)
		door.Before = func(r *http.Request) {
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				return
			}
			first.Do(func() {
				if missing.Add(-1) == 0 {
					close(all)
				}
			})
			select {
			case <-all:
			case <-t.Context().Done():
			case <-time.After(2 * time.Minute): // another one failed before its first write
			}
		}
		hosts = append(hosts, door.Host)
	}
	return hosts
}

// TestTwoPublishers has two of them publish the same image at once, to a
// registry where the list of referrers is a tag that each has to write.
func TestTwoPublishers(t *testing.T) {
	shops := []harness.Shop{harness.OpenShop(t), harness.Branch(t)}
	shops[1].Run("build", "--target", "container", "web").Want(t, 0)
	for name, kind := range harness.Registries() {
		hosts := doors(t, kind(t), len(shops))
		outcomes := make([]harness.Outcome, len(shops))
		var both sync.WaitGroup
		for i, s := range shops {
			c := s.Start(s.Publishing("--registry", hosts[i]+"/team")...)
			both.Go(func() { outcomes[i] = c.Wait() })
		}
		both.Wait()
		for i, o := range outcomes {
			if p := o.Result(t).Published; len(p) != 1 || p[0].Again {
				t.Errorf("%s: publisher %d gave %+v", name, i, p)
			}
		}
		i := shops[0].Inspect(hosts[0] + "/team/web")
		for _, kind := range harness.Stated() {
			if i.Statements[kind] != len(shops) {
				t.Errorf("%s: %d publishers stated %s %d times", name, len(shops), kind, i.Statements[kind])
			}
		}
		if !i.Verified {
			t.Errorf("%s: %q", name, i.Reasons)
		}
	}
}
