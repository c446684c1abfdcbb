package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/scan/show"
)

func checkCommand() *cobra.Command {
	var o look.CheckOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "check TARGET",
		Short: "Show which hardening controls hold in an image, a disk, a folder or this machine",
		Long: `Checks the hardening controls on TARGET, whoever made it, and changes nothing.
TARGET is a reference in a registry, a layout folder, a disk file, a folder with
a system in it, or the word host for this machine, of which the running kernel
is asked too. Images and disks are read by a process of its own, without keys,
credentials and network.

The exit code is 6 where a control fails that the policy requires: all of level
1, where no policy says otherwise.`,
		Example: "  bakelite check dist/web.oci\n  bakelite check --json registry.example.com/team/web\n  bakelite check --admin ops --port 22/tcp host",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{artifact.Container, artifact.Disk}, o.As) || o.Level < 1 || o.Level > 2 {
				return fault.New(fault.Invalid, "--as %s --level %d: want container or disk, and 1 or 2", o.As, o.Level)
			}
			found, err := lookChecked(c, args[0], o)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(os.Stdout).Encode(found)
			} else {
				width, _, _ := term.GetSize(int(os.Stdout.Fd())) // 0 where there is no terminal
				err = show.Controls(os.Stdout, found.Results, show.Options{Width: width})
			}
			if err != nil {
				return err
			}
			return found.Err()
		},
	}
	c.Flags().StringVar(&o.As, "as", artifact.Container, "what a folder is checked as: container or disk")
	c.Flags().IntVar(&o.Level, "level", 1, "the highest level of the controls to check: 1 or 2")
	c.Flags().StringVar(&o.Admin, "admin", "", "the account that may log in")
	c.Flags().StringSliceVar(&o.Ports, "port", nil, "a port of this machine that others may reach, as 22/tcp; again for more")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{artifact.Container, artifact.Disk}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// lookChecked checks the target, and ends the display before anything is
// printed.
func lookChecked(c *cobra.Command, target string, o look.CheckOptions) (found look.Checked, err error) {
	err = withReader(c, signerFlags{}, []string{policyKey}, func(ctx context.Context, r look.Reader, _ policyInForce) (err error) {
		found, err = r.Check(ctx, target, o)
		return err
	})
	return found, err
}
