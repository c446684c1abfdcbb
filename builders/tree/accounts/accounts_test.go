package accounts

import (
	"errors"
	"testing"
)

// TestLinesStay: what is not changed stays byte for byte, odd lines too.
func TestLinesStay(t *testing.T) {
	const odd = "root:x:0:0:root:/root:/bin/bash\n+::::::\n# a note\n\nweb:x:5\nx:y:z:w:v\n"
	db := Read(Files{Passwd: []byte(odd), Group: []byte("a:x:1:b,c\n")})
	if got := db.Files(); string(got.Passwd) != odd || string(got.Group) != "a:x:1:b,c\n" || got.Shadow != nil || got.GShadow != nil {
		t.Errorf("got %q", got)
	}
}

// TestFirstLineCounts, as it does for the C library.
func TestFirstLineCounts(t *testing.T) {
	db := Read(Files{Passwd: []byte("web:x:5:6:::\nweb:x:0:0:::\n"), Group: []byte("web:x:7:\nweb:x:0:\n")})
	if uid, gid, ok := db.User("web"); uid != 5 || gid != 6 || !ok {
		t.Errorf("the user is %d:%d, %v", uid, gid, ok)
	}
	if gid, ok := db.Group("web"); gid != 7 || !ok {
		t.Errorf("the group is %d, %v", gid, ok)
	}
}

// TestFixed holds the ranges of Debian Policy 9.2.2.
func TestFixed(t *testing.T) {
	for id, want := range map[uint32]bool{0: true, 99: true, 100: false, DefaultID: false, 999: false, 1000: false, 59999: false, 60000: true, 64999: true, 65533: true, 65534: true, 65535: true, 65536: false} {
		if Fixed(id) != want {
			t.Errorf("%d: %v", id, Fixed(id))
		}
	}
}

// TestSharedNumbers: everybody who has a number moves with it, and nothing
// changes where a move is refused.
func TestSharedNumbers(t *testing.T) {
	passwd := "app:x:101:102:::\ntwin:x:101:102:::\nother:x:500:9:::\n"
	db := Read(Files{Passwd: []byte(passwd), Group: []byte("app:x:102:\nsame:x:102:\n")})
	var taken *TakenError
	if _, err := db.Service("app", 0, 1); !errors.As(err, &taken) || taken.Number != 500 {
		t.Errorf("got %v", err)
	}
	if got := string(db.Files().Passwd); got != passwd {
		t.Errorf("a refused move changed %q", got)
	}
	moves, err := db.Service("app", 600, 1)
	if err != nil || *moves.User != (Move{101, 600}) || *moves.Group != (Move{102, 600}) {
		t.Errorf("got %+v, %v", moves, err)
	}
	if got := db.Files(); string(got.Passwd) != "app:x:600:600:::\ntwin:x:600:600:::\nother:x:500:9:::\n" || string(got.Group) != "app:x:600:\nsame:x:600:\n" {
		t.Errorf("got %q", got)
	}
}
