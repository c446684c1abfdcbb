package engine

import (
	"strings"
	"testing"
)

// TestIgnoredOfADockerfile: each instruction whose effect is lost is named
// with the key that stands for it, and what BuildKit sets by itself is not.
func TestIgnoredOfADockerfile(t *testing.T) {
	for config, want := range map[string]string{
		`{}`: "",
		`{"config":{"Env":["` + dockerPath + `"],"WorkingDir":"/"}}`: "",
		`{"config":{"Env":["` + dockerPath + `","A=b"],"User":"web","WorkingDir":"/srv","ExposedPorts":{"80/tcp":{}},"Cmd":["/x"]}}`: "ENV (use service.environment), USER (use service.user), " +
			"WORKDIR (use service.dir), EXPOSE (use service.ports), ENTRYPOINT or CMD (use service.command)",
		`{"config":{"Env":["PATH=/opt/bin"],"Entrypoint":["/x"],"Volumes":{"/v":{}},"Labels":{"a":"b"},"Healthcheck":{"Test":["NONE"]}}}`: "ENV (use service.environment), " +
			"VOLUME (use service.writable), ENTRYPOINT or CMD (use service.command), HEALTHCHECK (use service.health), LABEL (use container.labels)",
	} {
		found, err := ignored([]byte(config))
		if got := strings.Join(found, ", "); err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", config, got, err, want)
		}
	}
}
