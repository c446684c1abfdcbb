package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bakelite/bakelite/internal/disk/ext4"
	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/squashfs"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/tree"
)

// OpenDisk opens a disk file that Bakelite made, raw or QCOW2, as one tree:
// /usr and /var from the partitions of these types, the rest from root. The
// file's bytes are compared with digest unless that is "".
func OpenDisk(ctx context.Context, path, digest string, limits protocol.Limits) (Artifact, error) {
	file, err := regular.Open(path)
	if err != nil {
		return Artifact{}, fault.As(fault.Missing, fmt.Errorf("opening disk: %w", err))
	}
	a, err := openDisk(ctx, file, digest, limits.Filled())
	if err != nil {
		return Artifact{}, errors.Join(fmt.Errorf("opening disk: %w", classify(err)), file.Close())
	}
	return a, nil
}

func openDisk(ctx context.Context, file *os.File, digest string, limits protocol.Limits) (Artifact, error) {
	if digest != "" {
		if err := sumOf(ctx, file, digest); err != nil {
			return Artifact{}, err
		}
	}
	r, size, err := rawDisk(file)
	if err != nil {
		return Artifact{}, err
	}
	all, err := partitions(r, size)
	if err != nil {
		return Artifact{}, err
	}
	mounts, err := choose(all)
	if err != nil {
		return Artifact{}, err
	}
	parts, err := openAll(r, mounts)
	if err != nil {
		return Artifact{}, err
	}
	walk := func(ctx context.Context, visit Visit) (Removed, error) {
		return walkParts(ctx, parts, nil, limits, visit)
	}
	return Artifact{
		Kind: Disk, Subject: digest, Trees: []Tree{{Verify: verified, Walk: walk}}, close: file.Close,
		whole:   func(context.Context, Keep) (tree.Tree, error) { return mounted(parts), nil },
		cmdline: func() (string, error) { return cmdline(r, all) },
	}, nil
}

// rawDisk returns the disk's own bytes.
func rawDisk(file *os.File) (io.ReaderAt, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	magic := make([]byte, len(qcow2Magic))
	if _, err := file.ReadAt(magic, 0); err != nil {
		return nil, 0, err
	}
	if string(magic) != qcow2Magic {
		return file, info.Size(), nil
	}
	q, err := openQCOW2(file)
	if err != nil {
		return nil, 0, err
	}
	return q, q.size, nil
}

// openAll opens the partitions that make up the system.
func openAll(r io.ReaderAt, mounts []mount) ([]part, error) {
	var parts []part
	for _, m := range mounts {
		fsys, err := m.open(io.NewSectionReader(r, m.offset, m.bytes))
		if err != nil {
			return nil, fmt.Errorf("opening /%s: %w", strings.TrimPrefix(m.at, "."), fault.As(fault.Integrity, err))
		}
		parts = append(parts, part{m.at, fsys})
	}
	return parts, nil
}

// mount is a partition, where it belongs, and how it is read.
type mount struct {
	partition
	at   string
	open func(*io.SectionReader) (fs.FS, error)
}

func choose(all []partition) ([]mount, error) {
	for _, arch := range []string{"amd64", "arm64"} {
		types, err := gpt.TypesOf(arch)
		if err != nil {
			return nil, err
		}
		var mounts []mount
		for _, p := range all {
			switch p.kind {
			case types.Root:
				mounts = append(mounts, mount{p, ".", openSquashfs})
			case types.Usr:
				mounts = append(mounts, mount{p, "usr", openSquashfs})
			case types.Var:
				mounts = append(mounts, mount{p, "var", openExt4})
			}
		}
		if err := once(mounts); err != nil || len(mounts) > 0 {
			return mounts, err
		}
	}
	return nil, fault.New(fault.Integrity, "the disk has no root partition")
}

func once(mounts []mount) error {
	seen := map[string]bool{}
	for _, m := range mounts {
		if seen[m.at] {
			return fault.New(fault.Integrity, "the disk has two partitions for /%s", m.at)
		}
		seen[m.at] = true
	}
	if len(mounts) > 0 && !seen["."] {
		return fault.New(fault.Integrity, "the disk has no root partition")
	}
	return nil
}

func openSquashfs(r *io.SectionReader) (fs.FS, error) { return squashfs.Open(r, r.Size()) }

func openExt4(r *io.SectionReader) (fs.FS, error) { return ext4.Open(r, r.Size()) }

// cmdline reads the command line out of the EFI program that firmware starts
// where nothing else is set.
func cmdline(r io.ReaderAt, all []partition) (string, error) {
	for _, p := range all {
		for _, arch := range []string{"amd64", "arm64"} {
			types, err := gpt.TypesOf(arch)
			if err != nil {
				return "", err
			}
			if p.kind != types.ESP {
				continue
			}
			program, err := fat.OpenFile(io.NewSectionReader(r, p.offset, p.bytes), p.bytes, types.BootPath)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return "", fmt.Errorf("reading the EFI partition: %w", err)
			}
			return uki.Cmdline(program)
		}
	}
	return "", fault.New(fault.Integrity, "the disk has no EFI program")
}
