package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/pipelines/results"
)

func profileCommand() *cobra.Command {
	var h form.Hosted
	c := &cobra.Command{
		Use:   "profile [APP]",
		Short: "Print how others run an app's newest container as safely as Bakelite does",
		Long: `Prints the run profile of an app in the form that --for names: what the service
may write to, its limits, system calls, ports, health check and end, for the
image of the newest build, by digest.

  docker, podman   a command; compose, quadlet, kubernetes: a file
  ecs              a task definition, for tasks on EC2; it names no filter
  seccomp          the filter of system calls, which these name
  runc             an OCI runtime spec, for a root filesystem in ./rootfs
  systemd          the units that the disk has`,
		Example: "  bakelite profile --for docker examples/web\n  bakelite profile --for kubernetes --image registry.example.com/web examples/web | kubectl apply -f -",
		Args:    checked(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, paths []string) error {
			if err := h.Check(); err != nil {
				return err
			}
			a, err := oneApp(paths)
			if err != nil {
				return err
			}
			text, err := hostedProfile(c, a, h)
			if err == nil {
				_, err = fmt.Fprint(c.OutOrStdout(), text)
			}
			return err
		},
	}
	c.Flags().StringVar(&h.Engine, "for", "", "the form: "+strings.Join(form.Forms(), ", "))
	c.Flags().StringVar(&h.Image, "image", "", "where the image is published, without tag or digest (default: below the setting registry)")
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(form.Forms(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func hostedProfile(c *cobra.Command, a app.App, h form.Hosted) (string, error) {
	s, err := load(c)
	if err != nil {
		return "", err
	}
	made, err := lastMade(s.Output, a, artifact.Container, []string{"layout"})
	if err != nil {
		return "", err
	}
	receipt, err := results.Folder{Path: s.Output}.Receipt(a.Name)
	if err != nil {
		return "", err
	}
	h.Profile, h.App = profile.Of(a), nameOf(a)
	if h.Release, err = profile.ReleaseOf(a, receipt.LockDigest); err != nil {
		return "", err
	}
	if h.ID, err = userOf(made); err != nil {
		return "", err
	}
	if h.Image == "" && s.Registry != "" {
		h.Image = strings.TrimSuffix(s.Registry, "/") + "/" + a.Name
	}
	if h.Image == "" {
		h.Image = a.Name
		fmt.Fprintf(c.ErrOrStderr(), "note: no registry is set, so the image is called %s; name it with --image\n", a.Name)
	}
	h.Image += "@" + made.Digest
	return h.Write()
}

// userOf reads the service's user from an image, which names it by number.
func userOf(made artifact.Artifact) (profile.Identity, error) {
	var id profile.Identity
	img, err := oci.Image(made.Path, made.Digest)
	if err != nil {
		return id, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return id, fault.As(fault.Integrity, fmt.Errorf("reading the config of %s: %w", made.Path, err))
	}
	if n, _ := fmt.Sscanf(config.Config.User, "%d:%d", &id.UID, &id.GID); n == 0 || id.UID == 0 {
		return id, fault.New(fault.Integrity, "%s: the image names the user %q, not one by number", made.Path, config.Config.User)
	} else if n == 1 { // it has more groups, of which none counts here
		id.GID = id.UID
	}
	return id, nil
}
