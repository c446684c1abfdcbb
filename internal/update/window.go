package update

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a span of a day on some days of the week, in UTC. One that ends
// before it begins goes on to the next day.
type Window struct {
	days     [7]bool // from Sunday
	from, to time.Duration
}

// dayNames are the days from Sunday, as time.Weekday counts them.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// ParseWindow reads days and a span: "sat,sun 01:00-05:00", "mon-fri
// 22:00-04:00", "daily 02:00-03:30".
func ParseWindow(text string) (w Window, err error) {
	days, span, ok := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	from, to, two := strings.Cut(strings.TrimSpace(span), "-")
	if !ok || !two {
		return w, fmt.Errorf("%q is not a window; write it like sat,sun 01:00-05:00 (UTC)", text)
	}
	if err := w.parseDays(days); err != nil {
		return w, err
	}
	if w.from, err = parseClock(from); err != nil {
		return w, err
	}
	if w.to, err = parseClock(to); err != nil {
		return w, err
	}
	if w.from == w.to {
		return w, fmt.Errorf("the window %q is empty", text)
	}
	return w, nil
}

func (w *Window) parseDays(text string) error {
	if text == "daily" {
		text = "sun-sat"
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		a, b := slices.Index(dayNames(), first), slices.Index(dayNames(), last)
		if a < 0 || b < 0 {
			return fmt.Errorf("%q is no day; write mon, tue, wed, thu, fri, sat, sun or daily", part)
		}
		for d := a; ; d = (d + 1) % len(w.days) {
			w.days[d] = true
			if d == b {
				break
			}
		}
	}
	return nil
}

// parseClock reads a time of day, to 24:00.
func parseClock(text string) (time.Duration, error) {
	if text == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day; write it like 02:30", text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

const day = 24 * time.Hour

// next returns when the window is open: now where it is, else when it opens.
func (w Window) next(now time.Time) time.Time {
	now = now.UTC()
	midnight := now.Truncate(day)
	for d := -1; d <= len(w.days); d++ { // from yesterday, whose window may still be open
		begins := midnight.AddDate(0, 0, d)
		if !w.days[begins.Weekday()] {
			continue
		}
		opens, closes := begins.Add(w.from), begins.Add(w.to)
		if w.to < w.from {
			closes = closes.Add(day)
		}
		if now.Before(opens) {
			return opens
		}
		if now.Before(closes) {
			return now
		}
	}
	return now // a window has a day
}

// opens returns when one of some windows is open next; with none it is now.
func opens(windows []Window, now time.Time) time.Time {
	var first time.Time
	for _, w := range windows {
		if at := w.next(now); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if first.IsZero() {
		return now
	}
	return first
}
