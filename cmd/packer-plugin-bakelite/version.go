package main

import "regexp"

// packerVersion turns a version of ours into one that Packer installs: X.Y.Z
// for a release, X.Y.Z-dev for all else (command/plugins_install.go refuses
// any other form).
func packerVersion(v string) string {
	parts := regexp.MustCompile(`^v?((?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8}))(?:[-+](.*))?$`).FindStringSubmatch(v)
	switch {
	case parts == nil:
		return "0.0.0-dev"
	case parts[2] != "":
		return parts[1] + "-dev"
	}
	return parts[1]
}
