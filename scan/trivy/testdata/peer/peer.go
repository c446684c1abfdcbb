//go:build tools

// Package peer pins the trivy program that scan/trivy is compared with.
package peer

import _ "github.com/aquasecurity/trivy/cmd/trivy"
