package check

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/bakelite/bakelite/scan/controls"
)

// Order asks a program in a booted machine which controls hold there.
type Order struct {
	Controls []controls.Control `json:"controls"`
	Options  Options            `json:"options"`
}

// Encode writes an order.
func (o Order) Encode() ([]byte, error) { return json.Marshal(o) }

// DecodeOrder reads an order strictly.
func DecodeOrder(text []byte) (Order, error) {
	var o Order
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return Order{}, fmt.Errorf("reading order: %w", err)
	}
	return o, nil
}

// DecodeResults reads what such a program answered to an order; results that
// are not one for each of its controls are an error of kind Build.
func DecodeResults(text []byte, o Order) ([]controls.Result, error) {
	var results []controls.Result
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&results); err != nil {
		results = nil
	}
	return results, controls.Complete(results, o.Controls)
}
