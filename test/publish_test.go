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
	"github.com/bakelite/bakelite/publish/attest"
)

// stated are the types of everything that is signed about an artifact.
func stated() []string {
	return []string{
		attest.SignatureType, attest.ProvenanceType, attest.CycloneDXType, attest.SPDXType,
		attest.ScanType, attest.VerdictType, attest.TestsType, attest.LockType,
	}
}

// TestPublishToFolder publishes without any setting but the key, to the
// folder below the output folder. A consumer verifies by the key and by a
// policy, and sees what the image is made of. The second time nothing is to
// do; a newer database gives a new report without another walk.
func TestPublishToFolder(t *testing.T) {
	s := branch(t)
	layout := registry.LayoutPrefix + filepath.Join(s.out, "published", "web")
	p := s.sold()
	if p.Again || p.Kind != "container" || p.Repository != layout || p.Ref != layout+"@"+p.Digest || p.Verdict != "passed" ||
		p.Uploaded == 0 || fmt.Sprint(p.Tags) != "[latest]" || len(p.Referrers) != len(stated()) {
		t.Errorf("published is %+v", p)
	}
	s.verify("--public-key", s.public, layout).want(t, 0).says(t, append(stated(), p.Digest, "app        web", "kind       container", "judged by  sha256:", "signed by  key sha256:")...)
	s.verify("--policy", s.policy(asks("  builder: https://bakelite.dev/builder/local\n")), layout+"@"+p.Digest).want(t, 0)
	checkInspected(s, layout, 1)
	newCosign(t, s.public).verifies(layout)

	before := snapshot(t, filepath.Join(s.out, "published"))
	if again := s.sold(); !again.Again || again.Digest != p.Digest {
		t.Errorf("the second time: %+v", again)
	}
	if after := snapshot(t, filepath.Join(s.out, "published")); after != before {
		t.Errorf("the second time changed\n%s\nto\n%s", before, after)
	}

	newer, walked := filepath.Join(folder(t), "db"), snapshot(t, filepath.Join(s.state, "scan"))
	makeDatabase(t, newer, time.Now().Add(-time.Hour), "")
	if p := s.sold("--database", newer); p.Again {
		t.Error("a newer database changed nothing")
	}
	if now := snapshot(t, filepath.Join(s.state, "scan")); now != walked || walked == "" {
		t.Errorf("what was seen in files was\n%s\nand is\n%s", walked, now)
	}
	checkInspected(s, layout, 2)
	s.verify("--public-key", s.public, layout).want(t, 0)
	leavesNothing(t)
}

// TestHandOver publishes on one machine what another has built: the receipt's
// digest is all that is believed, and nothing is baked.
func TestHandOver(t *testing.T) {
	s := branch(t)
	built := s.run("build", "--json", "--target", "container", "web").result(t)
	there := s
	there.state, there.out = folder(t), folder(t)
	if err := os.CopyFS(there.out, os.DirFS(s.out)); err != nil {
		t.Fatal(err)
	}
	handed := []string{"--receipt", built.Receipt, "--engine", "tcp://127.0.0.1:9"}
	if p := there.sold(handed...); p.Digest != built.digest(t, "layout") {
		t.Errorf("published is %s, built was %s", p.Digest, built.digest(t, "layout"))
	}
	layout := registry.LayoutPrefix + filepath.Join(there.out, "published", "web")
	there.verify("--public-key", s.public, layout).want(t, 0)

	receipt := filepath.Join(there.out, "web.receipt.json")
	text := read(t, receipt)
	writeFile(t, receipt, strings.Replace(text, `"passed": true`, `"passed":true`, 1))
	there.publish(handed...).want(t, 7, "web.receipt.json has the digest", built.Receipt, "next:")
	writeFile(t, receipt, text)
	blobs, err := filepath.Glob(filepath.Join(there.out, "web.oci", "blobs", "sha256", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatalf("%v, %v", blobs, err)
	}
	swapped := []byte(read(t, blobs[0]))
	swapped[len(swapped)/2] ^= 1
	writeFile(t, blobs[0], string(swapped))
	there.publish(handed...).want(t, 7, "web.oci")
	there.publish("--receipt", "latest").want(t, 2, "--receipt latest", "64 hexadecimal digits")
}

// checkInspected compares what inspect shows with the lock and the receipt.
func checkInspected(s shop, ref string, reports int) {
	s.t.Helper()
	var receipt struct{ LockDigest string }
	if err := json.Unmarshal([]byte(read(s.t, filepath.Join(s.out, "web.receipt.json"))), &receipt); err != nil {
		s.t.Fatal(err)
	}
	o := s.run("inspect", "--public-key", s.public, ref).want(s.t, 0)
	o.says(s.t, "verified   yes", "app        web for linux/amd64", receipt.LockDigest, "debian 13", "passed by policy sha256:", "tests      8 of 8", "findings   none")
	i := s.inspect(ref)
	if !i.Verified || i.Statements[attest.ScanType] != reports || i.Statements[attest.VerdictType] != reports || i.Verdict.Outcome != "passed" ||
		i.Provenance.BuildDefinition.InternalParameters.Lock != receipt.LockDigest || !strings.Contains(string(i.Lock), "nginx") {
		s.t.Errorf("inspect says verified %v (%q), statements %v, verdict %+v", i.Verified, i.Reasons, i.Statements, i.Verdict)
	}
	packages := map[string]string{}
	for _, p := range i.Report.Packages {
		packages[p.Name] = p.Version
	}
	for _, line := range strings.Split(read(s.t, s.lock()), "\n") {
		_, version, ok := strings.Cut(line, `{name: nginx, version: "`)
		if version, _, _ = strings.Cut(version, `"`); ok && packages["nginx"] != version {
			s.t.Errorf("the report has nginx %q, the lock %q", packages["nginx"], version)
		}
	}
	if packages["nginx"] == "" {
		s.t.Errorf("the report lacks nginx: %v", packages)
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
	for name, kind := range registries() {
		t.Run(name, func(t *testing.T) {
			s, r := openShop(t), serve(t, kind(t))
			ref := r.host + "/team/web"
			p := s.sold("--registry", r.host+"/team")
			if p.Again || p.Ref != ref+"@"+p.Digest || p.Uploaded == 0 || len(p.Referrers) != len(stated()) {
				t.Errorf("published is %+v", p)
			}
			for _, name := range []string{ref, ref + ":latest", p.Ref} {
				s.verify("--public-key", s.public, name).want(t, 0).says(t, append(stated(), p.Digest)...)
			}
			s.verify("--policy", s.policy(asks("")), "--json", ref).want(t, 0).says(t, `"digest":"`+p.Digest+`"`)
			checkInspected(s, ref, 1)
			newCosign(t, s.public).verifies(ref + ":latest")

			writes := r.writes.Load()
			if again := s.sold("--registry", r.host+"/team"); !again.Again || r.writes.Load() != writes {
				t.Errorf("the second time: %+v, with %d writes", again, r.writes.Load()-writes)
			}
			layers := layersOf(t, p.Ref)
			var fetched atomic.Int64
			r.before = func(q *http.Request) {
				if _, digest, _ := strings.Cut(q.URL.Path, "/blobs/"); strings.Contains(layers, digest) && digest != "" {
					fetched.Add(1)
				}
			}
			s.run("scan", "--database", s.database, "--public-key", s.public, "--format", "json", "--judge", ref).want(t, 0).says(t, p.Digest)
			if fetched.Load() > 0 {
				t.Errorf("a scan of what was published fetched %d layers", fetched.Load())
			}
			s.run("scan", "--database", s.database, "--format", "json", ref).want(t, 0).says(t, `"nginx`)
			if fetched.Load() == 0 {
				t.Error("a scan that trusts nobody fetched no layer")
			}
		})
	}
}

// layersOf lists the digests of an image's layers.
func layersOf(t *testing.T, ref string) string {
	t.Helper()
	store, at := open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(descriptors(t, m)[1:])
}

// TestVersionStays publishes other content under a version that is taken.
func TestVersionStays(t *testing.T) {
	s := branch(t)
	s.replace("site/index.html", "<title>", "<title>Again: ")
	s.replace("app.yaml", "<title>Baked", "<title>Again: Baked")
	for name, kind := range registries() {
		host := serve(t, kind(t)).host
		at := []string{"--registry", host + "/team", "--version", "1.0"}
		first := openShop(t).sold(at...)
		if fmt.Sprint(first.Tags) != "[1.0 latest]" {
			t.Errorf("%s: published is %+v", name, first)
		}
		s.publish(at...).want(t, 6, "1.0", first.Digest, "next:")
		for _, tag := range []string{"1.0", "latest"} {
			if i := s.inspect(host + "/team/web:" + tag); i.Digest != first.Digest {
				t.Errorf("%s: %s leads to %s, not to %s", name, tag, i.Digest, first.Digest)
			}
		}
		second := s.sold("--registry", host+"/team", "--version", "1.1")
		if i := s.inspect(host + "/team/web"); i.Digest != second.Digest || second.Digest == first.Digest {
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
		door := serve(t, registry)
		door.before = func(r *http.Request) {
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
		hosts = append(hosts, door.host)
	}
	return hosts
}

// TestTwoPublishers has two of them publish the same image at once, to a
// registry where the list of referrers is a tag that each has to write.
func TestTwoPublishers(t *testing.T) {
	shops := []shop{openShop(t), branch(t)}
	shops[1].run("build", "--target", "container", "web").want(t, 0)
	for name, kind := range registries() {
		hosts := doors(t, kind(t), len(shops))
		outcomes := make([]outcome, len(shops))
		var both sync.WaitGroup
		for i, s := range shops {
			c := s.start(s.publishing("--registry", hosts[i]+"/team")...)
			both.Go(func() { outcomes[i] = c.wait() })
		}
		both.Wait()
		for i, o := range outcomes {
			if p := o.result(t).Published; len(p) != 1 || p[0].Again {
				t.Errorf("%s: publisher %d gave %+v", name, i, p)
			}
		}
		i := shops[0].inspect(hosts[0] + "/team/web")
		for _, kind := range stated() {
			if i.Statements[kind] != len(shops) {
				t.Errorf("%s: %d publishers stated %s %d times", name, len(shops), kind, i.Statements[kind])
			}
		}
		if !i.Verified {
			t.Errorf("%s: %q", name, i.Reasons)
		}
	}
}
