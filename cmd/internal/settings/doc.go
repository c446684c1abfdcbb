package settings

import (
	"fmt"
	"strings"
)

//go:generate go test -run TestDocumentationIsCurrent . -update

// Documentation returns docs/settings.md, made from the table.
func Documentation() string {
	var b strings.Builder
	b.WriteString(`# Settings

<!-- Generated from cmd/internal/settings; run go generate there after a change. -->

What is about one app stands in its app file. Everything else is a setting, and comes from the first of these that has it:

1. a flag,
2. an environment variable,
3. ` + "`bakelite.yaml`" + ` in the working folder or the nearest folder above it, or the file that ` + "`--config`" + ` or ` + "`BAKELITE_CONFIG`" + ` names,
4. the default.

` + "`bakelite config`" + ` shows each value in force and where it comes from. A relative path in ` + "`bakelite.yaml`" + ` starts at that file's folder; elsewhere it starts at the working folder. A key that is no setting is refused, and so is a variable ` + "`BAKELITE_…`" + ` that is nearly one.

## Whose words count

What a user names counts, whoever wrote it: a flag, a variable, the file that ` + "`--config`" + ` or ` + "`BAKELITE_CONFIG`" + ` names, the app file. A ` + "`bakelite.yaml`" + ` that is found, in the working folder or above it, must belong to who runs the command, to root or, where root runs it through sudo, to who called sudo; and nobody else may be able to write to it, a group only where it is the owner's own, of the same name. The same goes for a symbolic link in its place, for the files that it names (policy, keyring, keys, tokens, roots of trust), and for the files that this policy names. Anything else is refused (exit code 2), with the words that name it on purpose. In a container whose root finds a checkout of another user, that is ` + "`BAKELITE_CONFIG=bakelite.yaml`" + `.

` + "`verify`, `inspect`, `scan`, `diff` and `report` (of a reference, or with `--since`)" + ` look at what others made, perhaps in a folder that others made too: of a ` + "`bakelite.yaml`" + ` that is found they take nothing, and another user's they pass by. Where one's own sets what they judge by (` + "`policy`" + `; for ` + "`scan` and `diff`" + ` also ` + "`scanner.database` and `scanner.digest`" + `) and neither flag nor variable does, they refuse and say how to name it. They show the policy in force, its file and its digest, on stderr, and ` + "`publish`" + ` does with its result.

## All settings

| Key | Flag | Environment | Value | Default |
| --- | --- | --- | --- | --- |
`)
	for _, e := range Table() {
		key, env := e.Key, e.Env()
		if e.Kind == PerNamed {
			key, env = key+".ARCHIVE", env+"_ARCHIVE"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | `%s` | %s | %s |\n", key, e.Flag, env, e.valueHelp(), e.defaultHelp())
	}
	b.WriteString("\n")
	for _, e := range Table() {
		fmt.Fprintf(&b, "* `%s`: %s\n", e.Key, e.Help)
	}
	b.WriteString(proxies + example)
	return b.String()
}

const proxies = "\nProxies are no setting: commands and an engine of Bakelite's own take `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` from the environment, the engine those of the command that started it. Steps with `network: true` go through them too, by a proxy of the engine's that knows the passwords and lets nothing through that is out of a step's reach. Git, which fetches what a Dockerfile adds from a repository, gets them without name and password.\n"

const example = `
An example:

` + "```yaml" + `
output: build/images
engine:
  idle: 1h
mirrors:
  debian: [https://mirror.example/debian]
  debian-security: [https://mirror.example/debian-security]
frozen: true
` + "```" + `

Signing without a key, by a private Sigstore; in GitHub Actions with the public one, ` + "`keyless: true`" + ` is enough ([signing](signing.md#keyless)):

` + "```yaml" + `
sign:
  keyless: true
  token: /run/ci/sigstore-token
  config: signing-config.json
  trusted-root: trusted-root.json
` + "```" + `

Entries of a list are separated by semicolons in the environment; its flag may be given more than once. In the environment the URLs of an archive are separated by spaces, and its hyphens are underscores: ` + "`BAKELITE_MIRRORS_DEBIAN_SECURITY`" + `. As a flag: ` + "`--mirror debian=URL`" + `, once per URL. An archive's list comes whole from the first source that has one.
`

func (e Entry) valueHelp() string {
	if e.OneOf != nil {
		return "`" + strings.Join(e.OneOf, "`, `") + "`"
	}
	return string(e.Kind)
}

func (e Entry) defaultHelp() string {
	if e.DefaultHelp != "" {
		return e.DefaultHelp
	}
	return "`" + e.Default + "`"
}
