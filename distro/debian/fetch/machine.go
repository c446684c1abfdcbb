package fetch

import (
	"bytes"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxSources bounds one file of apt sources, in bytes.
const maxSources = 1 << 20

// MachineMirrors reads the mirrors of each archive from a machine's apt
// sources (etc/apt below root, in both of apt's formats); root is the
// machine's root folder. Sources that are disabled, for other distributions
// or unreadable are passed over, so the result may be empty.
func MachineMirrors(root fs.FS) map[string][]string {
	mirrors := map[string][]string{}
	add := func(uri string, suites []string) {
		name := archiveOf(suites)
		u, err := url.Parse(uri)
		if name == "" || err != nil || !slices.Contains([]string{"http", "https", "file"}, u.Scheme) {
			return
		}
		uri = strings.TrimRight(uri, "/")
		if !slices.Contains(mirrors[name], uri) {
			mirrors[name] = append(mirrors[name], uri)
		}
	}
	lists, _ := fs.Glob(root, "etc/apt/sources.list.d/*.list")
	for _, name := range append([]string{"etc/apt/sources.list"}, lists...) {
		readOneLine(readSources(root, name), add)
	}
	deb822, _ := fs.Glob(root, "etc/apt/sources.list.d/*.sources")
	for _, name := range deb822 {
		readDeb822(readSources(root, name), add)
	}
	return mirrors
}

func readSources(root fs.FS, name string) []byte {
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := limit.ReadAll(f, maxSources, name)
	if err != nil {
		return nil
	}
	return data
}

// archiveOf recognises an archive by the suites that it holds.
func archiveOf(suites []string) string {
	for _, suite := range suites {
		base, part, _ := strings.Cut(suite, "-")
		if !slices.Contains([]string{"bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}, base) {
			continue
		}
		switch part {
		case "", "updates", "proposed-updates", "backports":
			return "debian"
		case "security":
			return "debian-security"
		}
	}
	return ""
}

func readDeb822(data []byte, add func(uri string, suites []string)) {
	reader := control.NewReader(bytes.NewReader(data))
	for {
		stanza, err := reader.Next()
		if err != nil {
			return
		}
		fields, err := stanza.Map()
		if err != nil || fields["enabled"] == "no" || !slices.Contains(strings.Fields(fields["types"]), "deb") {
			continue
		}
		for _, uri := range strings.Fields(fields["uris"]) {
			add(uri, strings.Fields(fields["suites"]))
		}
	}
}

// readOneLine reads lines of the form: deb [options] uri suite components.
func readOneLine(data []byte, add func(uri string, suites []string)) {
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if open := strings.Index(line, "["); open >= 0 {
			_, after, _ := strings.Cut(line, "]")
			line = line[:open] + " " + after
		}
		parts := strings.Fields(line)
		if len(parts) >= 3 && parts[0] == "deb" {
			add(parts[1], []string{path.Clean(parts[2])})
		}
	}
}
