package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/pipelines/channels"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/attest"
)

// maxRecordFile bounds the file of a channel's record, in bytes.
const maxRecordFile = 4 << 20

// verified is what was asked for and holds; record is nil where no channel was
// asked for.
type verified struct {
	target  look.Target
	summary attest.Summary
	record  *channels.Signed
}

// leads is the channel in the form of --json.
func (v verified) leads() *channelRecord {
	if v.record == nil {
		return nil
	}
	return &channelRecord{v.record.Channel, v.record.Sequence, v.record.NotAfter, v.record.Signer.String()}
}

type channelRecord struct {
	Channel  string    `json:"channel"`
	Sequence int64     `json:"sequence"`
	NotAfter time.Time `json:"notAfter"`
	Signer   string    `json:"signer"`
}

// verify verifies what name names, and asks the channel, where one is asked for.
func (a askedFlags) verify(ctx context.Context, f compose.Flows, name string, asked look.Asked) (v verified, err error) {
	follow := channels.Asked{Channel: cmp.Or(a.channel, f.Reader.Policy.Verify.Channel)}
	if a.record != "" {
		if follow.Channel == "" {
			return v, fault.New(fault.Invalid, "--channel-record %s: say with --channel of which channel it is", a.record)
		}
		if follow.Record, err = regular.ReadFile(a.record, maxRecordFile); err != nil {
			return v, fault.New(fault.Missing, "--channel-record: %w", err)
		}
	}
	flow := channelsOf(f, nil)
	if name, err = headOf(ctx, flow, f.Reader.Registry, name, follow); err != nil {
		return v, err
	}
	if v.target, err = f.Reader.Find(ctx, name); err != nil {
		return v, err
	}
	if v.summary, err = f.Reader.Verify(ctx, v.target, asked); err != nil || follow.Channel == "" {
		return v, err
	}
	follow.App, follow.ArtifactKind, follow.Digest = v.summary.App, v.summary.Kind, v.target.Digest
	if v.target.Store == nil && follow.Record == nil {
		return v, fault.Hint(fault.New(fault.Policy, "%s is a file, and the channel %s must lead to it", name, follow.Channel), "give the channel's record with --channel-record: bakelite channels --save writes it")
	}
	v.record, err = flow.Follow(ctx, v.target.Store, follow)
	return v, err
}

// headOf is what a channel leads to where name is a repository without tag and
// digest; else it is name.
func headOf(ctx context.Context, flow channels.Flow, at registry.Options, name string, follow channels.Asked) (string, error) {
	if _, err := os.Stat(name); err == nil || follow.Channel == "" {
		return name, nil
	}
	store, tag, err := registry.Open(name, at)
	if err != nil || tag != "" {
		return name, err
	}
	r, err := flow.Follow(ctx, store, follow)
	if err != nil {
		return name, err
	}
	return store.Name() + "@" + r.Digest, nil
}
