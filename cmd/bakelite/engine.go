package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/builders/engine"
)

func engineCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "engine", Short: "Look after Bakelite's own build engine",
		Long: `Bakelite starts an engine of its own where no BuildKit runs, keeps it for the
next command and ends it after engine.idle without one.`,
	}
	c.AddCommand(engineServe(), engineConfine(), engineStop(), enginePrune())
	return c
}

func engineServe() *cobra.Command {
	var o engine.ServeOptions
	c := &cobra.Command{
		Use: "serve", Hidden: true, Short: "Run the engine in the foreground", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return engine.Serve(c.Context(), o) },
	}
	c.Flags().StringVar(&o.State, "folder", "", "the engine's state folder")
	c.Flags().DurationVar(&o.Idle, "for", 10*time.Minute, "how long to wait for a connection")
	c.Flags().BoolVar(&o.Rootless, "rootless", false, "run as root of a user namespace only")
	return c
}

func engineConfine() *cobra.Command {
	return &cobra.Command{
		Use: "confine -- PROGRAM [ARGUMENT...]", Hidden: true, Short: "Run a program as the child of a namespace's first process",
		RunE: func(_ *cobra.Command, argv []string) error {
			code, err := engine.Confine(argv)
			if err == nil {
				os.Exit(code)
			}
			return err
		},
	}
}

func engineStop() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the engine", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			stopped, err := engine.Stop(c.Context(), s.State)
			if err == nil && !stopped {
				fmt.Fprintln(os.Stderr, "no engine of Bakelite's own runs")
			}
			return err
		},
	}
}

func enginePrune() *cobra.Command {
	return &cobra.Command{
		Use: "prune", Short: "Remove the engine's build cache", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			e, err := engine.Open(c.Context(), engineOptions(s))
			if err != nil {
				return err
			}
			defer e.Close()
			freed, err := e.Prune(c.Context())
			if err == nil {
				fmt.Printf("freed %d MiB\n", freed>>20)
			}
			return err
		},
	}
}
