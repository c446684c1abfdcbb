// Package format says in which formats a disk can be had: an app asks for them
// by name. What writes them is package imagefile.
package format

import (
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// Format is one kind of file; MediaType is its name in shared-mime-info 2.2.
type Format struct {
	Name, Extension, MediaType string
	Use                        string // who takes it, for people
}

// All returns the formats in the order in which they are shown.
func All() []Format {
	return []Format{
		{"raw", ".raw", "application/x-raw-disk-image", "QEMU, Google Cloud, dd"},
		{"qcow2", ".qcow2", "application/x-qemu-disk", "QEMU, KVM, OpenStack, Proxmox"},
		{"vmdk", ".vmdk", "application/x-vmdk-disk", "VMware (inside an OVF), VirtualBox, import into AWS"},
		{"vhd", ".vhd", "application/x-vhd-disk", "Azure, Hyper-V generation 1"},
	}
}

// Names returns the names of all formats, in their order.
func Names() (names []string) {
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return names
}

// Lookup returns the format of that name; another name is an error of kind
// Invalid.
func Lookup(name string) (Format, error) {
	for _, f := range All() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fault.Hint(fault.New(fault.Invalid, "unknown disk format %q", name), "choose one of %s", strings.Join(Names(), ", "))
}
