package lock

// Quick is canonical.
var Quick = canonical
