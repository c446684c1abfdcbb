package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/protocol"
)

// descriptor is the part of an OCI descriptor that matters here.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	Config descriptor   `json:"config"`
	Layers []descriptor `json:"layers"`
}

type config struct {
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

// OpenImage opens the image with the given manifest digest in an OCI layout
// folder.
func OpenImage(dir, digest string, limits protocol.Limits) (Artifact, error) {
	limits = limits.Filled()
	text, err := document(dir, digest, limits.DocumentBytes)
	if err != nil {
		return Artifact{}, fmt.Errorf("reading manifest: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Artifact{}, fault.As(fault.Integrity, fmt.Errorf("reading manifest: %w", err))
	}
	settings, err := document(dir, m.Config.Digest, limits.DocumentBytes)
	if err != nil {
		return Artifact{}, fmt.Errorf("reading configuration: %w", err)
	}
	var c config
	if err := json.Unmarshal(settings, &c); err != nil {
		return Artifact{}, fault.As(fault.Integrity, fmt.Errorf("reading configuration: %w", err))
	}
	trees, all, err := layers(dir, m, c, limits)
	if err != nil {
		return Artifact{}, err
	}
	return Artifact{Kind: Container, Subject: digest, ImageID: m.Config.Digest, Config: settings, Trees: trees, whole: union(all, limits)}, nil
}

func layers(dir string, m manifest, c config, limits protocol.Limits) ([]Tree, []layer, error) {
	ids := c.RootFS.DiffIDs
	if len(m.Layers) == 0 || len(m.Layers) != len(ids) || len(ids) > limits.Layers {
		return nil, nil, fault.New(fault.Integrity, "the manifest has %d layers and the configuration %d: want as many, from 1 to %d", len(m.Layers), len(ids), limits.Layers)
	}
	created := createdBy(c)
	trees, all := make([]Tree, len(ids)), make([]layer, len(ids))
	for i, d := range m.Layers {
		if _, err := hexOf(ids[i]); err != nil {
			return nil, nil, err
		}
		l := layer{dir: dir, blob: d, diffID: ids[i], limits: limits}
		all[i] = l
		trees[i] = Tree{Digest: d.Digest, DiffID: ids[i], Verify: l.verify, Walk: l.walk}
		if len(created) == len(ids) {
			trees[i].CreatedBy = created[i]
		}
	}
	return trees, all, nil
}

// createdBy returns the lines of the history that made a layer.
func createdBy(c config) []string {
	var lines []string
	for _, h := range c.History {
		if !h.EmptyLayer {
			line := strings.TrimPrefix(h.CreatedBy, "/bin/sh -c ")
			lines = append(lines, strings.TrimPrefix(line, "#(nop) "))
		}
	}
	return lines
}

// document reads a small blob and compares it with its digest.
func document(dir, digest string, max int64) ([]byte, error) {
	f, err := openBlob(dir, digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := limit.ReadAll(f, max, digest)
	if err != nil {
		return nil, fault.As(fault.Integrity, err)
	}
	sum := sha256.Sum256(text)
	if want, _ := hexOf(digest); !bytes.Equal(sum[:], want) {
		return nil, mismatch(digest, sum[:])
	}
	return text, nil
}

func openBlob(dir, digest string) (*os.File, error) {
	sum, err := hexOf(digest)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "blobs", "sha256", hex.EncodeToString(sum))
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fault.New(fault.Integrity, "the layout has no blob %s: %w", digest, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Integrity, "the blob %s is not a regular file", digest)
	}
	f, err := regular.Open(path)
	if err != nil {
		return nil, fault.As(fault.Missing, err)
	}
	return f, nil
}

// hexOf returns the bytes of a SHA-256 digest, the only kind taken.
func hexOf(digest string) ([]byte, error) {
	text, ok := strings.CutPrefix(digest, "sha256:")
	sum, err := hex.DecodeString(text)
	if !ok || err != nil || len(sum) != sha256.Size {
		return nil, fault.New(fault.Integrity, "%.100q is not a SHA-256 digest", digest)
	}
	return sum, nil
}

func mismatch(digest string, got []byte) error {
	err := fault.New(fault.Integrity, "the content of %s has the digest sha256:%x", digest, got)
	return fault.Hint(err, "the artifact was damaged or changed after it was made: build it again")
}

// sumOf reads r to its end and compares it with digest.
func sumOf(ctx context.Context, r io.Reader, digest string) error {
	want, err := hexOf(digest)
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, r}); err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("reading %s: %w", digest, err))
	}
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return mismatch(digest, got)
	}
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
