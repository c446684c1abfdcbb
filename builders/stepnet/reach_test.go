package stepnet

import (
	"errors"
	"net/netip"
	"testing"
)

// TestReachOfStolenCredentials: what a step could do harm at is out of its
// reach, in every form that an address has.
func TestReachOfStolenCredentials(t *testing.T) {
	machine := func() ([]netip.Prefix, error) {
		return prefixes("203.0.114.9/24", "2a00:1:2:3::9/64", "10.1.2.3/8"), nil
	}
	named := prefixes("10.0.0.0/8", "172.16.5.5/32", "169.254.7.0/24", "fd00:7::/32", "203.0.114.20/32")
	for _, c := range []struct {
		to              string
		bare, withNames bool
	}{
		{"93.184.216.34", true, true}, {"2606:4700::1111", true, true}, {"192.0.2.7", true, true},
		{"127.0.0.1", false, false}, {"127.7.7.7", false, false}, {"::1", false, false}, {"::ffff:127.0.0.1", false, false},
		{"0.0.0.0", false, false}, {"::", false, false}, {"0.1.2.3", false, false},
		{"169.254.169.254", false, false}, {"::ffff:169.254.169.254", false, false}, {"fd00:ec2::254", false, false},
		{"fd20:ce::254", false, false}, {"100.100.100.200", false, false}, {"168.63.129.16", false, false}, {"192.0.0.192", false, false},
		{"fe80::1", false, false}, {"fe80::1%eth0", false, false}, {"64:ff9b::a9fe:a9fe", false, false}, {"2002:a9fe:a9fe::1", false, false},
		{"2001:0:1::1", false, false}, {"224.0.0.1", false, false}, {"ff02::1", false, false}, {"255.255.255.255", false, false},
		{"192.168.1.1", false, false}, {"172.31.0.1", false, false}, {"198.18.0.1", false, false},
		{"10.9.9.9", false, true}, {"172.16.5.5", false, true}, {"172.16.5.6", false, false}, {"fd00:7::1", false, true}, {"169.254.7.1", false, true},
		{"10.1.2.3", false, false}, {"203.0.114.9", false, false}, {"2a00:1:2:3::9", false, false}, // the machine itself
		{"203.0.114.10", false, false}, {"203.0.114.20", false, true}, {"2a00:1:2:3::77", false, false}, // what stands beside it
	} {
		to := netip.MustParseAddr(c.to)
		if got := (Reach{Machine: machine}).Allows(to); got != c.bare {
			t.Errorf("%s is allowed: %v", c.to, got)
		}
		if got := (Reach{Machine: machine, Named: named}).Allows(to); got != c.withNames {
			t.Errorf("%s is allowed where networks are named: %v", c.to, got)
		}
	}
	alone := Reach{Machine: machine, Named: prefixes("10.1.2.3/32")}
	if !alone.Allows(netip.MustParseAddr("10.1.2.3")) {
		t.Error("the machine's own address was named alone and is not allowed")
	}
	broken := Reach{Machine: func() ([]netip.Prefix, error) { return nil, errors.New("no") }}
	if broken.Allows(netip.MustParseAddr("93.184.216.34")) {
		t.Error("an address is allowed although nobody knows whether it is the machine's own")
	}
	everything := Reach{Machine: machine, Named: prefixes("0.0.0.0/0", "::/0")}
	for _, own := range []string{"127.0.0.1", "10.1.2.3", "::1", "0.0.0.0"} {
		if everything.Allows(netip.MustParseAddr(own)) {
			t.Errorf("naming every network gave %s away", own)
		}
	}
}

func TestParseNetworks(t *testing.T) {
	got, err := ParseNetworks("192.168.7.20, 10.0.0.0/8,10.0.0.0/8 fd00:7::/32")
	if text := FormatNetworks(got); err != nil || text != "10.0.0.0/8,192.168.7.20/32,fd00:7::/32" {
		t.Errorf("read as %s (%v)", text, err)
	}
	if again, err := ParseNetworks(FormatNetworks(got)); err != nil || FormatNetworks(again) != FormatNetworks(got) {
		t.Errorf("written and read again: %s (%v)", FormatNetworks(again), err)
	}
	for _, bad := range []string{"example.org", "10.0.0.1/8", "127.0.0.1", "127.0.0.0/8", "::1", "224.0.0.0/4", "fe80::1%eth0", "10.0.0.0/33", "::ffff:10.0.0.1"} {
		if n, err := ParseNetworks(bad); err == nil {
			t.Errorf("%s was read as %s", bad, FormatNetworks(n))
		}
	}
}
