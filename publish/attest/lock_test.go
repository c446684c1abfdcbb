package attest_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/publish/attest"
)

// TestStatedLock reads a lock back from its statement, all of it.
func TestStatedLock(t *testing.T) {
	want := testLock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	want.Distribution = &lock.Distribution{Name: "debian", Release: "13"}
	want.Packages.Image = []lock.Installed{{Name: "libc6", Version: "1", Arch: "amd64", Source: "glibc", SourceVersion: "2"}}
	text, err := json.Marshal(attest.Lock(want).Predicate)
	if err != nil {
		t.Fatal(err)
	}
	got, err := attest.StatedLock(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, text := range []string{"", "[]", `{"apiVersion":"bakelite.dev/v1","kind":"App"}`, strings.Replace(string(text), "dev/v1", "dev/v2", 1)} {
		if _, err := attest.StatedLock([]byte(text)); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%.40q: got %v", text, err)
		}
	}
}
