package intoto_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/publish/intoto"
)

// oneLock has one of everything that most locks have.
func oneLock() lock.Lock {
	pin := lock.Pin{Name: "nginx", Version: "1:1.26-3", Arch: "amd64", Archive: "debian", Path: "pool/n.deb", SHA256: strings.Repeat("a", 64), Size: 9}
	return lock.Lock{
		APIVersion: lock.APIVersion, Kind: "Lock", App: "shop", Platform: "linux/amd64", Inputs: "sha256:" + strings.Repeat("b", 64),
		Archives: []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("c", 64), Date: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}},
		Packages: lock.Layers{Seed: []lock.Pin{pin}, Base: []lock.Pin{pin}},
	}
}

// TestStatedLock reads a lock back from its statement, all of it.
func TestStatedLock(t *testing.T) {
	want := oneLock()
	want.Distribution = &lock.Distribution{Name: "debian", Release: "13"}
	want.Packages.Image = []lock.Installed{{Name: "libc6", Version: "1", Arch: "amd64", Source: "glibc", SourceVersion: "2"}}
	text, err := json.Marshal(intoto.Lock(want).Predicate)
	if err != nil {
		t.Fatal(err)
	}
	got, err := intoto.StatedLock(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, text := range []string{"", "[]", `{"apiVersion":"bakelite.dev/v1","kind":"App"}`, strings.Replace(string(text), "dev/v1", "dev/v2", 1)} {
		if _, err := intoto.StatedLock([]byte(text)); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%.40q: got %v", text, err)
		}
	}
}

// TestLockPredicate keeps the predicate's names those of the lock file.
func TestLockPredicate(t *testing.T) {
	statement := intoto.Lock(oneLock())
	compareTags(t, reflect.TypeOf(oneLock()), reflect.TypeOf(statement.Predicate))
	back := oneLock()
	back.Rollback = []lock.Step{{Of: "nginx:amd64", From: "2", To: "1"}}
	text, err := json.Marshal(intoto.Lock(back).Predicate)
	if err != nil || !strings.Contains(string(text), `"rollback":[{"of":"nginx:amd64","from":"2","to":"1"}]`) {
		t.Errorf("a lock that went back does not say so: %s, %v", text, err)
	}
}

func compareTags(t *testing.T, y, j reflect.Type) {
	t.Helper()
	for y.Kind() == reflect.Pointer || y.Kind() == reflect.Slice {
		y, j = y.Elem(), j.Elem()
	}
	if y.Kind() != reflect.Struct || y.String() == "time.Time" {
		return
	}
	if y.NumField() != j.NumField() {
		t.Fatalf("%s has %d fields, %s has %d", y, y.NumField(), j, j.NumField())
	}
	for i := range y.NumField() {
		if want, got := y.Field(i).Tag.Get("yaml"), j.Field(i).Tag.Get("json"); want != got {
			t.Errorf("%s.%s is %q in YAML and %q in JSON", y, y.Field(i).Name, want, got)
		}
		compareTags(t, y.Field(i).Type, j.Field(i).Type)
	}
}
