package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"reflect"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/templates"
)

const (
	// MaxPage bounds the page in HTML, in bytes.
	MaxPage = 500_000
	// maxRows is the most of one list that the page shows.
	maxRows = 500
)

// view is what the template is filled with.
type view struct {
	Page
	Outcome string
	Style   template.CSS
	Script  template.JS
	// StyleHash and ScriptHash are all that the page's own policy lets run.
	StyleHash, ScriptHash string
}

// HTML writes the page in at most MaxPage bytes: where it would be longer, it
// shows less of each list, and says how much is left out.
func HTML(w io.Writer, p Page) error {
	style, script := templates.Text("report/page.css"), templates.Text("report/page.js")
	v := view{
		Page: p, Outcome: p.outcome(), Style: template.CSS(style), Script: template.JS(script), // both are of this program
		StyleHash: sourceHash(style), ScriptHash: sourceHash(script),
	}
	for rows := maxRows; ; rows /= 2 {
		text, err := render(v, rows)
		if err != nil {
			return err
		}
		if len(text) > MaxPage && rows > 0 {
			continue
		}
		if len(text) > MaxPage {
			return fault.New(fault.Internal, "the page has %d bytes, and shows no row", len(text))
		}
		if _, err = w.Write(text); err != nil {
			return fault.As(fault.Build, fmt.Errorf("writing page: %w", err))
		}
		return nil
	}
}

func render(v view, rows int) ([]byte, error) {
	t, err := template.New("page").Funcs(functions(rows)).Parse(templates.Text("report/page.html"))
	if err != nil {
		return nil, fault.New(fault.Internal, "reading the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fault.New(fault.Internal, "filling the page: %w", err)
	}
	return b.Bytes(), nil
}

// functions are those of the template, which shows so many rows of a list.
func functions(rows int) template.FuncMap {
	return template.FuncMap{
		"cut": func(list any) any {
			all := reflect.ValueOf(list)
			return all.Slice(0, min(all.Len(), rows)).Interface()
		},
		"over":  func(list any) int { return max(0, reflect.ValueOf(list).Len()-rows) },
		"name":  func(text string) string { return shown(text, maxName) },
		"text":  func(text string) string { return shown(text, maxText) },
		"bytes": byteSize, "day": day, "minute": minute, "link": link,
		"findings": findingsOf, "counts": countsOf, "severity": severityOf, "bars": barsOf, "failing": failed, "plural": plural,
		"evidence": evidenceID,
	}
}

// sourceHash is how a Content-Security-Policy names a text.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// outcome is the worst of the artifacts', and says where nobody vouches for one.
func (p Page) outcome() string {
	worst, doubt := "", ""
	for _, a := range p.Artifacts {
		if !a.Trust.Verified {
			doubt = ", unverified"
		}
		if rankOf(a.Outcome()) > rankOf(worst) {
			worst = a.Outcome()
		}
	}
	return worst + doubt
}
