package show

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
)

// Suite is a list of checks in the form that programs of continuous
// integration read as JUnit's.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is one check of a suite: it passed where neither Failure nor Skipped
// says why it did not.
type Case struct {
	Name    string
	Seconds float64
	Failure string
	Skipped string
}

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitTotals
	Suites []junitSuite `xml:"testsuite"`
}

type junitTotals struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
	seconds  float64
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitTotals
	Cases []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitMessage `xml:"failure"`
	Skipped   *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes suites in JUnit's XML.
func JUnit(w io.Writer, suites []Suite) error {
	var all junitSuites
	for _, s := range suites {
		one := junitSuite{Name: clean(s.Name)}
		for _, c := range s.Cases {
			one.add(c)
		}
		one.Time = seconds(one.seconds)
		all.Suites = append(all.Suites, one)
		all.Tests, all.Failures, all.Skipped, all.seconds = all.Tests+one.Tests, all.Failures+one.Failures, all.Skipped+one.Skipped, all.seconds+one.seconds
	}
	all.Time = seconds(all.seconds)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fault.New(fault.Internal, "writing JUnit: %w", err)
	}
	return writeText(w, xml.Header+string(text)+"\n")
}

func (s *junitSuite) add(c Case) {
	made := junitCase{Name: clean(c.Name), Classname: s.Name, Time: seconds(c.Seconds)}
	switch {
	case c.Failure != "":
		s.Failures++
		made.Failure = &junitMessage{Message: clean(c.Failure), Text: clean(c.Failure)}
	case c.Skipped != "":
		s.Skipped++
		made.Skipped = &junitMessage{Message: clean(c.Skipped)}
	}
	s.Tests, s.seconds = s.Tests+1, s.seconds+c.Seconds
	s.Cases = append(s.Cases, made)
}

func seconds(n float64) string { return fmt.Sprintf("%.3f", n) }
