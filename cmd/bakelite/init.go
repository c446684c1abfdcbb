package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/templates"
)

func initCommand() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a commented app file, or a policy, to start from",
		Long: `Writes an app file with comments, and the files that it names, into a folder
(the working folder by default). It overwrites nothing. The starters: web, a
static site behind nginx; service, a program of your own; minimal, the fewest
keys. With --from it drafts the app file of what is there: a Dockerfile, a service
of a compose.yaml, a folder with one of them, or an image; it takes command, user,
ports, volumes, environment, health, limits and packages, and says what it left
out and why. With --policy it writes a policy in place of an app: what bases are let
in, what may be published, and what is asked of an image before it is run. With
--github it writes a workflow of GitHub Actions that keeps the apps of a
repository current.`,
		Example: "  bakelite init shop\n  bakelite init --starter service --name api services/api\n  bakelite init --from compose.yaml --service api\n  bakelite init --policy team",
		Args:    checked(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			w, err := f.writing(c.Context(), c.ErrOrStderr(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			if err := writeNew(w.dir, w.files); err != nil {
				return err
			}
			for _, file := range w.files {
				fmt.Fprintln(c.OutOrStdout(), filepath.Join(w.dir, filepath.FromSlash(file.name)))
			}
			fmt.Fprintf(c.ErrOrStderr(), "next: edit %s, then run: bakelite %s\n", shellWord(filepath.Join(w.dir, w.edit)), w.next)
			return nil
		},
	}
	c.Flags().StringVar(&f.starter, "starter", "", "what to start from: "+strings.Join(templates.Starters(), ", ")+" (default \"web\")")
	c.Flags().StringVar(&f.name, "name", "", "name of the app (default: the folder's name where it can be one, else the starter's)")
	c.Flags().BoolVar(&f.policy, "policy", false, "write a commented policy.yaml in place of an app file")
	c.Flags().BoolVar(&f.github, "github", false, "write a workflow of GitHub Actions in place of an app file")
	c.Flags().StringVar(&f.drafted.from, "from", "", "draft the app file of a Dockerfile, a compose.yaml, a folder with one of them, or an image")
	c.Flags().StringVar(&f.drafted.service, "service", "", "the service of the compose.yaml (default: the only one)")
	c.MarkFlagsMutuallyExclusive("policy", "github", "from")
	_ = c.RegisterFlagCompletionFunc("service", cobra.NoFileCompletions)
	_ = c.RegisterFlagCompletionFunc("starter", cobra.FixedCompletions(templates.Starters(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("name", cobra.NoFileCompletions)
	return c
}

// initFlags say what is written.
type initFlags struct {
	starter, name  string
	policy, github bool
	drafted        draftFlags
}

// writing is what is written where, and what comes next.
type writing struct {
	dir        string
	files      []newFile
	edit, next string
}

// writing decides what is written into the folder that was given, "" for none;
// what a draft leaves out is said on w.
func (f initFlags) writing(ctx context.Context, w io.Writer, given string) (out writing, err error) {
	if err := f.drafted.check(f.starter); err != nil {
		return out, err
	}
	out = writing{dir: cmp.Or(given, "."), edit: app.FileName}
	switch {
	case f.drafted.from != "":
		out.dir, out.files, err = f.drafted.files(ctx, w, f.name, given)
	case f.policy:
		out.files, err = policyFiles(f.starter, f.name)
		out.edit = policy.FileName
	case f.github:
		out.files, err = workflowFiles(f.starter, f.name)
		out.edit = workflowFile
	default:
		out.files, err = starterFiles(f.starter, f.name, out.dir)
	}
	switch out.edit {
	case policy.FileName:
		out.next = "publish --policy " + shellWord(filepath.Join(out.dir, policy.FileName))
	case workflowFile:
		out.next = "outdated --all"
	default:
		out.next = "build" + argument(out.dir)
	}
	return out, err
}

const defaultStarter = "web"

func argument(dir string) string {
	if dir == "." {
		return ""
	}
	return " " + shellWord(dir)
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// shellWord writes a word as a shell reads it back.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return shell.Quote(word)
}

// newFile is a file to write, by its slashed path below the app's folder.
type newFile struct {
	name string
	data []byte
}

// policyFiles is the commented policy; it is no app and has no name.
func policyFiles(starter, name string) ([]newFile, error) {
	if starter != "" || name != "" {
		return nil, fault.New(fault.Invalid, "--policy writes no app file: leave --starter and --name out")
	}
	return []newFile{{policy.FileName, []byte(templates.Text("policy/policy.yaml"))}}, nil
}

// workflowFile is where GitHub Actions looks for a workflow.
const workflowFile = ".github/workflows/bakelite.yml"

// workflowFiles is the workflow that calls Bakelite's own, by the commit that
// this program was built from where that is known.
func workflowFiles(starter, name string) ([]newFile, error) {
	if starter != "" || name != "" {
		return nil, fault.New(fault.Invalid, "--github writes no app file: leave --starter and --name out")
	}
	text := templates.Text("github/bakelite.yml")
	if commit := compose.Commit(); commit != "" && !strings.HasSuffix(commit, "+") {
		text = strings.ReplaceAll(text, "COMMIT", commit)
	}
	return []newFile{{workflowFile, []byte(text)}}, nil
}

func starterFiles(starter, name, dir string) ([]newFile, error) {
	if starter == "" {
		starter = defaultStarter
	}
	folder, err := templates.Starter(starter)
	if err != nil {
		return nil, fault.Hint(fault.New(fault.Invalid, "--starter: %w", err), "run: bakelite init --help")
	}
	if name, err = appName(name, starter, dir); err != nil {
		return nil, err
	}
	var files []newFile
	err = fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(folder, path)
		if path == app.FileName {
			data = renamed(data, name)
		}
		files = append(files, newFile{path, data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading starter: %w", err)
	}
	return files, nil
}

// appName judges a name that was given, and else takes the folder's where it
// can be a name.
func appName(name, starter, dir string) (string, error) {
	if name != "" {
		if problem := nameProblem(name); problem != "" {
			return "", fault.Hint(fault.New(fault.Invalid, "--name %q: %s", name, problem), "write lower-case letters, digits and hyphens")
		}
		return name, nil
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding folder: %w", err)
	}
	if base := filepath.Base(whole); nameProblem(base) == "" {
		return base, nil
	}
	return starter, nil
}

// nameProblem asks the app file's own rules.
func nameProblem(name string) string {
	for _, p := range app.Validate(app.App{APIVersion: app.APIVersion, Name: name}) {
		if p.Key == "name" {
			return p.Message
		}
	}
	return ""
}

var nameLine = regexp.MustCompile(`(?m)^name: (\S+)( *)`)

// renamed gives an app file another name and keeps a comment after it in its
// column where that is possible.
func renamed(text []byte, name string) []byte {
	at := nameLine.FindSubmatchIndex(text)
	old, gap := at[3]-at[2], at[5]-at[4]
	if gap > 0 {
		gap = max(1, gap+old-len(name))
	}
	line := "name: " + name + strings.Repeat(" ", gap)
	return bytes.Join([][]byte{text[:at[0]], []byte(line), text[at[1]:]}, nil)
}

// writeNew writes all files or, where one of them is there already, none.
func writeNew(dir string, files []newFile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.New(fault.Invalid, "making folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fault.New(fault.Invalid, "opening folder: %w", err)
	}
	defer root.Close()
	var there []string
	for _, f := range files {
		if _, err := root.Lstat(f.name); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, filepath.Join(dir, f.name))
		}
	}
	if len(there) > 0 {
		return fault.Hint(fault.New(fault.Invalid, "nothing was written, because there is already: %s", strings.Join(there, ", ")),
			"name another folder: bakelite init DIR")
	}
	for _, f := range files {
		if err := writeOne(root, f); err != nil {
			return fault.New(fault.Invalid, "writing %s: %w", f.name, err)
		}
	}
	return nil
}

func writeOne(root *os.Root, f newFile) error {
	if err := root.MkdirAll(filepath.Dir(f.name), 0o755); err != nil {
		return err
	}
	out, err := root.OpenFile(f.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	return errors.Join(err, out.Close())
}
