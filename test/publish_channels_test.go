package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
)

// TestChannels promotes what was published, lets a consumer ask the channel with
// and without a registry, and revokes it.
func TestChannels(t *testing.T) {
	s := branch(t)
	s.env = append(s.env, "BAKELITE_SIGN_KEY="+s.key)
	layout := registry.LayoutPrefix + filepath.Join(s.out, "published", "web")
	first := s.sold("--version", "1.0")
	rules := s.policy(asks(""))
	move := func(args ...string) outcome {
		return s.run(append(args, "--policy", rules)...)
	}
	move("promote", layout+":1.0", "--to", "stable", "--dry-run").want(t, 0).says(t, "stable: new -> "+first.Digest[:19]+" (1.0) (record 1")
	s.verify("--policy", rules, "--channel", "stable", layout+":1.0").want(t, 6, "there is no channel stable")
	move("promote", layout+":1.0", "--to", "stable", "--reason", "tested").want(t, 0)
	s.verify("--policy", rules, "--channel", "stable", layout).want(t, 0).says(t, first.Digest, "channel    stable, record 1")
	move("channels", layout).want(t, 0).says(t, "stable", "record 1", "tested")

	move("revoke", layout+":1.0", "--reason", "leaks").want(t, 6, "nothing is named to run in its place")
	s.verify("--policy", rules, layout+":1.0").want(t, 0)

	s.replace("site/index.html", `<html lang="en">`, `<html lang="de">`)
	second := s.sold("--version", "1.1")
	if second.Digest == first.Digest {
		t.Fatal("the second image is the first")
	}
	move("revoke", layout+":1.0", "--reason", "leaks", "--replacement", "1.1").want(t, 0).says(t, "stable: "+first.Digest[:19])
	s.verify("--policy", rules, layout+":1.0").want(t, 6, "leaks; in its place there is "+second.Digest)
	s.verify("--policy", rules, layout+":stable").want(t, 0).says(t, second.Digest)
	record := filepath.Join(filepath.Dir(s.dir), "stable.json")
	move("channels", layout, "--channel", "stable", "--save", record).want(t, 0)
	s.verify("--policy", rules, "--channel", "stable", "--channel-record", record, layout+"@"+second.Digest).want(t, 0).says(t, "record 2")
	out := move("lineage", layout+":1.0").want(t, 0)
	out.says(t, "REFUSED", "stable led to it, by record 1", "after it  "+second.Digest)
	if strings.Contains(out.stdout, "leads to it") {
		t.Errorf("the channel still leads to what was revoked:\n%s", out.stdout)
	}
}
