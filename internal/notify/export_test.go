package notify

// Sign is sign, for receivers.
func Sign(secret []byte, id, at string, body []byte) string { return sign(secret, id, at, body) }

// MaxWaiting is how many events wait.
const MaxWaiting = maxWaiting
