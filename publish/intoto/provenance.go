package intoto

import (
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/scan/controls"

	"github.com/package-url/packageurl-go"

	"github.com/bakelite/bakelite/internal/lock"
)

// BuildType names how Bakelite builds, and where that is described.
const BuildType = "https://bakelite.dev/docs/signing#build-type-v1"

// Provenance is SLSA's provenance, version 1 (slsa.dev/spec/v1.0/provenance).
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what was asked for and what went in.
type BuildDefinition struct {
	BuildType            string             `json:"buildType"`
	ExternalParameters   ExternalParameters `json:"externalParameters"`
	InternalParameters   InternalParameters `json:"internalParameters"`
	ResolvedDependencies []Resource         `json:"resolvedDependencies"`
}

// ExternalParameters are in a user's hands: the app file.
type ExternalParameters struct {
	App Resource `json:"app"`
	// Version is the tag that never moves, "" where it was published without.
	Version string `json:"version,omitempty"`
	// Asked is what of the app file a policy may refuse; absent where that was
	// not stated.
	Asked *controls.Asked `json:"asked,omitempty"`
}

// InternalParameters are chosen by Bakelite.
type InternalParameters struct {
	ArtifactKind string `json:"artifactKind"`
	Platform     string `json:"platform"`
	// Lock is the SHA-256 of the lock file, as "sha256:…".
	Lock string `json:"lock,omitempty"`
	// Trimmed are the names of the lock's packages that Bakelite took out,
	// unless one that stayed needs them; null where that was not stated.
	Trimmed []string `json:"trimmed"`
	// CacheMounts are folders that steps of a Dockerfile kept from earlier
	// builds of the same lock; what was in them went in unpinned.
	CacheMounts []string `json:"cacheMounts,omitempty"`
}

// Resource is in-toto's resource descriptor.
type Resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// RunDetails is who built, and when.
type RunDetails struct {
	Builder  Builder  `json:"builder"`
	Metadata Metadata `json:"metadata"`
}

// Builder is the identity that a consumer trusts, and its versions.
type Builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// Metadata is about one run.
type Metadata struct {
	InvocationID string    `json:"invocationId,omitempty"`
	StartedOn    time.Time `json:"startedOn"`
	FinishedOn   time.Time `json:"finishedOn"`
}

// Build is what provenance is made of.
type Build struct {
	// App is the app's name, AppDigest the digest of its file as it was
	// understood, written out anew, "sha256:…".
	App, AppDigest string
	// ArtifactKind is "container" or "disk".
	ArtifactKind string
	// Lock is what went in, LockDigest the digest of its file.
	Lock       lock.Lock
	LockDigest string
	// Asked is what of the app file a policy may refuse.
	Asked *controls.Asked
	// Trimmed are the lock's packages that may have been taken out, sorted.
	Trimmed []string
	// Release is the version that it is published as, "" for none.
	Release string
	// CacheMounts are the caches that steps had, sorted.
	CacheMounts []string
	// Source is the repository that the app file is from, Commit its full
	// hash; both are empty where there is none.
	Source, Commit string
	// Builder is the URI that consumers know the builder by, Version Bakelite's.
	Builder, Version string
	// Invocation names the run, such as a workflow run's URL.
	Invocation        string
	Started, Finished time.Time
}

// sourceName names the dependency that is the app file's repository.
const sourceName = "source"

// NewProvenance returns the provenance of b. Dependencies are sorted, so that
// the same build gives the same bytes but for its times.
func NewProvenance(b Build) Provenance {
	return Provenance{
		BuildDefinition: BuildDefinition{
			BuildType:          BuildType,
			ExternalParameters: ExternalParameters{App: Resource{Name: b.App, Digest: digestSet(b.AppDigest)}, Version: b.Release, Asked: b.Asked},
			InternalParameters: InternalParameters{
				ArtifactKind: b.ArtifactKind, Platform: b.Lock.Platform, Lock: b.LockDigest, Trimmed: b.Trimmed, CacheMounts: b.CacheMounts,
			},
			ResolvedDependencies: append(b.source(), dependencies(b.Lock, b.ArtifactKind)...),
		},
		RunDetails: RunDetails{
			Builder:  Builder{ID: b.Builder, Version: map[string]string{"bakelite": b.Version}},
			Metadata: Metadata{InvocationID: b.Invocation, StartedOn: second(b.Started), FinishedOn: second(b.Finished)},
		},
	}
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func (b Build) source() []Resource {
	if b.Source == "" {
		return nil
	}
	source := Resource{Name: sourceName, URI: "git+" + SourceURI(b.Source)}
	if b.Commit != "" {
		source.Digest = map[string]string{"gitCommit": b.Commit}
	}
	return []Resource{source}
}

// SourceURI brings the forms of a repository's address together:
// git+https://host/path.git@ref means https://host/path. A user's name or
// token, as CI systems put before the host, is dropped.
func SourceURI(text string) string {
	text = strings.TrimPrefix(text, "git+")
	if scheme, rest, found := strings.Cut(text, "://"); found {
		host, path, _ := strings.Cut(rest, "/")
		path, _, _ = strings.Cut(path, "@")
		host = host[strings.LastIndex(host, "@")+1:]
		text = scheme + "://" + strings.ToLower(host) + "/" + path
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "/"), ".git")
}

// SourceURI returns the address of the repository that the app file is from,
// without git+, a ref or .git; "" where the provenance names none.
func (p Provenance) SourceURI() string {
	for _, r := range p.BuildDefinition.ResolvedDependencies {
		if r.Name == sourceName {
			return SourceURI(r.URI)
		}
	}
	return ""
}

// Commit returns the hash of the commit that the app file is from, or "".
func (p Provenance) Commit() string {
	for _, r := range p.BuildDefinition.ResolvedDependencies {
		if r.Name == sourceName {
			return r.Digest["gitCommit"]
		}
	}
	return ""
}

// dependencies lists what a lock pins for one kind of artifact, by digest.
func dependencies(l lock.Lock, kind string) []Resource {
	var all []Resource
	if l.Base != nil {
		all = append(all, Resource{Name: "base image", URI: "oci:" + l.Base.Ref, Digest: digestSet(l.Base.Digest)})
	}
	for _, i := range l.Images {
		all = append(all, Resource{Name: "image of the Dockerfile", URI: "oci:" + i.Ref, Digest: digestSet(i.Digest)})
	}
	for _, a := range l.Archives {
		all = append(all, Resource{Name: a.Name + "/" + a.Suite + "/InRelease", Digest: digestSet(a.InRelease)})
	}
	for _, f := range l.Files {
		all = append(all, Resource{Name: "file " + f.Path, Digest: digestSet(f.SHA256)})
	}
	for _, p := range pins(l.Packages, kind) {
		all = append(all, Resource{URI: purl(p), Digest: digestSet(p.SHA256)})
	}
	slices.SortFunc(all, func(a, b Resource) int {
		return strings.Compare(a.Name+"\x00"+a.URI+a.Digest["sha256"], b.Name+"\x00"+b.URI+b.Digest["sha256"])
	})
	return slices.CompactFunc(all, func(a, b Resource) bool {
		return a.Name == b.Name && a.URI == b.URI && a.Digest["sha256"] == b.Digest["sha256"]
	})
}

// pins lists the packages that a build of this kind reads.
func pins(l lock.Layers, kind string) []lock.Pin {
	if kind == "disk" {
		return slices.Concat(l.Seed, l.Base, l.Machine, l.MachineApp, l.MachineBuild, l.Tools)
	}
	return slices.Concat(l.Seed, l.Base, l.App, l.Build)
}

// purl names a package as the package URL specification does for Debian's; a
// vendor is the first part of an archive's name, "debian" of
// "debian-security".
func purl(p lock.Pin) string {
	vendor, _, _ := strings.Cut(p.Archive, "-")
	arch := packageurl.QualifiersFromMap(map[string]string{"arch": p.Arch})
	return packageurl.NewPackageURL(packageurl.TypeDebian, vendor, p.Name, p.Version, arch, "").ToString()
}

// digestSet returns a SHA-256, with or without "sha256:", as in-toto writes it.
func digestSet(digest string) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}
}
