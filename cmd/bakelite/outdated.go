package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/pipelines/fleet"
)

func outdatedCommand() *cobra.Command {
	var o fleet.Options
	c := &cobra.Command{
		Use:   "outdated [APP...]",
		Short: "Say what changed beneath apps since they were locked",
		Long: `Compares each app's lock with the archives, base images and database of
vulnerabilities as they are now. Nothing is built, unpacked or changed.`,
		RunE: func(c *cobra.Command, paths []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			apps, err := loadApps(paths)
			if err != nil {
				return err
			}
			k, err := newKitchen(s, os.Stderr)
			if err != nil {
				return err
			}
			f := fleetOf(k, s)
			all, err := f.Outdated(c.Context(), apps, o)
			if err != nil {
				return err
			}
			for _, one := range all {
				if err := printStanding(os.Stdout, one); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&o.Published, "published", false, "compare the lock of what is published, as its signer attested it")
	c.Flags().BoolVar(&o.WithoutAdvisories, "without-advisories", false, "ask for no known vulnerabilities")
	return c
}
