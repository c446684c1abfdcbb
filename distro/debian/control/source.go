package control

import (
	"fmt"
	"strings"
)

// SourceOf reads "Source: name (version)" of a package, and returns "" for
// what is the package's own (Debian Policy 5.6.1).
func SourceOf(field, name, version string) (source, sourceVersion string) {
	source, sourceVersion, _ = strings.Cut(field, " (")
	source, sourceVersion = strings.TrimSpace(source), strings.TrimSuffix(sourceVersion, ")")
	if source == name {
		source = ""
	}
	if sourceVersion == version {
		sourceVersion = ""
	}
	return source, sourceVersion
}

// ValidVersion says whether v has the characters of a version by Debian Policy 5.6.12.
func ValidVersion(v string) bool {
	const characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~:-"
	return v != "" && len(v) <= 200 && strings.Trim(v, characters) == "" && strings.IndexByte(".+~:-", v[0]) < 0
}

// ValidSource says whether a source package has a valid name and version; what
// SourceOf leaves out is valid.
func ValidSource(name, version string) bool {
	return (name == "" || ValidName(name)) && (version == "" || ValidVersion(version))
}

// CheckPackage refuses a package that has no valid name, version, architecture
// or source, as SourceOf reads it.
func CheckPackage(name, version, arch, source, sourceVersion string) error {
	switch {
	case !ValidName(name):
		return fmt.Errorf("%.60q is not a package's name", name)
	case !ValidVersion(version):
		return fmt.Errorf("package %s has no valid version", name)
	case !ValidName(arch):
		return fmt.Errorf("package %s has no valid architecture", name)
	case !ValidSource(source, sourceVersion):
		return fmt.Errorf("package %s has no valid source", name)
	}
	return nil
}
