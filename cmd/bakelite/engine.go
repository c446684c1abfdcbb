package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/cmd/internal/compose"
)

func engineCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "engine", Short: "Look after Bakelite's own build engine",
		Long: `Bakelite starts an engine of its own where no BuildKit runs, keeps it for the
next command and ends it after engine.idle without one.`,
	}
	c.AddCommand(engineStop(), enginePrune())
	for _, word := range compose.EngineWords() {
		c.AddCommand(engineHidden(word))
	}
	return c
}

// engineHidden answers the engine's start, which calls this program again.
func engineHidden(word string) *cobra.Command {
	return &cobra.Command{
		Use: word, Hidden: true, Short: "Part of the engine's start", DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			code, err := compose.AnswerEngine(c.Context(), word, args)
			if code != 0 && err == nil {
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
			stopped, err := daemon.Stop(c.Context(), s.State)
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
			e, err := compose.OpenEngine(c.Context(), engineOptions(s))
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
