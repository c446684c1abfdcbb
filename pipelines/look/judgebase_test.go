package look

import (
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/pipelines/flowtest"
)

// TestJudgeImage: an image is let in by its name alone where the policy asks
// for no more; else it is looked at, and who signed it and when it was made
// decides.
func TestJudgeImage(t *testing.T) {
	by := flowtest.NewRepository(t)
	by.Publish(by.Key)
	digest := by.Content.Manifest.Digest.String()
	signed, other := by.Policy().Verify.SignedBy, []policy.Signer{{Key: "other.pub"}}
	year := units.Duration(365 * 24 * time.Hour)
	nowhere := "registry.test:1/team/base@" + digest
	for name, tt := range map[string]struct {
		ref    string
		images policy.BaseImages
		dir    string
		want   string // "" where it is refused
		says   string
	}{
		"by name and digest":           {ref: nowhere, want: nowhere},
		"without a digest":             {ref: "registry.test:1/team/base:1", says: "is not pinned"},
		"a layout, as it is":           {ref: by.Name, want: by.Name + "@" + digest},
		"a layout that is let in":      {ref: by.Name + "@" + digest, images: policy.BaseImages{AllowLayouts: true}, want: by.Name + "@" + digest},
		"a layout that is signed":      {ref: by.Name + "@" + digest, images: policy.BaseImages{SignedBy: signed}, want: by.Name + "@" + digest},
		"one that another signed":      {ref: by.Name + "@" + digest, images: policy.BaseImages{SignedBy: signed}, dir: flowtest.NewRepository(t).Dir, says: "sign"},
		"a key that is not there":      {ref: by.Name + "@" + digest, images: policy.BaseImages{SignedBy: other}, says: "other.pub"},
		"one without a date":           {ref: by.Name + "@" + digest, images: policy.BaseImages{SignedBy: signed, MaxAge: year}, says: "when it was made"},
		"one that is not there":        {ref: by.Name + "2@" + digest, images: policy.BaseImages{SignedBy: signed}, says: "looking at base"},
		"a repository not in the list": {ref: nowhere, images: policy.BaseImages{Allow: []string{"registry.test:1/other/*"}}, says: "registry.test:1/team/base"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Reader{Policy: policy.Policy{Dir: by.Dir, Bases: policy.Bases{Images: tt.images}}}
			if tt.dir != "" {
				r.Policy.Dir = tt.dir
			}
			got, err := r.JudgeImage(t.Context(), tt.ref)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

// TestCreatedOfAnImage reads the date that an image was made.
func TestCreatedOfAnImage(t *testing.T) {
	by := flowtest.NewRepository(t)
	by.Publish(by.Key)
	target, err := (Reader{}).Find(t.Context(), by.Name)
	flowtest.Must(t, err)
	at, err := created(t.Context(), target.Store, target.Manifest)
	if err != nil || at.After(time.Now()) {
		t.Errorf("made at %s, %v", at, err)
	}
	broken := target.Manifest
	broken.Content = []byte("{")
	if _, err := created(t.Context(), target.Store, broken); fault.KindOf(err) != fault.Integrity {
		t.Errorf("no manifest: %v", err)
	}
	broken.Content = []byte(`{"manifests":[{"digest":"` + target.Digest + `"}]}`)
	if in, err := created(t.Context(), target.Store, broken); err != nil || !in.Equal(at) {
		t.Errorf("in an index: %s, %v", in, err)
	}
	broken.Content = []byte(`{"manifests":[{"digest":"sha256:` + strings.Repeat("0", 64) + `"}]}`)
	if _, err := created(t.Context(), target.Store, broken); err == nil {
		t.Error("an index of nothing has a date")
	}
}
