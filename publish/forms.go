package publish

import (
	"archive/tar"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// chunk is how much of a disk is packed at a time, in bytes.
const chunk = 1 << 20

// zstdForm is one zstd frame. The level is fixed, since other bytes would be
// another digest: what is worth compressing in a disk was compressed when it
// was made, the rest are zeros.
type zstdForm struct{}

func (zstdForm) Name() string { return "zstd-1" }

func (zstdForm) Pack(w, _ io.Writer, r io.Reader, _ int64) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithWindowSize(1<<22))
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{z}, struct{ io.Reader }{r}, make([]byte, chunk)); err != nil {
		_ = z.Close()
		return err
	}
	return z.Close()
}

// containerDiskForm is a gzipped tar stream of one file in /disk that belongs
// to qemu's user, as KubeVirt reads it.
type containerDiskForm struct{ name string }

// qemuUser is the user and group of KubeVirt's virt-launcher, by its
// documentation of containerDisk volumes.
const qemuUser = 107

func (f containerDiskForm) Name() string { return "containerdisk-1." + f.name }

func (f containerDiskForm) Pack(w, inner io.Writer, r io.Reader, size int64) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(io.MultiWriter(z, inner))
	headers := []tar.Header{
		{Name: "disk/", Typeflag: tar.TypeDir, Mode: 0o555, Uid: qemuUser, Gid: qemuUser, Format: tar.FormatPAX},
		{Name: "disk/" + f.name, Typeflag: tar.TypeReg, Mode: 0o440, Uid: qemuUser, Gid: qemuUser, Size: size, Format: tar.FormatPAX},
	}
	for i := range headers {
		if err := t.WriteHeader(&headers[i]); err != nil {
			return err
		}
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{t}, struct{ io.Reader }{r}, make([]byte, chunk)); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

// Ends of the names of repositories, behind the app's.
const (
	DiskSuffix          = "-disk"
	ContainerDiskSuffix = "-containerdisk"
)
