package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/apply"
)

// harden applies the controls of a request. What of the app is in their way is
// a mistake of its file.
func harden(root *os.Root, r tree.Request) error {
	var cs []controls.Control
	d := json.NewDecoder(bytes.NewReader(r.Controls))
	d.DisallowUnknownFields()
	if err := d.Decode(&cs); err != nil {
		return fmt.Errorf("reading controls: %w", err)
	}
	o := apply.Options{Admin: r.Admin, Date: time.Unix(r.Date, 0)}
	for _, right := range r.Rights {
		o.Rights = append(o.Rights, controls.Right{Path: right.Path, SetUID: right.SetUID, SetGID: right.SetGID, Capabilities: right.Capabilities})
	}
	err := apply.To(root, cs, o)
	if fault.KindOf(err) == fault.Invalid && (r.Own != "" || len(r.Put) > 0) {
		return &tree.Mistake{Key: cmp.Or(r.Own, "files"), What: err.Error(), Remedy: fault.HintOf(err)}
	}
	return err
}
