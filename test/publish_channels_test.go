package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestChannels promotes what was published, lets a consumer ask the channel with
// and without a registry, and revokes it.
func TestChannels(t *testing.T) {
	s := harness.Branch(t)
	s.Env = append(s.Env, "BAKELITE_SIGN_KEY="+s.Key)
	layout := registry.LayoutPrefix + filepath.Join(s.Out, "published", "web")
	first := s.Sold("--version", "1.0")
	rules := s.Policy(harness.Asks(""))
	move := func(args ...string) harness.Outcome {
		return s.Run(append(args, "--policy", rules)...)
	}
	move("promote", layout+":1.0", "--to", "stable", "--dry-run").Want(t, 0).Says(t, "stable: new -> "+first.Digest[:19]+" (1.0) (record 1")
	s.Verify("--policy", rules, "--channel", "stable", layout+":1.0").Want(t, 6, "there is no channel stable")
	move("promote", layout+":1.0", "--to", "stable", "--reason", "tested").Want(t, 0)
	s.Verify("--policy", rules, "--channel", "stable", layout).Want(t, 0).Says(t, first.Digest, "channel    stable, record 1")
	move("channels", layout).Want(t, 0).Says(t, "stable", "record 1", "tested")

	move("revoke", layout+":1.0", "--reason", "leaks").Want(t, 6, "nothing is named to run in its place")
	s.Verify("--policy", rules, layout+":1.0").Want(t, 0)

	s.Replace("site/index.html", `<html lang="en">`, `<html lang="de">`)
	second := s.Sold("--version", "1.1")
	if second.Digest == first.Digest {
		t.Fatal("the second image is the first")
	}
	move("revoke", layout+":1.0", "--reason", "leaks", "--replacement", "1.1").Want(t, 0).Says(t, "stable: "+first.Digest[:19])
	s.Verify("--policy", rules, layout+":1.0").Want(t, 6, "leaks; in its place there is "+second.Digest)
	s.Verify("--policy", rules, layout+":stable").Want(t, 0).Says(t, second.Digest)
	record := filepath.Join(filepath.Dir(s.Dir), "stable.json")
	move("channels", layout, "--channel", "stable", "--save", record).Want(t, 0)
	s.Verify("--policy", rules, "--channel", "stable", "--channel-record", record, layout+"@"+second.Digest).Want(t, 0).Says(t, "record 2")
	out := move("lineage", layout+":1.0").Want(t, 0)
	out.Says(t, "REFUSED", "stable led to it, by record 1", "after it  "+second.Digest)
	if strings.Contains(out.Stdout, "leads to it") {
		t.Errorf("the channel still leads to what was revoked:\n%s", out.Stdout)
	}
}
