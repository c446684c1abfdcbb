package vm

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/imagefile"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/sparse"
)

// maxVar is the most that the file system of /var may have before the machine
// grows it, in bytes.
const maxVar = 8 << 30

// maxText bounds the small text parts: root hash, version, os-release, stub.
const maxText = 4 << 20

// assemble puts the disk together and writes it in every format.
func (o Order) assemble(ctx context.Context, dirs map[string]string) ([]artifact.Artifact, error) {
	files := &openFiles{}
	defer files.close()
	image, err := o.layOut(dirs, files)
	if err != nil {
		return nil, err
	}
	made := make([]artifact.Artifact, len(o.Graph.App.VM.Formats))
	group, ctx := errgroup.WithContext(ctx)
	for i, name := range o.Graph.App.VM.Formats {
		group.Go(func() error {
			return o.Session.Progress.Do(ctx, "[disk] write "+name, func(ctx context.Context, _ io.Writer) (_ bool, err error) {
				made[i], err = o.write(ctx, name, image)
				return false, err
			})
		})
	}
	return made, group.Wait()
}

func (o Order) layOut(dirs map[string]string, files *openFiles) (disk.Image, error) {
	g := o.Graph
	_, arch, _ := strings.Cut(g.Lock.Platform, "/")
	types, err := gpt.TypesOf(arch)
	if err != nil {
		return disk.Image{}, err
	}
	m := newMachine(g.App)
	usr, err := readVerity(files, dirs["usr"], "usr", types.Usr, types.UsrVerity)
	if err != nil {
		return disk.Image{}, err
	}
	root, err := readVerity(files, dirs["root"], "root", types.Root, types.RootVerity)
	if err != nil {
		return disk.Image{}, err
	}
	esp, err := o.esp(dirs["kernel"], files, types, root.hash, usr.hash)
	if err != nil {
		return disk.Image{}, err
	}
	varFS, err := files.add(filepath.Join(dirs["var"], "var"))
	if err != nil {
		return disk.Image{}, err
	}
	d := gpt.Disk{
		Size: int64(g.App.VM.Size), ID: disk.NameGUID(namespace, "disk "+root.hash+usr.hash),
		Partitions: append(append([]gpt.Partition{{
			Label: "esp", Type: types.ESP, ID: disk.NameGUID(namespace, "esp "+root.hash+usr.hash), Content: esp, Attributes: gpt.NoAuto,
		}}, append(usr.partitions, root.partitions...)...), gpt.Partition{
			Label: "var", Type: types.Var, ID: m.VarID, Content: varFS, Rest: true, Attributes: gpt.GrowFS,
		}),
	}
	if least := d.MinSize(); least > d.Size {
		return disk.Image{}, fault.Hint(fault.New(fault.Invalid, "%s: vm.size: the disk needs %d MiB and has %d MiB",
			g.App.Path, least>>20, d.Size>>20), "set vm.size to %dM or more", least>>20+64)
	}
	return gpt.Build(d)
}

// verity is a data partition, its hash partition and their root hash.
type verity struct {
	hash       string
	partitions []gpt.Partition
}

func readVerity(files *openFiles, dir, name string, dataType, hashType disk.GUID) (verity, error) {
	text, err := readText(filepath.Join(dir, "roothash"))
	if err != nil {
		return verity{}, err
	}
	hash := strings.TrimSpace(string(text))
	raw, err := hex.DecodeString(hash)
	if err != nil {
		return verity{}, fmt.Errorf("reading root hash of %s: %w", name, err)
	}
	dataID, hashID, err := disk.VerityIDs(raw)
	if err != nil {
		return verity{}, err
	}
	data, err := files.add(filepath.Join(dir, "data"))
	if err != nil {
		return verity{}, err
	}
	tree, err := files.add(filepath.Join(dir, "hash"))
	if err != nil {
		return verity{}, err
	}
	return verity{hash: hash, partitions: []gpt.Partition{
		{Label: name, Type: dataType, ID: dataID, Content: data, Attributes: gpt.ReadOnly},
		{Label: name + "-verity", Type: hashType, ID: hashID, Content: tree, Attributes: gpt.ReadOnly},
	}}, nil
}

func (o Order) esp(dir string, files *openFiles, types gpt.Types, root, usr string) (disk.Image, error) {
	text := map[string][]byte{}
	for _, name := range []string{"version", "os-release", "stub"} {
		content, err := readText(filepath.Join(dir, name))
		if err != nil {
			return disk.Image{}, err
		}
		text[name] = content
	}
	linux, err := files.add(filepath.Join(dir, "linux"))
	if err != nil {
		return disk.Image{}, err
	}
	initrd, err := files.add(filepath.Join(dir, "initrd"))
	if err != nil {
		return disk.Image{}, err
	}
	program, err := uki.Build(uki.Parts{
		Stub: text["stub"], OSRelease: string(text["os-release"]), Uname: string(text["version"]),
		Cmdline: strings.Join(append(o.cmdline(), "roothash="+root, "usrhash="+usr), " "),
		Linux:   linux, Initrd: initrd,
	})
	if err != nil {
		return disk.Image{}, err
	}
	boot, err := bootFiles(types.BootPath, program, o.SecureBoot)
	if err != nil {
		return disk.Image{}, err
	}
	return fat.Build(boot, fat.Options{VolumeID: rootfs.MadeAt, Epoch: time.Unix(rootfs.MadeAt, 0).UTC()})
}

// unpackVar unpacks the file system of /var, most of which is holes, beside
// its packed form.
func unpackVar(dir string) error {
	if err := unpackSparse(filepath.Join(dir, "var"), maxVar); err != nil {
		return fmt.Errorf("unpacking file system of /var: %w", err)
	}
	return nil
}

// unpackSparse unpacks path.zst to path, which may have max bytes.
func unpackSparse(path string, max int64) error {
	packed, err := regular.Open(path + ".zst")
	if err != nil {
		return err
	}
	defer packed.Close()
	reader, err := zstd.NewReader(packed)
	if err != nil {
		return err
	}
	defer reader.Close()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = sparse.Copy(out, limit.Reader(reader, max, path))
	return err
}

// write makes one disk file beside its name and moves the name last.
func (o Order) write(ctx context.Context, name string, image disk.Image) (artifact.Artifact, error) {
	g := o.Graph
	f, err := format.Lookup(name)
	if err != nil {
		return artifact.Artifact{}, err
	}
	path := filepath.Join(o.Output, g.App.Name+f.Extension)
	out, err := os.CreateTemp(o.Output, "."+g.App.Name+"-*.partial")
	if err != nil {
		return artifact.Artifact{}, fmt.Errorf("making disk file: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	written, err := imagefile.Write(ctx, out, f, image, imagefile.Meta{
		ID: disk.NameGUID(namespace, "file of "+g.App.Name), Epoch: time.Unix(rootfs.MadeAt, 0).UTC(),
	})
	if err != nil {
		return artifact.Artifact{}, fmt.Errorf("writing disk as %s: %w", name, err)
	}
	if err := out.Chmod(0o644); err != nil {
		return artifact.Artifact{}, fmt.Errorf("writing disk as %s: %w", name, err)
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return artifact.Artifact{}, fmt.Errorf("naming disk: %w", err)
	}
	return artifact.Artifact{
		Kind: artifact.Disk, Format: name, Path: path, Digest: written.Digest, Size: written.Size, Platform: g.Lock.Platform,
	}, nil
}

// openFiles are files that stay open while a disk reads from them.
type openFiles struct{ files []*os.File }

func (o *openFiles) add(path string) (disk.Content, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening part of the disk: %w", err)
	}
	o.files = append(o.files, f)
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening part of the disk: %w", err)
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}

func (o *openFiles) close() {
	for _, f := range o.files {
		_ = f.Close()
	}
}

func readText(path string) ([]byte, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening part of the disk: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxText, path)
	if err != nil {
		return nil, fmt.Errorf("reading part of the disk: %w", err)
	}
	return text, nil
}
