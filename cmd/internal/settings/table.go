package settings

import (
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/update"
)

// Kind is the form of a setting's value.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Path     Kind = "path" // in bakelite.yaml it starts at that file's folder
	Span     Kind = "time span"
	Number   Kind = "whole number"
	Switch   Kind = "true or false"
	Networks Kind = "networks, separated by commas"
	PerNamed Kind = "list of URLs per archive"
	List     Kind = "list"
)

// Entry describes one setting.
type Entry struct {
	// Key is the path of the key in bakelite.yaml.
	Key string
	// Flag is the name of the flag, without its hyphens.
	Flag string
	Kind Kind
	// Default is the value as text; DefaultHelp says it in words where it
	// depends on the machine.
	Default, DefaultHelp string
	// Help is one sentence.
	Help string
	// OneOf are the only words allowed, or nil; Check judges others, or is nil.
	OneOf []string
	Check func(text string) error
	// File says that the value names a file, whose content decides.
	File bool
	// Rare keeps the flag out of the help of every command.
	Rare bool
	// Secret keeps the value out of everything that is shown.
	Secret bool
}

// Env returns the name of the environment variable: BAKELITE_ENGINE_IDLE for
// engine.idle.
func (e Entry) Env() string { return envPrefix + envName(e.Key) }

const (
	envPrefix = "BAKELITE_"
	mirrors   = "mirrors"
)

func envName(key string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// Table returns all settings in the order in which they are shown.
func Table() []Entry {
	return []Entry{
		{Key: "state", Flag: "state", Kind: Path, DefaultHelp: "$XDG_STATE_HOME/bakelite or ~/.local/state/bakelite",
			Help: "Folder for the engine, caches and databases, which this user alone may enter; it can be deleted at any time."},
		{Key: "output", Flag: "output", Kind: Path, Default: "dist",
			Help: "Folder that artifacts are written to."},
		{Key: "engine.address", Flag: "engine", Kind: Text, DefaultHelp: "a running one, else one of Bakelite's own",
			Help: "Address of the BuildKit that executes builds."},
		{Key: "engine.idle", Flag: "engine-idle", Kind: Span, Default: "10m",
			Help: "How long an engine of Bakelite's own outlives its last command."},
		{Key: "engine.networks", Flag: "engine-networks", Kind: Networks, Rare: true, DefaultHelp: "none",
			Help: "Networks and addresses that steps with network: true reach besides public ones, on an engine of Bakelite's own; one of this machine's own addresses has to be named alone."},
		{Key: "engine.unconfined-network", Flag: "engine-unconfined-network", Kind: Switch, Rare: true, Default: "false",
			Help: "Let steps with network: true run on an engine that is not Bakelite's own, in whatever network it gives them, which may be this machine's."},
		{Key: mirrors, Flag: "mirror", Kind: PerNamed, DefaultHelp: "the machine's apt sources",
			Help: "Mirrors of each archive, by the archive's name (debian, debian-security), in order of preference."},
		{Key: "keyring", Flag: "keyring", Kind: Path, File: true, DefaultHelp: "the keys of the machine's distribution",
			Help: "File of OpenPGP keys that archives are verified with."},
		{Key: "registry", Flag: "registry", Kind: Text, DefaultHelp: "the folder published below output",
			Help: "Where artifacts are published: a host and path, or oci: and a folder that receives an OCI layout per artifact."},
		{Key: "policy", Flag: "policy", Kind: Path, File: true, DefaultHelp: "the built-in policy",
			Help: "Policy file that bases and artifacts are judged by."},
		{Key: "scanner.database", Flag: "database", Kind: Text, Default: "ghcr.io/aquasecurity/trivy-db:2",
			Help: "Database of vulnerabilities: an OCI reference, oci: and a layout folder, or a folder with trivy.db."},
		{Key: "scanner.digest", Flag: "database-digest", Kind: Text, Rare: true, DefaultHelp: "what the reference names today",
			Help: "Digest that the database must have."},
		{Key: "sign.key", Flag: "key", Kind: Text, File: true, DefaultHelp: "none",
			Help: "Key that signs: a file, or env: and the name of a variable that holds it; its passphrase is in BAKELITE_KEY_PASSPHRASE or COSIGN_PASSWORD."},
		{Key: "sign.keyless", Flag: "keyless", Kind: Switch, Default: "false",
			Help: "Sign as the identity that an OIDC token names, through Sigstore."},
		{Key: "sign.token", Flag: "token", Kind: Path, File: true, Rare: true, DefaultHelp: "that of the GitHub Actions job",
			Help: "File with the OIDC token of keyless signing."},
		{Key: "sign.fulcio", Flag: "fulcio", Kind: Text, Rare: true, DefaultHelp: "the public Sigstore's",
			Help: "URL of the certificate authority of a private Sigstore."},
		{Key: "sign.rekor", Flag: "rekor", Kind: Text, Rare: true, DefaultHelp: "the public Sigstore's",
			Help: "URL of the transparency log of a private Sigstore."},
		{Key: "sign.rekor-version", Flag: "rekor-version", Kind: Number, Rare: true, Default: "1", OneOf: []string{"1", "2"},
			Help: "Version of sign.rekor's API; 2, for tiles, needs sign.timestamp."},
		{Key: "sign.timestamp", Flag: "timestamp", Kind: Text, Rare: true, DefaultHelp: "the public Sigstore's",
			Help: "URL of the timestamp authority of a private Sigstore."},
		{Key: "sign.config", Flag: "signing-config", Kind: Path, File: true, Rare: true, DefaultHelp: "none",
			Help: "File with Sigstore's SigningConfig, as cosign takes it: all of the addresses above."},
		{Key: "sign.trusted-root", Flag: "trusted-root", Kind: Path, File: true, Rare: true, DefaultHelp: "the public Sigstore's",
			Help: "File with the trusted root of a private Sigstore."},
		{Key: "sign.fallback-to-key", Flag: "fallback-to-key", Kind: Switch, Rare: true, Default: "false",
			Help: "Let sign.key sign where Sigstore is out of reach."},
		{Key: "secure-boot.key", Flag: "secure-boot-key", Kind: Path, File: true, DefaultHelp: "none",
			Help: "PEM file with the RSA key that signs the disk's EFI program."},
		{Key: "secure-boot.certificate", Flag: "secure-boot-certificate", Kind: Path, File: true, DefaultHelp: "none",
			Help: "PEM file with the certificate of secure-boot.key, which the firmware trusts."},
		{Key: "accelerator", Flag: "accelerator", Kind: Text, Rare: true, Default: "auto", OneOf: []string{"auto", "kvm", "tcg"},
			Help: "What runs machines: KVM, QEMU's emulation (tcg), or auto: KVM where it was seen to run one."},
		{Key: "provenance.builder", Flag: "builder", Kind: Text, Rare: true, DefaultHelp: "the GitHub Actions workflow, else https://bakelite.dev/builder/local",
			Help: "URI that consumers know the builder by."},
		{Key: "provenance.source", Flag: "source", Kind: Text, Rare: true, DefaultHelp: "that of the GitHub Actions job",
			Help: "Repository that the app files are from."},
		{Key: "frozen", Flag: "frozen", Kind: Switch, Default: "false",
			Help: "Refuse to make or change a lock; for continuous integration."},
		{Key: "progress", Flag: "progress", Kind: Text, Default: "auto", OneOf: []string{"auto", "plain", "full", "tty", "json"},
			Help: "How progress is shown on stderr: plain is a line per step, full all that steps write, tty draws what runs, and auto is tty on a terminal, else plain."},
		{Key: "apps", Flag: "apps", Kind: List, Default: "apps/*/app.yaml",
			Help: "Patterns of the app files that --all stands for, below the working folder; * is any name."},
		{Key: "channels", Flag: "channels", Kind: List, Rare: true, Default: "candidate;stable", Check: channel.CheckName,
			Help: "Names that promote, rollback and revoke let lead to published images."},
		{Key: "update.trigger", Flag: "update-trigger", Kind: List, Rare: true, Default: update.OnAny, OneOf: update.Triggers(),
			Help: "What sets off a rebuild of an app: any change, security updates and fixes, fixable, a fix of at least update.severity, or base, another base image."},
		{Key: "update.severity", Flag: "update-severity", Kind: Text, Rare: true, Default: "high", OneOf: app.Severities(),
			Help: "Least severity that counts for the trigger fixable."},
		{Key: "update.cool-down", Flag: "update-cool-down", Kind: Span, Rare: true, Default: "0s",
			Help: "How long a version is in the archive before it is taken."},
		{Key: "update.urgent", Flag: "update-urgent", Kind: Text, Rare: true, Default: "critical", OneOf: append(app.Severities(), app.UrgentNone),
			Help: "Least severity whose fixes wait neither for update.cool-down nor for update.windows, or none."},
		{Key: "update.windows", Flag: "update-window", Kind: List, Rare: true, DefaultHelp: "always", Check: checkWindow,
			Help: "When rebuilds begin, in UTC, such as sat,sun 01:00-05:00."},
		{Key: "update.max-lock-age", Flag: "update-max-lock-age", Kind: Span, Rare: true, Default: "0s", DefaultHelp: "any",
			Help: "How long ago a lock may have been current."},
		{Key: "update.unknown-after", Flag: "update-unknown-after", Kind: Span, Rare: true, Default: "24h",
			Help: "How long a suite, a registry or the database may be out of reach before that is a failure; 0s is for ever."},
		{Key: "notify.url", Flag: "notify-url", Kind: Text, Rare: true, Secret: true, DefaultHelp: "nobody is told", Check: notify.CheckAddress,
			Help: "Webhook that is told of updates, rebuilds, failures, locks that are too old and revoked images, with https."},
		{Key: "notify.secret", Flag: "notify-secret", Kind: Text, File: true, Rare: true, DefaultHelp: "none", Check: checkNoSecret,
			Help: "Secret that events are signed with: a file, or env: and the name of a variable that holds it."},
		{Key: "machines", Flag: "machines", Kind: Number, Rare: true, Default: "0", DefaultHelp: "half the processors",
			Help: "How many machines are tested at once, as far as the memory allows."},
		{Key: "jobs", Flag: "jobs", Kind: Number, Default: "0", DefaultHelp: "the number of processors",
			Help: "How many apps a command works on at once; of machines that are tested, machines says how many."},
	}
}
