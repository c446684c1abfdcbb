package main

import (
	"testing"
	"time"
)

// progress is what publish writes for two artifacts, in part: a step that is
// told of twice, one that did not end, and a line for people.
const progress = `{"vertexes":[{"digest":"a","name":"[scan] read image and disk","started":"2026-11-24T12:00:00Z"}]}
{"vertexes":[{"digest":"a","name":"[scan] read image and disk","started":"2026-11-24T12:00:00Z","completed":"2026-11-24T12:00:04Z"}]}
note: words
{"vertexes":[{"digest":"b","name":"[sign] container","started":"2026-11-24T12:00:05Z","completed":"2026-11-24T12:00:06Z"}]}
{"vertexes":[{"digest":"d","name":"[sign] disk","started":"2026-11-24T12:00:09Z","completed":"2026-11-24T12:00:10.5Z"}]}
{"vertexes":[{"digest":"c","name":"[publish] container","started":"2026-11-24T12:00:06Z","completed":"2026-11-24T12:00:09Z"}]}
{"vertexes":[{"digest":"e","name":"[publish] disk","started":"2026-11-24T12:00:11Z"}]}
`

func TestStepsOfPublish(t *testing.T) {
	all := stepsOf([]byte(progress))
	for name, want := range map[string]time.Duration{"scan": 4 * time.Second, "sign": 2500 * time.Millisecond, "publish": 3 * time.Second, "lock": 0} {
		if got := stage(all, name); got != want {
			t.Errorf("[%s] took %s, want %s", name, got, want)
		}
	}
	// 2 s from the end of the scan to the first signature, 1.5 s for the second.
	if got, want := signing(all), 3500*time.Millisecond; got != want {
		t.Errorf("signing took %s, want %s", got, want)
	}
}
