package compose

import (
	"fmt"
	"os"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/pipelines/release"
)

// origin says who builds and from where: settings first, then what GitHub
// Actions says of the job.
func origin(s *settings.Settings) release.Origin {
	o := release.Origin{Builder: s.Provenance.Builder, Source: s.Provenance.Source}
	if server, repository := os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_REPOSITORY"); server != "" && repository != "" {
		if o.Source == "" {
			o.Source, o.Commit = server+"/"+repository, os.Getenv("GITHUB_SHA")
		}
		if ref := os.Getenv("GITHUB_WORKFLOW_REF"); o.Builder == "" && ref != "" {
			o.Builder = server + "/" + ref
		}
		if run := os.Getenv("GITHUB_RUN_ID"); run != "" {
			o.Invocation = fmt.Sprintf("%s/%s/actions/runs/%s/attempts/%s", server, repository, run, os.Getenv("GITHUB_RUN_ATTEMPT"))
		}
	}
	if o.Builder == "" {
		o.Builder = localBuilder
	}
	return o
}

// localBuilder is the builder where no CI job is known: some machine, with no
// more to it than who signed.
const localBuilder = "https://bakelite.dev/builder/local"
