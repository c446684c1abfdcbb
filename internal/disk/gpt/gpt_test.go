package gpt

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/disk/imagefile"
	"github.com/bakelite/bakelite/internal/fault"
)

func guid(name string) disk.GUID { return disk.NameGUID(disk.GUID{7}, name) }

func types(t *testing.T) Types {
	t.Helper()
	typ, err := TypesOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func sample(t *testing.T) Disk {
	typ := types(t)
	return Disk{Size: 64 << 20, ID: guid("disk"), Partitions: []Partition{
		{Label: "ESP", Type: typ.ESP, ID: guid("esp"), Content: bytes.NewReader([]byte("esp"))},
		{Label: "root ä😀", Type: typ.Root, ID: guid("root"), Attributes: ReadOnly | GrowFS, Size: 5 << 20, Content: bytes.NewReader(bytes.Repeat([]byte("r"), 3<<20+1))},
		{Label: "var", Type: typ.Var, ID: guid("var"), Rest: true, Content: bytes.NewReader([]byte("var"))},
		{Label: "last", Type: typ.Linux, ID: guid("last"), Size: 1 << 20},
	}}
}

func writeFile(t *testing.T, d Disk) string {
	t.Helper()
	m, err := Build(d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := format.Lookup("raw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := imagefile.Write(context.Background(), f, raw, m, imagefile.Meta{}); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// run runs a tool that reads what we wrote.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("SKIPPED: %s is not installed, so nothing but our own code read the table (apt-get install gdisk fdisk)", name)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestSgdiskFindsNoProblem(t *testing.T) {
	if out := run(t, "sgdisk", "-v", writeFile(t, sample(t))); !strings.Contains(out, "No problems found") || strings.Contains(out, "Caution") || strings.Contains(out, "Warning") {
		t.Error(out)
	}
}

func TestSfdiskReadsWhatWasAsked(t *testing.T) {
	path := writeFile(t, sample(t))
	run(t, "sfdisk", "--verify", path)
	var got struct {
		PartitionTable struct {
			ID                string
			FirstLBA, LastLBA int64
			Partitions        []struct {
				Start, Size             int64
				Type, UUID, Name, Attrs string
			}
		}
	}
	if err := json.Unmarshal([]byte(run(t, "sfdisk", "--json", path)), &got); err != nil {
		t.Fatal(err)
	}
	d, tab := sample(t), got.PartitionTable
	if !strings.EqualFold(tab.ID, d.ID.String()) || tab.FirstLBA != 34 || tab.LastLBA != d.Size/512-34 || len(tab.Partitions) != len(d.Partitions) {
		t.Fatalf("table is %+v", tab)
	}
	wantStart, wantSize := []int64{2048, 4096, 14336, 126976}, []int64{2048, 10240, 112640, 2048}
	for i, p := range tab.Partitions {
		w := d.Partitions[i]
		if p.Start != wantStart[i] || p.Size != wantSize[i] || p.Name != w.Label || !strings.EqualFold(p.Type, w.Type.String()) || !strings.EqualFold(p.UUID, w.ID.String()) {
			t.Errorf("partition %d is %+v", i+1, p)
		}
	}
	if a := tab.Partitions[1].Attrs; a != "GUID:59,60" {
		t.Errorf("attributes are %q", a)
	}
}

func TestContentIsWhereThePartitionIs(t *testing.T) {
	m, err := Build(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{1 << 20: "esp\x00", 5<<20 - 1: "rr\x00\x00", 7 << 20: "var\x00"} {
		got := make([]byte, 4)
		if _, err := m.ReadAt(got, at); err != nil || string(got) != want {
			t.Errorf("at %d: %q, %v; want %q", at, got, err, want)
		}
	}
}

func TestTooSmallSaysHowMuchIsMissing(t *testing.T) {
	d := sample(t)
	if d.MinSize() != 10<<20 {
		t.Errorf("MinSize = %d", d.MinSize())
	}
	d.Size = 10 << 20
	if _, err := Build(d); err != nil {
		t.Errorf("at MinSize: %v", err)
	}
	d.Size = 7 << 20
	_, err := Build(d)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "3 MiB are missing") || fault.HintOf(err) != "make the disk at least 10M large" {
		t.Errorf("got %v (%s)", err, fault.HintOf(err))
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, change := range map[string]func(*Disk){
		"odd size":         func(d *Disk) { d.Size++ },
		"negative size":    func(d *Disk) { d.Size = -1 << 20 },
		"huge size":        func(d *Disk) { d.Size = 1 << 62 },
		"no ID":            func(d *Disk) { d.ID = disk.GUID{} },
		"no partition ID":  func(d *Disk) { d.Partitions[0].ID = disk.GUID{} },
		"no type":          func(d *Disk) { d.Partitions[0].Type = disk.GUID{} },
		"same ID":          func(d *Disk) { d.Partitions[1].ID = d.Partitions[0].ID },
		"same label":       func(d *Disk) { d.Partitions[1].Label = "ESP" },
		"no label":         func(d *Disk) { d.Partitions[1].Label = "" },
		"long label":       func(d *Disk) { d.Partitions[1].Label = strings.Repeat("😀", 18) + "x" },
		"two rests":        func(d *Disk) { d.Partitions[0].Rest = true },
		"odd partition":    func(d *Disk) { d.Partitions[3].Size++ },
		"huge partition":   func(d *Disk) { d.Partitions[3].Size = 1 << 62 },
		"empty partition":  func(d *Disk) { d.Partitions[3].Size = 0 },
		"content too long": func(d *Disk) { d.Partitions[1].Size = 3 << 20 },
		"too many": func(d *Disk) {
			d.Partitions = make([]Partition, MaxPartitions+1)
		},
	} {
		d := sample(t)
		change(&d)
		if _, err := Build(d); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := TypesOf("riscv64"); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("TypesOf: %v", err)
	}
}

// Partition types are known to sfdisk by name: a wrong digit would show.
func TestTypesAreWhatTheirNamesSay(t *testing.T) {
	for arch, want := range map[string][]string{
		"amd64": {"EFI System", "Linux root (x86-64)", "Linux root verity (x86-64)", "Linux /usr (x86-64)", "Linux /usr verity (x86-64)", "Linux variable data", "Linux filesystem"},
		"arm64": {"EFI System", "Linux root (ARM-64)", "Linux root verity (ARM-64)", "Linux /usr (ARM-64)", "Linux /usr verity (ARM-64)", "Linux variable data", "Linux filesystem"},
	} {
		typ, err := TypesOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		d := Disk{Size: 32 << 20, ID: guid("disk")}
		for i, g := range []disk.GUID{typ.ESP, typ.Root, typ.RootVerity, typ.Usr, typ.UsrVerity, typ.Var, typ.Linux} {
			d.Partitions = append(d.Partitions, Partition{Label: want[i], Type: g, ID: guid(want[i]), Size: 1 << 20})
		}
		out := run(t, "sfdisk", "--list", "--output", "Type", writeFile(t, d))
		if got := strings.Split(strings.TrimSpace(out), "\n"); strings.Join(got[len(got)-len(want):], "|") != strings.Join(want, "|") {
			t.Errorf("%s: sfdisk says\n%s", arch, out)
		}
	}
}
