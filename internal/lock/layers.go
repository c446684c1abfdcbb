package lock

// imageLayer is the list of what a base image has, which nobody installs.
const imageLayer = "image"

// layer is one of a lock's lists of packages.
type layer struct {
	name string
	pins *[]Pin
}

// all returns the layers in the order of the file.
func (l *Layers) all() []layer {
	return []layer{
		{"seed", &l.Seed}, {"base", &l.Base}, {"app", &l.App}, {"machine", &l.Machine},
		{"machineApp", &l.MachineApp}, {"build", &l.Build}, {"machineBuild", &l.MachineBuild}, {"tools", &l.Tools},
	}
}

func layerNames() []string {
	var names []string
	for _, layer := range new(Layers).all() {
		names = append(names, layer.name)
	}
	return names
}
