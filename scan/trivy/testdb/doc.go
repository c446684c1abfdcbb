// Package testdb makes a small database of vulnerabilities in Trivy's own
// form, for tests and the demo. Its facts are real: source package, CVE and
// fixed version from the changelogs of Debian trixie and its security
// updates; the severity is the urgency of that upload, as changelogs have no
// other. It is far from complete and no substitute for Trivy's database. It
// is imported by tests and test/testdb, and built with GOEXPERIMENT=jsonv2.
package testdb
