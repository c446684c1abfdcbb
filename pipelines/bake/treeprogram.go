package bake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/vouch"
)

// keptPrograms is how many versions of bakelite-tree stay.
const keptPrograms = 4

// programLayout makes the OCI layout of bakelite-tree, where none that this
// state folder's key vouches for is there yet, and returns its folder and the
// image's digest. The folder is named by the program's bytes, and the engine
// compares what it reads with the digest.
func (b Baker) programLayout(ctx context.Context) (dir, digest string, err error) {
	program, err := b.TreeProgram()
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(b.State, "programs", strings.TrimPrefix(digests.Of(program), "sha256:")[:32])
	done, err := b.Folder.Vouch.Use(ctx, vouch.Tree, filepath.Base(dir), dir)
	if err == nil {
		done() // it is among the newest now, and those stay
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = b.makeProgram(ctx, program, dir)
	}
	if err != nil {
		return "", "", fmt.Errorf("keeping bakelite-tree: %w", err)
	}
	digest, err = oci.Only(dir)
	return dir, digest, err
}

func (b Baker) makeProgram(ctx context.Context, program []byte, dir string) error {
	beside, err := cache.New(filepath.Dir(dir), "work-")
	if err != nil {
		return err
	}
	defer beside.Close()
	layer, err := programLayer(program)
	if err != nil {
		return err
	}
	digest, err := oci.WriteImage(beside.Path, b.Platform, io.NopCloser(bytes.NewReader(layer)))
	if err == nil {
		err = oci.Name(beside.Path, rootfs.ProgramName, digest, b.Platform)
	}
	if err == nil {
		err = b.Folder.Vouch.NoteTree(ctx, vouch.Tree, filepath.Base(dir), beside.Path)
	}
	if err == nil {
		err = beside.Rename(dir)
	}
	cache.Trim(filepath.Dir(dir), keptPrograms, "work-")
	return err
}

// programLayer is a layer with the program, the same bytes for the same one.
func programLayer(program []byte) ([]byte, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	head := &tar.Header{Name: rootfs.ProgramName, Mode: 0o755, Size: int64(len(program)), ModTime: time.Unix(rootfs.MadeAt, 0), Typeflag: tar.TypeReg}
	if err := w.WriteHeader(head); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	return layer.Bytes(), w.Close()
}
