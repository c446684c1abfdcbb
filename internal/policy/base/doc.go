// Package base judges whether an app may stand on a base, by its name and by
// what is known of it: registry and repository, digest, names that only look
// like a well-known one, age and signers. It is pure: it reads no clock, disk
// or network, and its list of well-known names is data in official.txt. It
// refuses whatever it cannot read as a reference.
package base
