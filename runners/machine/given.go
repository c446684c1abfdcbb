package machine

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
)

// writeGiven writes secrets and settings into files that QEMU hands over by its
// fw_cfg device, whose values, unlike those of the SMBIOS tables, may be as
// large as systemd takes them. They stand in no argument.
func writeGiven(o Options) (map[string]string, error) {
	files, total := map[string]string{}, 0
	for i, g := range profile.Of(o.App).Given {
		value, ok := o.Values[g.Name]
		if !ok {
			continue
		}
		if total += len(value); total > app.MaxGiven {
			return nil, fault.Hint(fault.New(fault.Invalid, "the secrets and settings take more than %d bytes, which is what systemd takes of them together", app.MaxGiven),
				"put what is large into a folder of service.state")
		}
		file := filepath.Join(o.State, fmt.Sprintf("given-%d", i))
		if err := os.WriteFile(file, value, 0o600); err != nil {
			return nil, fmt.Errorf("writing secrets and settings: %w", err)
		}
		files[form.Credential(g)] = file
	}
	return files, nil
}
