package main

import (
	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/fault"
)

// completeApps makes the shell complete the arguments of commands that take
// app files: folders and YAML files.
func completeApps(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		}
	}
	return commands
}

// completeFiles makes the shell complete files and folders: disks, layouts,
// SBOMs.
func completeFiles(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	return commands
}

// checked classifies what a check of the number of arguments refuses.
func checked(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		return fault.Hint(fault.As(fault.Invalid, check(c, args)), "run: %s --help", c.CommandPath())
	}
}
