package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/regular"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/oci"
)

const (
	// layersLimit is the largest number of layers (Docker's own is 127).
	layersLimit = 127
	// treePrefix begins the names of unpacked images.
	treePrefix = "unpacked-"
)

// image is an image whose manifest and config have been checked against the
// digest; its layers are checked while they are unpacked.
type image struct {
	v1.Image
	config *v1.ConfigFile
	digest v1.Hash
}

func openImage(folder, digest string) (image, error) {
	want, err := v1.NewHash(digest)
	if err != nil || want.Algorithm != "sha256" {
		return image{}, fault.New(fault.Invalid, "%q is not a sha256 digest", digest)
	}
	img, err := oci.Image(folder, digest)
	if err != nil {
		return image{}, err
	}
	raw, err := img.RawManifest()
	if err := same(raw, want, "manifest", err); err != nil {
		return image{}, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return image{}, fault.As(fault.Integrity, fmt.Errorf("reading the manifest: %w", err))
	}
	raw, err = img.RawConfigFile()
	if err := same(raw, manifest.Config.Digest, "config", err); err != nil {
		return image{}, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return image{}, fault.As(fault.Integrity, fmt.Errorf("reading the config: %w", err))
	}
	return image{img, config, want}, nil
}

func same(data []byte, want v1.Hash, what string, err error) error {
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("reading the %s: %w", what, err))
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want.Hex {
		return fault.New(fault.Integrity, "the %s does not match the digest %s", what, want)
	}
	return nil
}

// unpack returns the folder of the image's root filesystem below trees, which
// stays until done is called. It is made anew each time: a tree that was kept
// would have to be believed, and runc changes it.
func (i image) unpack(ctx context.Context, trees string) (folder string, done func(), err error) {
	if err := os.MkdirAll(trees, 0o711); err != nil {
		return "", nil, fmt.Errorf("making folder for the image: %w", err)
	}
	cache.Trim(trees, 0, treePrefix) // what older versions kept
	own, err := cache.New(trees, treePrefix)
	if err != nil {
		return "", nil, err
	}
	if err = i.unpackInto(ctx, own.Path); err == nil {
		err = os.Chmod(own.Path, 0o755)
	}
	if err != nil {
		_ = own.Close()
		return "", nil, err
	}
	return own.Path, func() { _ = own.Close() }, nil
}

func (i image) unpackInto(ctx context.Context, folder string) error {
	layers, err := i.Layers()
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("reading the layers: %w", err))
	}
	if len(layers) > layersLimit || len(layers) != len(i.config.RootFS.DiffIDs) {
		return fault.New(fault.Integrity, "the image has %d layers and %d digests of them; %d are allowed",
			len(layers), len(i.config.RootFS.DiffIDs), layersLimit)
	}
	u, err := newUnpacker(folder)
	if err != nil {
		return err
	}
	defer u.Close()
	for n, layer := range layers {
		if err := u.layer(ctx, layer, i.config.RootFS.DiffIDs[n]); err != nil {
			return fault.As(fault.Integrity, fmt.Errorf("unpacking layer %d: %w", n+1, err))
		}
	}
	return nil
}

// layer unpacks one layer and compares all its bytes with its digest.
func (u *unpacker) layer(ctx context.Context, layer v1.Layer, want v1.Hash) error {
	in, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	r := io.TeeReader(cancel.Reader(ctx, u.bounded(in)), sum)
	if err := u.apply(r); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return sameSum(sum, want)
}

func sameSum(sum hash.Hash, want v1.Hash) error {
	if got := hex.EncodeToString(sum.Sum(nil)); want.Algorithm != "sha256" || got != want.Hex {
		return fault.New(fault.Integrity, "the layer's content is sha256:%s, the config wants %s", got, want)
	}
	return nil
}

// accountsLimit bounds the image's passwd and group files.
const accountsLimit = 1 << 20

// identify looks the user up in the image's own passwd and group.
func identify(rootfs, name string) (profile.Identity, error) {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return profile.Identity{}, fmt.Errorf("opening the root filesystem: %w", err)
	}
	defer root.Close()
	passwd, err := accounts(root, "etc/passwd")
	if err != nil {
		return profile.Identity{}, err
	}
	group, err := accounts(root, "etc/group")
	if err != nil {
		return profile.Identity{}, err
	}
	return profile.Identify(name, passwd, group)
}

// accounts reads a file that an image may lack.
func accounts(root *os.Root, name string) (io.Reader, error) {
	data, err := regular.ReadFileIn(root, name, accountsLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return strings.NewReader(""), nil
	}
	if err != nil {
		return nil, fault.As(fault.Build, fmt.Errorf("reading the image's %s: %w", name, err))
	}
	return strings.NewReader(string(data)), nil
}
