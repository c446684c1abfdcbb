package qemu

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/runners/machine/efivars"
)

// firmwareLimit bounds the copy of the firmware's variables; the largest known
// template is 64 MiB (AAVMF).
const firmwareLimit = 64 << 20

// firmware is a UEFI firmware and the template of its variables.
type firmware struct{ code, vars string }

// Secured returns the platform with Secure Boot enforced.
func (p Platform) Secured() Platform {
	p.Machine, p.firmware, p.Extra = p.secure.machine, p.secure.firmware, p.secure.extra
	p.purpose = " that enforces Secure Boot"
	return p
}

func (p Platform) findFirmware() (firmware, error) {
	for _, f := range p.firmware {
		if readable(f.code) && readable(f.vars) {
			return f, nil
		}
	}
	return firmware{}, fault.Hint(fault.New(fault.Missing, "no UEFI firmware for %s found%s", p.program, p.purpose), "%s", p.hint())
}

func readable(file string) bool {
	f, err := os.Open(file)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// PrivateFirmware returns the code and a copy of the variables that the
// machine may write to, in which cert is enrolled unless it is nil.
func (p Platform) PrivateFirmware(state string, cert *x509.Certificate) (code, vars string, err error) {
	f, err := p.findFirmware()
	if err != nil {
		return "", "", err
	}
	data, err := readVariables(f.vars)
	if err != nil {
		return "", "", err
	}
	if cert != nil {
		if data, err = efivars.Enroll(data, cert); err != nil {
			return "", "", fault.Hint(fmt.Errorf("preparing %s: %w", f.vars, err), "%s", p.hint())
		}
	}
	vars = filepath.Join(state, "vars.fd")
	if err := os.WriteFile(vars, data, 0o600); err != nil {
		return "", "", fmt.Errorf("copying the firmware's variables: %w", err)
	}
	return f.code, vars, nil
}

func readVariables(file string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, fault.As(fault.Missing, fmt.Errorf("reading the firmware: %w", err))
	}
	defer in.Close()
	data, err := limit.ReadAll(in, firmwareLimit, "the firmware's variables")
	if err != nil {
		return nil, fmt.Errorf("reading the firmware: %w", err)
	}
	return data, nil
}
