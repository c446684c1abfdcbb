package protocol_test

import (
	"errors"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/protocol"
)

func TestFailureKeepsKindAndHint(t *testing.T) {
	for _, err := range []error{
		fault.Hint(fault.New(fault.Integrity, "broken"), "build it again"), fault.New(fault.Missing, "gone"),
		fault.New(fault.Invalid, "wrong"), errors.New("defect"),
	} {
		got := protocol.FailureOf(err).Err()
		if fault.KindOf(got) != fault.KindOf(err) || fault.HintOf(got) != fault.HintOf(err) || got.Error() != err.Error() {
			t.Errorf("%v (%d, %q) became %v (%d, %q)", err, fault.KindOf(err), fault.HintOf(err), got, fault.KindOf(got), fault.HintOf(got))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"bakelite.dev/scan/v2","results":[]}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var r protocol.Response
		_ = protocol.Decode(text, &r)
	})
}
