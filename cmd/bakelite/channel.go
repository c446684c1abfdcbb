package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/channels"
)

// channelsOf constructs what the flows of channels work with.
func channelsOf(f compose.Flows, names []string) channels.Flow {
	return channels.Flow{
		Look: f.Reader, Policy: f.Reader.Policy, Registry: f.Reader.Registry, TUF: f.Reader.TUF, Signer: f.Publisher.Signer, Vouch: f.Publisher.Folder.Vouch, Channels: names, Now: time.Now,
	}
}

// moveFlags are those of the commands that move channels.
type moveFlags struct {
	o              channels.Options
	dryRun, asJSON bool
	by             signerFlags
}

func (f *moveFlags) add(c *cobra.Command, channel string) {
	if channel != "" {
		c.Flags().StringVar(&f.o.Channel, channel, "", "the channel, one of the setting channels")
		_ = c.MarkFlagRequired(channel)
	}
	c.Flags().StringVar(&f.o.Reason, "reason", "", "why, in one line")
	c.Flags().DurationVar(&f.o.Valid, "valid", 0, "how long readers may go by the record, at most 2160h (720h by default)")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done and what it reaches, and stop")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print the plan as JSON")
	f.by.add(c)
}

// move plans, shows the plan, and carries it out.
func (f moveFlags) move(c *cobra.Command, plan func(context.Context, channels.Flow, []app.App) (channels.Plan, error)) error {
	return withChannels(c, f.by, func(ctx context.Context, s *settings.Settings, flow channels.Flow, apps []app.App) error {
		p, err := plan(ctx, flow, apps)
		if err != nil {
			return err
		}
		if f.asJSON {
			err = printJSON(os.Stdout, p)
		} else {
			err = printMoves(os.Stdout, p)
		}
		if err != nil || f.dryRun {
			return err
		}
		if p.Revocation == nil {
			return flow.Carry(ctx, p)
		}
		return revokeAndTell(ctx, s, flow, p)
	})
}

// withChannels hands the flows on, and the apps of this folder that may stand on
// what they are about.
func withChannels(c *cobra.Command, by signerFlags, do func(context.Context, *settings.Settings, channels.Flow, []app.App) error) error {
	s, err := load(c)
	if err != nil {
		return err
	}
	flows, ctx, end, err := newFlows(c, s)
	if err != nil {
		return err
	}
	defer end()
	flows.Reader.Policy = by.apply(flows.Reader.Policy)
	apps, err := appsHere(s)
	if err != nil {
		return err
	}
	return do(ctx, s, channelsOf(flows, s.Channels), apps)
}

// appsHere are the apps that the setting apps names; there may be none.
func appsHere(s *settings.Settings) ([]app.App, error) {
	paths, err := appPaths(s)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	return loadApps(paths)
}

func promoteCommand() *cobra.Command {
	var f moveFlags
	c := &cobra.Command{
		Use:   "promote REF",
		Short: "Let a channel lead to a published image",
		Long: `Lets a channel, such as stable, lead to what REF names, once that passes verify.
The channel's next record is signed: it has a number that never goes back, what
the channel led to before, the reason, and until when readers may go by it. It
is kept in the same repository, and the tag of the channel's name follows last.

What the move reaches is printed before anything is signed: the packages that
differ, and the apps of this folder that stand on what the channel led to.
Promote the same image again before the record's time is over.`,
		Example: "  bakelite promote registry.example.com/team/web:1.4.2 --to stable --key release.key",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return f.move(c, func(ctx context.Context, flow channels.Flow, apps []app.App) (channels.Plan, error) {
				return flow.Promote(ctx, args[0], f.o, apps)
			})
		},
	}
	f.add(c, "to")
	return c
}

func rollbackCommand() *cobra.Command {
	var f moveFlags
	var to string
	c := &cobra.Command{
		Use:   "rollback REPOSITORY",
		Short: "Let a channel lead to what it led to before",
		Long: `Lets a channel of a repository lead to what it led to before the image that it
leads to now, or to one that --to names and it once led to. That image has to
pass verify and must not be revoked. It is a new record with the next number:
readers that saw the record before refuse none that is older.`,
		Example: "  bakelite rollback registry.example.com/team/web --channel stable --reason 'login fails' --key release.key",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return f.move(c, func(ctx context.Context, flow channels.Flow, apps []app.App) (channels.Plan, error) {
				return flow.Rollback(ctx, args[0], to, f.o, apps)
			})
		},
	}
	f.add(c, "channel")
	c.Flags().StringVar(&to, "to", "", "the digest to go back to")
	return c
}

func revokeCommand() *cobra.Command {
	var f moveFlags
	var replacement string
	c := &cobra.Command{
		Use:   "revoke REF",
		Short: "Say of a published image that it is not to be run any more",
		Long: `Signs that what REF names is not to be run any more, and attaches that to it:
verify refuses it from then on, and so does a build that would stand on it. The
next record of each channel of the repository lists it too, so that readers
without a registry, and those from whom the statement is kept, learn of it.

A channel that leads to it will lead to --replacement, which has to pass verify.
Without one the command is refused, for a channel always leads somewhere. What
it reaches is printed before anything is signed.`,
		Example: "  bakelite revoke registry.example.com/team/web:1.4.1 --reason 'leaks its log' --replacement 1.4.2 --key release.key",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return f.move(c, func(ctx context.Context, flow channels.Flow, apps []app.App) (channels.Plan, error) {
				return flow.Revoke(ctx, args[0], replacement, f.o, apps)
			})
		},
	}
	f.add(c, "")
	_ = c.MarkFlagRequired("reason")
	c.Flags().StringVar(&replacement, "replacement", "", "digest or tag, of the same repository, to run in its place")
	return c
}

func printMoves(w io.Writer, p channels.Plan) error {
	fmt.Fprintln(w, p.Repository)
	if v := p.Revocation; v != nil {
		fmt.Fprintf(w, "  revoked: %s: %s\n", v.Digest, v.Reason)
	}
	for _, m := range p.Moves {
		from := "new"
		if m.From != nil {
			from = versioned(m.From.Digest, m.From.Version)
		}
		to := versioned(m.To.Digest, m.To.Version)
		if from == to {
			to = "the same"
		}
		fmt.Fprintf(w, "  %s: %s -> %s (record %d, holds until %s)\n", m.To.Channel, from, to, m.To.Sequence, m.To.NotAfter.Format("2006-01-02 15:04 MST"))
		for _, change := range m.Changes {
			fmt.Fprintf(w, "    %s %s -> %s\n", change.Package, orNone(update.Short(change.From)), orNone(update.Short(change.To)))
		}
	}
	return printChildren(w, p.Apps)
}

func printChildren(w io.Writer, apps []channels.Child) error {
	for _, a := range apps {
		why := "stands on it"
		if a.Follows {
			why = "follows the channel, and is outdated from then on"
		}
		if _, err := fmt.Fprintf(w, "  %s (%s) %s, as %s\n", a.App, a.Path, why, a.Base); err != nil {
			return err
		}
	}
	return nil
}

func versioned(digest, version string) string {
	if version == "" {
		return update.Short(digest)
	}
	return update.Short(digest) + " (" + version + ")"
}

func channelsCommand() *cobra.Command {
	var by signerFlags
	var asJSON bool
	var save, name string
	c := &cobra.Command{
		Use:   "channels REPOSITORY",
		Short: "Say where the channels of a repository lead",
		Long: `Reads the newest record of each channel that the setting channels names, verifies
it and those before it, and says where it leads, since when and until when.
With --save one channel's record is written to a file, for readers without a
registry: verify --channel-record.`,
		Args: checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withChannels(c, by, func(ctx context.Context, _ *settings.Settings, flow channels.Flow, _ []app.App) error {
				if save != "" {
					text, err := flow.Record(ctx, args[0], name)
					if err != nil {
						return err
					}
					return os.WriteFile(save, append(text, '\n'), 0o644)
				}
				all, err := flow.Standings(ctx, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(os.Stdout, all)
				}
				return printChannels(os.Stdout, all)
			})
		},
	}
	by.add(c)
	c.Flags().StringVar(&save, "save", "", "file to write the record of --channel to")
	c.Flags().StringVar(&name, "channel", "", "the channel whose record is saved")
	c.MarkFlagsRequiredTogether("save", "channel")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func printChannels(w io.Writer, all []channels.Standing) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(table, "%s\t%s\trecord %d\t%s\tholds until %s\t%s\n", s.Channel, versioned(s.Digest, s.Version), s.Sequence, s.At.Format("2006-01-02 15:04 MST"), s.NotAfter.Format("2006-01-02 15:04 MST"), s.Reason)
	}
	return table.Flush()
}
