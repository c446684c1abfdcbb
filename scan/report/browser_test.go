package report_test

import (
	"context"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/report"
)

// patience is how long a loaded machine may take for one page.
const patience = 3 * time.Minute

// browser is a headless Chromium; where there is none the test is left out.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is on this machine")
	return ""
}

// browse runs Chromium on a page, whose scripts have some seconds of its time.
func browse(t *testing.T, program, text string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	must(t, os.WriteFile(file, []byte(text), 0o644))
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + dir, "--virtual-time-budget=5000"}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, program, append(args, "file://"+file)...)
	var says strings.Builder
	c.Stderr = &says
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, says.String())
	}
	return string(out)
}

// TestBrowserFilters: the page's script runs under its own policy, and shows
// what filters.
func TestBrowserFilters(t *testing.T) {
	dom := browse(t, browser(t), write(t, page(t, 5000), "html"), "--dump-dom")
	if !strings.Contains(dom, `role="status">500 of 500 on this page<`) || strings.Contains(dom, `class="filter" hidden`) {
		t.Error("the filter did not start")
	}
}

// TestBrowserRunsNothingOfStrangers: a page full of hostile texts runs none.
func TestBrowserRunsNothingOfStrangers(t *testing.T) {
	program := browser(t)
	probe := `document.title="owned"`
	f := facts(t, 1)
	f.Tests = []report.Test{{Name: "<script>" + probe + "</script><img src=x onerror='" + probe + "'>"}}
	f.Controls = []controls.Result{{ID: "\"><svg onload='" + probe + "'>"}}
	text := write(t, report.New("web", []report.Facts{f}, nil), "html")
	if dom := browse(t, program, text, "--dump-dom"); strings.Contains(dom, "<title>owned") || !strings.Contains(dom, "<title>web: ") {
		t.Error("a stranger's script ran")
	}
	broken := strings.Replace(text, "</main>", "<script>"+probe+"</script></main>", 1)
	if dom := browse(t, program, broken, "--dump-dom"); strings.Contains(dom, "<title>owned") {
		t.Error("the page's policy lets another script run")
	}
}

// TestBrowserShowsAllWidthsAndThemes: at the widths of a phone, a tablet and a
// screen nothing sticks out, and the dark theme is dark.
func TestBrowserShowsAllWidthsAndThemes(t *testing.T) {
	program := browser(t)
	for text, widths := range map[string][]int{write(t, page(t, 40), "html"): {360, 820, 1400}, write(t, hostilePage(t), "html"): {360}} {
		for _, width := range widths {
			for scheme, dark := range map[string]bool{"0": true, "1": false} {
				shot := shoot(t, program, text, width, scheme)
				corner := brightness(shot, 0, 0)
				if dark != (corner < 0x40) {
					t.Errorf("at %d, dark %v: the corner's brightness is %#x", width, dark, corner)
				}
				for y := range shot.Bounds().Dy() {
					if brightness(shot, width-2, y) != corner {
						t.Errorf("at %d, dark %v: something is at the right border, line %d", width, dark, y)
						break
					}
				}
			}
		}
	}
}

func shoot(t *testing.T, program, text string, width int, scheme string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	browse(t, program, text, "--screenshot="+file, "--window-size="+strconv.Itoa(width)+",4000", "--blink-settings=preferredColorScheme="+scheme)
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	shot, err := png.Decode(f)
	must(t, err)
	if shot.Bounds().Dx() != width {
		t.Fatalf("the picture is %v wide, not %d", shot.Bounds(), width)
	}
	return shot
}

// brightness is that of the brightest of a pixel's colours, of 255.
func brightness(shot image.Image, x, y int) uint32 {
	r, g, b, _ := shot.At(x, y).RGBA()
	return max(r, g, b) >> 8
}
