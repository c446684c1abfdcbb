package release

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
)

// publishes is what a whole publication asks for, in its order.
func publishes() []string { return []string{"database", "scanner", "checker", "signer"} }

// judged are the files that tell what the gate saw.
func judged() []string {
	var all []string
	for _, kind := range []string{"container", "disk"} {
		all = append(all, "web."+kind+".cdx.json", "web."+kind+".report.json", "web."+kind+".verdict.json")
	}
	return all
}

// TestOrderOfPublishing has each step fail for the last of two artifacts: what
// comes after it is never asked for, nothing is signed before all of it passed
// the gate or sent before all of it is signed, and what was judged is kept.
func TestOrderOfPublishing(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(*shop, *results.Built)
		o      Options
		asked  int // of what a whole publication asks for
		signed int // how many signatures were made
		kept   []string
		kind   fault.Kind
		says   string
	}{
		"nothing to publish": {spoil: func(_ *shop, b *results.Built) { b.Artifacts = nil }, kind: fault.Internal, says: "nothing was built"},
		"no database":        {spoil: func(s *shop, _ *results.Built) { s.Fails = "database" }, asked: 1, kind: fault.Internal, says: "database: out of order"},
		"a version that is taken": {
			spoil: func(s *shop, _ *results.Built) { s.takeVersion("1.0") }, o: Options{Version: "1.0"},
			asked: 1, kind: fault.Policy, says: "never becomes",
		},
		"no scan":      {spoil: func(s *shop, _ *results.Built) { s.Fails = "scanner" }, asked: 2, kind: fault.Internal, says: "scanner: out of order"},
		"no checker":   {spoil: func(s *shop, _ *results.Built) { s.Fails = "checker" }, asked: 3, kind: fault.Internal, says: "checker: out of order"},
		"another lock": {spoil: func(_ *shop, b *results.Built) { b.LockDigest = digests.Of(nil) }, asked: 3, kind: fault.Integrity, says: "not built from the lock"},
		"a VEX document that is none": {
			spoil: func(s *shop, _ *results.Built) {
				s.p.Policy.VEX, s.p.Policy.Files = []string{"web.vex.json"}, map[string][]byte{"web.vex.json": []byte("{")}
			},
			asked: 3, kind: fault.Invalid, says: "web.vex.json",
		},
		"the gate's no to the image": {
			spoil: func(s *shop, _ *results.Built) { s.Secret = artifact.Container }, asked: 3, kept: judged(),
			kind: fault.Policy, says: "web.container.verdict.json",
		},
		"the gate's no to the disk": {
			spoil: func(s *shop, _ *results.Built) { s.Secret = artifact.Disk }, asked: 3, kept: judged(),
			kind: fault.Policy, says: "web.disk.verdict.json",
		},
		"a verdict that cannot be kept": {
			spoil: func(s *shop, _ *results.Built) {
				flowtest.Must(s.t, os.MkdirAll(filepath.Join(s.p.Folder.Path, "web.container.cdx.json", "below"), 0o700))
			},
			asked: 3, kept: judged()[1:3], kind: fault.Internal, says: "web.container.cdx.json",
		},
		"tests left out": {spoil: func(_ *shop, b *results.Built) { b.TestsSkipped = true }, asked: 3, kept: judged(), kind: fault.Policy, says: "tests"},
		"no key":         {spoil: func(s *shop, _ *results.Built) { s.Fails = "signer" }, asked: 4, kept: judged(), kind: fault.Internal, says: "signer: out of order"},
		"a key that fails the image": {
			spoil: func(s *shop, _ *results.Built) { s.Most = 3 }, asked: 4, signed: 3, kept: judged(),
			kind: fault.Internal, says: "signing the container",
		},
		"a key that fails at the end": {
			spoil: func(s *shop, _ *results.Built) { s.Most = 15 }, asked: 4, signed: 15, kept: judged(),
			kind: fault.Internal, says: "signing the disk",
		},
		"a shelf that is a file": {
			spoil: func(s *shop, _ *results.Built) { flowtest.Must(s.t, os.WriteFile(s.shelf, nil, 0o600)) }, asked: 4, signed: 16, kept: judged(),
			kind: fault.Internal, says: "not a directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			built := s.built()
			tt.spoil(s, built)
			output, shelf := s.names(), flowtest.Files(t, s.shelf)
			err := s.p.Publish(t.Context(), s.app, built, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != tt.kind {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			if want := publishes()[:tt.asked]; !slices.Equal(s.Asked, want) || s.Signatures != tt.signed {
				t.Errorf("asked for %q, want %q; signed %d, want %d", s.Asked, want, s.Signatures, tt.signed)
			}
			kept := slices.DeleteFunc(s.names(), func(name string) bool { return slices.Contains(output, name) })
			if !slices.Equal(kept, tt.kept) {
				t.Errorf("kept %q, want %q", kept, tt.kept)
			}
			if sent := flowtest.Files(t, s.shelf); !slices.Equal(sent, shelf) {
				t.Errorf("sent %q to %q", sent, shelf)
			}
			if len(built.Published) > 0 || !flowtest.Free(s.t, s.p.Folder) {
				t.Errorf("published %v; the app's place is free: %t", built.Published, flowtest.Free(s.t, s.p.Folder))
			}
		})
	}
}

// takeVersion publishes another image under a version.
func (s *shop) takeVersion(version string) {
	s.t.Helper()
	p := flowtest.NewRepository(s.t)
	p.Name = registry.LayoutPrefix + filepath.Join(s.shelf, "web")
	dir := s.t.TempDir()
	other := flowtest.Image(s.t, dir, 4096)
	var err error
	p.Content, err = publish.Image(s.t.Context(), dir, other.Digest)
	flowtest.Must(s.t, err)
	_, err = publish.Publish(s.t.Context(), p.Store(), publish.Publication{Content: p.Content, Signed: p.Sign(p.Key, nil), Version: version})
	flowtest.Must(s.t, err)
}

// TestOrderOfSending: where the second artifact cannot be sent no name leads to
// the first one either, nor the list of what was published; the next run sends
// what is missing.
func TestOrderOfSending(t *testing.T) {
	s := newShop(t)
	built := s.built()
	blobs := filepath.Join(s.shelf, "web-disk", "blobs")
	flowtest.Must(t, os.MkdirAll(filepath.Dir(blobs), 0o700))
	flowtest.Must(t, os.WriteFile(blobs, nil, 0o600))
	if err := s.p.Publish(t.Context(), s.app, built, Options{}); err == nil || !strings.Contains(err.Error(), "publishing the disk") {
		t.Fatalf("ended with %v", err)
	}
	if s.published("web") || s.published("web-disk") {
		t.Errorf("the image is published: %t, the disk: %t", s.published("web"), s.published("web-disk"))
	}
	if sent := flowtest.Files(t, filepath.Join(s.shelf, "web", "blobs")); len(sent) == 0 {
		t.Error("the image was not sent")
	}
	if s.has("web.publication.json") || s.has("web.raw"+results.BundlesSuffix) || len(built.Published) > 0 {
		t.Errorf("left %q and published %v", s.names(), built.Published)
	}
	flowtest.Must(t, os.Remove(blobs))
	s.Again()
	flowtest.Must(t, s.p.Publish(t.Context(), s.app, built, Options{}))
	if !s.published("web") || !s.published("web-disk") || !s.has("web.publication.json") || !s.has("web.raw"+results.BundlesSuffix) || len(built.Published) != 2 {
		t.Errorf("left %q and published %v", s.names(), built.Published)
	}
}

// TestOrderBesideADisk: what is written beside a disk comes after its names and
// before the list of what was published. Where it fails the next run, which
// finds no list, writes it.
func TestOrderBesideADisk(t *testing.T) {
	sum, bundles := "web.raw.sha256", "web.raw"+results.BundlesSuffix
	for name, tt := range map[string]struct {
		in   func(*shop) string // what is in the way
		left []string
		says string
	}{
		"the checksum": {func(s *shop) string { return filepath.Join(s.p.Folder.Path, sum, "below") }, nil, sum},
		"the bundles":  {func(s *shop) string { return filepath.Join(s.p.Folder.Path, bundles, "below") }, []string{sum}, bundles},
		"the notes":    {func(s *shop) string { return filepath.Join(s.p.State, "vouched") }, []string{sum, bundles}, "notes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			built := s.built()
			way := tt.in(s)
			sign := s.p.Signer
			s.p.Signer = func(ctx context.Context) (attest.Signer, error) { // after the disk was packed, which is noted too
				if name == "the notes" {
					flowtest.Must(t, os.RemoveAll(way))
					flowtest.Must(t, os.WriteFile(way, nil, 0o600))
				} else {
					flowtest.Must(t, os.MkdirAll(way, 0o700))
				}
				return sign(ctx)
			}
			err := s.p.Publish(t.Context(), s.app, built, Options{})
			s.p.Signer = sign
			if err == nil || !strings.Contains(err.Error(), "publishing the disk") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v", err)
			}
			if !s.published("web") || !s.published("web-disk") || s.has("web.publication.json") || len(built.Published) > 0 {
				t.Errorf("left %q and published %v", s.names(), built.Published)
			}
			for _, file := range []string{sum, bundles} {
				if info, err := os.Stat(filepath.Join(s.p.Folder.Path, file)); (err == nil && info.Mode().IsRegular()) != slices.Contains(tt.left, file) {
					t.Errorf("%s is there: %v", file, err)
				}
			}
			flowtest.Must(t, os.RemoveAll(strings.TrimSuffix(way, "/below")))
			flowtest.Must(t, s.p.Publish(t.Context(), s.app, built, Options{}))
			if !s.has(sum) || !s.has(bundles) || !s.has("web.publication.json") || len(built.Published) != 2 {
				t.Errorf("the next run left %q and published %v", s.names(), built.Published)
			}
		})
	}
}

// published says whether a repository's name leads to something whole.
func (s *shop) published(name string) bool {
	s.t.Helper()
	store, _, err := registry.Open(registry.LayoutPrefix+filepath.Join(s.shelf, name), registry.Options{})
	flowtest.Must(s.t, err)
	m, err := registry.Resolve(s.t.Context(), store, registry.Tag)
	if err != nil {
		return false
	}
	bundles, unread, err := publish.ReadBundles(s.t.Context(), store, m.Digest)
	return err == nil && len(unread) == 0 && len(bundles) >= 8
}

// TestPublishingAgain: the second time nothing is scanned or signed, and who
// signs is asked for only to tell one key from another, until what was
// published is no longer there.
func TestPublishingAgain(t *testing.T) {
	s := newShop(t)
	built := s.built()
	for i, want := range [][]string{publishes(), {"database", "signer"}, publishes()} {
		s.Again()
		if i == 2 {
			flowtest.Must(t, os.RemoveAll(s.shelf))
		}
		flowtest.Must(t, s.p.Publish(t.Context(), s.app, built, Options{}))
		if !slices.Equal(s.Asked, want) || (s.Signatures == 0) != (i == 1) {
			t.Errorf("run %d asked for %q, want %q, and signed %d", i, s.Asked, want, s.Signatures)
		}
		if len(built.Published) != 2 || built.Again != (i == 1) || !s.published("web") || !s.published("web-disk") {
			t.Errorf("run %d published %+v", i, built.Published)
		}
	}
}

// TestPublishingWaitsForThePlace: while another build has the app's place
// nothing is asked for, judged or sent.
func TestPublishingWaitsForThePlace(t *testing.T) {
	s := newShop(t)
	built := s.built()
	release, err := s.p.Folder.Hold(t.Context(), "web")
	flowtest.Must(t, err)
	defer release()
	ctx, stop := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer stop()
	if err := s.p.Publish(ctx, s.app, built, Options{}); !errors.Is(err, context.DeadlineExceeded) || len(s.Asked) > 0 || len(flowtest.Files(t, s.shelf)) > 0 {
		t.Errorf("ended with %v, and asked for %q", err, s.Asked)
	}
}

// TestStepsOfPublishing: what a publication did stands after what the build
// did, each step once, whether it came to its end or not.
func TestStepsOfPublishing(t *testing.T) {
	s := newShop(t)
	display, err := progress.New(progress.Options{Screen: io.Discard, Mode: progress.Plain})
	flowtest.Must(t, err)
	defer display.Close()
	ctx := progress.With(t.Context(), display)
	built := s.built()
	built.Steps = []progress.Step{{Name: "[build] all of it"}}
	s.Fails = "signer"
	if err := s.p.Publish(ctx, s.app, built, Options{}); err == nil {
		t.Fatal("no signer, no error")
	}
	failed := len(built.Steps)
	s.Again()
	flowtest.Must(t, s.p.Publish(ctx, s.app, built, Options{}))
	seen := map[string]int{}
	for i, step := range built.Steps {
		seen[step.Name]++
		if i >= failed && step.Name == built.Steps[0].Name {
			t.Error("the build stands twice")
		}
	}
	if built.Steps[0].Name != "[build] all of it" || seen["[scan] read image and disk"] != 2 || seen["[publish] name the disk"] != 1 || failed < 3 {
		t.Errorf("the steps are %v, %d of them before the key", seen, failed)
	}
}
