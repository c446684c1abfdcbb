// Package analysis reads, with Trivy's analysers, what is in the trees of an
// artifact: packages, licences and what claims them, and secrets, by Trivy's
// rules and by form. It compares nothing with a database. It refuses content
// whose digest does not hold and lists of packages that it cannot read, and
// believes an entry of the cache only from the same maker. Only scan/trivy
// imports it, which says why Trivy is shut in. It is built with
// GOEXPERIMENT=jsonv2, which Trivy needs.
package analysis
