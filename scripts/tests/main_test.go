package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const told = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestFine"}
{"Action":"output","Package":"p","Test":"TestFine","Output":"=== RUN   TestFine\n"}
{"Action":"output","Package":"p","Test":"TestFine","Output":"    a_test.go:1: nobody asks\n"}
{"Action":"pass","Package":"p","Test":"TestFine","Elapsed":1.5}
{"Action":"output","Package":"p","Test":"TestBad/one","Output":"    a_test.go:9: it broke\n"}
{"Action":"fail","Package":"p","Test":"TestBad/one","Elapsed":62}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":63.25}
{"Action":"output","Package":"p","Output":"these are left:\n"}
{"Action":"output","Package":"p","Test":"TestKilled","Output":"    a_test.go:12: waiting\n"}
{"Action":"fail","Package":"p","Elapsed":65}
go: no such module
`

const want = `     1.5s  PASS  TestFine
    63.2s  FAIL  TestBad
    a_test.go:9: it broke
these are left:
go: no such module
    a_test.go:12: waiting

The slowest:
    63.2s  TestBad
`

func TestShow(t *testing.T) {
	var shown bytes.Buffer
	if err := show(&shown, strings.NewReader(told)); err != nil || shown.String() != want {
		t.Errorf("%v, shown:\n%swant:\n%s", err, shown.String(), want)
	}
}

func TestSlowestTen(t *testing.T) {
	var events, shown bytes.Buffer
	for i := range 30 {
		fmt.Fprintf(&events, `{"Action":"pass","Package":"p","Test":"Test%02d","Elapsed":%d}`+"\n", i, i)
	}
	if err := show(&shown, &events); err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(shown.String(), "The slowest:\n")
	if lines := strings.Split(strings.TrimSpace(last), "\n"); len(lines) != slowest || !strings.HasSuffix(lines[0], "Test29") || !strings.HasSuffix(lines[9], "Test20") {
		t.Errorf("the slowest are\n%s", last)
	}
}
