// Package trivy compares content with a database of known vulnerabilities,
// and lists its packages, secrets and licences, with Trivy as a library;
// analysis below it reads the content. It refuses the network, a database that
// is missing, empty or too old, and content whose digest does not hold. Only
// cmd/bakelite-scan imports it, as Trivy is large and what it reads is
// untrusted; everybody else uses scan/child. It is built with
// GOEXPERIMENT=jsonv2, which Trivy needs.
package trivy
