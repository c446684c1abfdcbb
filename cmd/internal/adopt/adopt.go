// Package adopt reads what people have, so that an app file is drafted of it: a
// Dockerfile, a compose.yaml, or an image. Commands may import it.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/draft"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/internal/strict"
)

// Order says what an app file is drafted from.
type Order struct {
	// From is a Dockerfile, a compose.yaml, a folder with one of them, or a
	// reference to an image.
	From string
	// Service is the one of a compose.yaml, "" for the only one.
	Service string
	// Dir is the app's folder, "" for that of the Dockerfile.
	Dir string
	// Name returns the app's name, given what else it could be called.
	Name func(dir, otherwise string) (string, error)
	// Registry says how registries are reached.
	Registry registry.Options
}

// Adopted is a draft, and the folder that its app file belongs into.
type Adopted struct {
	draft.Draft
	Dir string
}

// Adopt drafts an app file. What is drafted is valid, and the files that it
// names are there.
func (o Order) Adopt(ctx context.Context) (Adopted, error) {
	source, dir, err := o.source(ctx)
	if err != nil {
		return Adopted{}, err
	}
	d := draft.Of(source)
	d.App.Dir, d.App.Path = dir, filepath.Join(dir, app.FileName)
	problems := app.Validate(d.App)
	if d.App.Base.Dockerfile != "" { // what else it names is where it was read
		problems = append(problems, app.CheckFiles(d.App)...)
	}
	if len(problems) > 0 {
		return Adopted{}, fault.As(fault.Invalid, fmt.Errorf("drafting from %s: %w", o.From, problems))
	}
	return Adopted{Draft: d, Dir: dir}, nil
}

func (o Order) source(ctx context.Context) (draft.Source, string, error) {
	file, err := o.file()
	switch {
	case err != nil:
		return draft.Source{}, "", err
	case file == "":
		return o.image(ctx)
	case isCompose(file):
		return o.compose(file)
	}
	return o.dockerfile(file, "", nil)
}

// composeNames are the files that Compose looks for, in its order.
func composeNames() []string {
	return []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
}

func isCompose(file string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(file))
}

// file is the file that is meant, "" for an image.
func (o Order) file() (string, error) {
	info, err := os.Stat(o.From)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(o.From, "/") && !strings.HasPrefix(o.From, "."):
		return "", nil
	case err != nil:
		return "", fault.New(fault.Missing, "--from: %w", err)
	case !info.IsDir() && slices.Contains([]string{".hcl", ".json"}, filepath.Ext(o.From)):
		return "", fault.Hint(fault.New(fault.Invalid, "--from %s: templates of Packer are not read", o.From), "see docs/packer.md for a disk as one of Packer's sources")
	case !info.IsDir():
		return o.From, nil
	}
	names := append([]string{"Dockerfile", "Containerfile"}, composeNames()...)
	if o.Service != "" {
		names = composeNames()
	}
	for _, name := range names {
		if file := filepath.Join(o.From, name); exists(file) {
			return file, nil
		}
	}
	return "", fault.New(fault.Missing, "--from %s: there is none of %s", o.From, strings.Join(names, ", "))
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// dockerfile is a draft from a Dockerfile, on its folder's own or another
// context.
func (o Order) dockerfile(file, context string, c *draft.Compose) (draft.Source, string, error) {
	dir := o.Dir
	if dir == "" {
		dir = filepath.Dir(file)
		if context != "" {
			dir = context
		}
	}
	base, err := filepath.Rel(dir, file)
	if err != nil || !filepath.IsLocal(base) {
		return draft.Source{}, "", fault.Hint(fault.New(fault.Invalid, "%s lies outside of %s, whose files alone an app has", file, dir), "leave DIR out, or name the Dockerfile's folder")
	}
	name, err := o.Name(dir, "app")
	if err != nil {
		return draft.Source{}, "", err
	}
	s := draft.Source{Name: name, Base: app.Base{Debian: draft.Suite, Dockerfile: filepath.ToSlash(base)}, Compose: c}
	target := ""
	if c != nil {
		target = c.Build.Target
	}
	if s.Settings, err = read(dir, base, func(f *os.File) (dockerfile.Settings, error) { return dockerfile.Read(f, file, target) }); err != nil {
		return s, "", err
	}
	packages, err := read(dir, base, func(f *os.File) (dockerfile.Packages, error) {
		return dockerfile.Asked(f, file, dockerfile.Names(draft.Suite))
	})
	s.Packages = packages.Image
	return s, dir, err
}

// read reads a file below a folder, which no link leads out of.
func read[T any](dir, name string, how func(f *os.File) (T, error)) (value T, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return value, fault.New(fault.Missing, "--from: %w", err)
	}
	defer root.Close()
	f, err := regular.OpenIn(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return value, fault.New(fault.Missing, "--from: there is no %s in %s", name, dir)
	}
	if err != nil {
		return value, fault.New(fault.Invalid, "--from: reading %s in %s: %w", name, dir, err)
	}
	defer f.Close()
	return how(f)
}

// compose is a draft from a service of a compose.yaml: of its Dockerfile, or on
// its image.
func (o Order) compose(file string) (draft.Source, string, error) {
	data, err := regular.ReadNamed(file, strict.MaxBytes, nil)
	if err != nil {
		return draft.Source{}, "", err
	}
	c, err := draft.ReadCompose(file, data, o.Service)
	if err != nil {
		return draft.Source{}, "", err
	}
	if c.Build != nil {
		if err := o.inside(filepath.Dir(file), c); err != nil {
			return draft.Source{}, "", err
		}
		context := filepath.Join(filepath.Dir(file), filepath.FromSlash(c.Build.Context))
		return o.dockerfile(filepath.Join(context, filepath.FromSlash(c.Build.Dockerfile)), context, c)
	}
	dir := o.Dir
	if dir == "" {
		dir = filepath.Dir(file)
	}
	name, err := o.Name(dir, c.Service)
	return draft.Source{Name: name, Base: app.Base{Image: c.Image.Text}, Compose: c}, dir, err
}

// inside refuses a build context outside of the compose.yaml's folder, where
// nobody but that file says that an app file belongs there.
func (o Order) inside(folder string, c *draft.Compose) error {
	if o.Dir != "" {
		return nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fault.New(fault.Missing, "--from: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat(filepath.FromSlash(c.Build.Context)); err != nil {
		return fault.Hint(fault.New(fault.Invalid, "%s: looking at the build context of %s in %s: %w", c.File, c.Service, folder, err), "where it lies elsewhere, name it: bakelite init --from %s DIR", shell.Quote(c.File))
	}
	return nil
}

// image is a draft on an image, by its configuration.
func (o Order) image(ctx context.Context) (draft.Source, string, error) {
	dir := o.Dir
	if dir == "" {
		dir = "."
	}
	config, err := configuration(ctx, o.From, o.Registry)
	if err != nil {
		return draft.Source{}, "", err
	}
	settings, err := draft.Image(o.From, config)
	if err != nil {
		return draft.Source{}, "", err
	}
	last, _, _ := strings.Cut(path.Base(o.From), ":")
	last, _, _ = strings.Cut(last, "@")
	name, err := o.Name(dir, last)
	return draft.Source{Name: name, Base: app.Base{Image: o.From}, Settings: settings}, dir, err
}
