// Package sigstore reaches an instance of Sigstore: its addresses and trusted
// root, by TUF or as given, tokens for it, and certificates by them. It refuses
// addresses on which a token could be read, and shows no token in an error.
package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/bakelite/bakelite/internal/fault"
)

// Services are an instance of Sigstore. The zero value is the public one, whose
// addresses and root come from TUF. Another one is given by its addresses
// (Fulcio, and at least one of Rekor and Timestamp) or by Config, and by Root.
type Services struct {
	// Fulcio is the certificate authority's URL.
	Fulcio string
	// Rekor is the log's URL, and RekorVersion its API: 1, the default, or 2
	// for tiles, which needs Timestamp as well.
	Rekor        string
	RekorVersion uint32
	// Timestamp is the timestamp authority's whole URL.
	Timestamp string
	// Config has all addresses, in the form of Sigstore's SigningConfig
	// (version 0.2), as cosign's --signing-config; no address may be given
	// beside it.
	Config File
	// Root is the instance's trusted root, as JSON. With Config it may be
	// empty: then it is the public one.
	Root File
	// TUF is where the public instance is looked up.
	TUF TUF
}

// The limits of what is read of an instance, in bytes.
const (
	// MaxTrustedRoot bounds a trusted root; the public one has 8 kB.
	MaxTrustedRoot = 1 << 20
	// MaxSigningConfig bounds a signing config; the public one has 3 kB.
	MaxSigningConfig = 1 << 20
)

// File is a file's content, and how errors name it.
type File struct {
	Name string
	Text []byte
}

// Instance is a Sigstore that is ready to sign.
type Instance struct {
	fulcio     string
	logs       []sign.Transparency
	timestamps []*sign.TimestampAuthority
	// Material is what its signatures are verified by.
	Material root.TrustedMaterial
}

func (s Services) addressed() bool {
	return s.Fulcio != "" || s.Rekor != "" || s.Timestamp != "" || s.RekorVersion != 0
}

// Open reads the instance's addresses and root, by TUF where none are given.
func (s Services) Open(ctx context.Context) (Instance, error) {
	configured := len(s.Config.Text) > 0
	if !s.addressed() && !configured && len(s.Root.Text) == 0 {
		return s.TUF.instance(ctx)
	}
	if configured && s.addressed() {
		return Instance{}, fault.New(fault.Invalid, "%s has all addresses of Sigstore, and more are given beside it", s.Config.Name)
	}
	if configured {
		return s.configured(ctx)
	}
	if err := s.check(); err != nil {
		return Instance{}, err
	}
	material, err := ParseRoot(s.Root.Text, s.Root.Name)
	if err != nil {
		return Instance{}, err
	}
	i := Instance{fulcio: s.Fulcio, Material: material}
	if s.Rekor != "" {
		i.logs = []sign.Transparency{newLog(s.Rekor, s.RekorVersion)}
	}
	if s.Timestamp != "" {
		i.timestamps = []*sign.TimestampAuthority{newTimestamp(ctx, s.Timestamp)}
	}
	return i, nil
}

func (s Services) check() error {
	if s.Fulcio == "" || len(s.Root.Text) == 0 || s.Rekor == "" && s.Timestamp == "" {
		return fault.New(fault.Invalid, "a private Sigstore needs the addresses of Fulcio and of Rekor or a timestamp authority, and its trusted root")
	}
	if !slices.Contains([]uint32{0, 1, 2}, s.RekorVersion) || s.RekorVersion == 2 && s.Timestamp == "" {
		return fault.New(fault.Invalid, "Rekor's API has the versions 1 and 2, and version 2 needs a timestamp authority")
	}
	return checkAddresses(s.Fulcio, s.Rekor, s.Timestamp)
}

func checkAddresses(addresses ...string) error {
	for _, address := range addresses {
		if address == "" {
			continue
		}
		if err := CheckAddress(address); err != nil {
			return err
		}
	}
	return nil
}

// CheckAddress returns fault.Invalid where a token or signature could be read
// on the way to an address: only https will do, and http on this machine.
func CheckAddress(address string) error {
	if u, err := url.Parse(address); err != nil || !private(u) {
		return fault.New(fault.Invalid, "%q is not an https address", address)
	}
	return nil
}

// configured is the instance that Config names.
func (s Services) configured(ctx context.Context) (Instance, error) {
	config, err := root.NewSigningConfigFromJSON(bytes.TrimSpace(s.Config.Text))
	if err != nil {
		return Instance{}, fault.New(fault.Invalid, "reading the signing config %s: %w", s.Config.Name, err)
	}
	var material root.TrustedMaterial
	if len(s.Root.Text) > 0 {
		material, err = ParseRoot(s.Root.Text, s.Root.Name)
	} else {
		material, err = s.TUF.TrustedRoot(ctx)
	}
	if err != nil {
		return Instance{}, err
	}
	i, err := chosen(ctx, config, material)
	if err != nil {
		return Instance{}, fault.New(fault.Invalid, "reading the signing config %s: %w", s.Config.Name, err)
	}
	return i, nil
}

// instance looks up the public instance, or a mirror's.
func (t TUF) instance(ctx context.Context) (Instance, error) {
	material, err := t.TrustedRoot(ctx)
	if err != nil {
		return Instance{}, err
	}
	config, err := t.signingConfig(ctx)
	if err != nil {
		return Instance{}, err
	}
	i, err := chosen(ctx, config, material)
	return i, fault.As(fault.Network, err)
}

// chosen is the instance that a signing config leaves to choose today.
func chosen(ctx context.Context, config *root.SigningConfig, material root.TrustedMaterial) (Instance, error) {
	now := time.Now()
	fulcio, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, now)
	if err != nil {
		return Instance{}, fmt.Errorf("choosing a certificate authority: %w", err)
	}
	logs, err := choose(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return Instance{}, fmt.Errorf("choosing a log: %w", err)
	}
	stamps, err := choose(config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
	if err != nil {
		return Instance{}, fmt.Errorf("choosing a timestamp authority: %w", err)
	}
	tiles := slices.ContainsFunc(logs, func(l root.Service) bool { return l.MajorAPIVersion == 2 })
	if len(stamps) == 0 && (tiles || len(logs) == 0) {
		return Instance{}, errors.New("it needs a timestamp authority, as no log of version 1 vouches for the time")
	}
	i := Instance{fulcio: fulcio.URL, Material: material}
	addresses := []string{fulcio.URL}
	for _, log := range logs {
		addresses = append(addresses, log.URL)
		i.logs = append(i.logs, newLog(log.URL, log.MajorAPIVersion))
	}
	for _, stamp := range stamps {
		addresses = append(addresses, stamp.URL)
		i.timestamps = append(i.timestamps, newTimestamp(ctx, stamp.URL))
	}
	return i, checkAddresses(addresses...)
}

// choose selects services as the config says, and none where it has none.
func choose(services []root.Service, how root.ServiceConfiguration, versions []uint32, now time.Time) ([]root.Service, error) {
	if len(services) == 0 {
		return nil, nil
	}
	return root.SelectServices(services, how, versions, now)
}
