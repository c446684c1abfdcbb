// Package app holds the App: what a person asks for, one YAML file per app.
// Loading is strict and returns every mistake at once, each with file, line,
// key and the nearest known key. Nothing here touches the network or an
// engine; the only files read are the app file and those that it names.
package app

import (
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/internal/units"
)

// APIVersion is the version of the app file format that this package reads.
const APIVersion = "bakelite.dev/v1"

// LayoutPrefix begins a base image that is a local OCI layout folder.
const LayoutPrefix = "oci:"

// App is one app file. The fields stand in the order in which a person
// writes them.
type App struct {
	// APIVersion is always "bakelite.dev/v1".
	APIVersion string `yaml:"apiVersion"`
	// Name names the app, its images and its service: a DNS label.
	Name string `yaml:"name"`
	// Base says what the root filesystem starts from.
	Base Base `yaml:"base"`
	// Packages are the distribution's packages that the app needs, by name.
	Packages []string `yaml:"packages,omitempty"`
	// Files are copied into the root filesystem, in order.
	Files []File `yaml:"files,omitempty"`
	// Steps are shell scripts run in the root filesystem, in order.
	Steps []Step `yaml:"steps,omitempty"`
	// Rights are what some programs may have that others may not; no program
	// has any by default, whoever brought it.
	Rights []Right `yaml:"rights,omitempty"`
	// Alters are absolute paths of what files, steps or the Dockerfile change of
	// the system itself: programs that packages brought or what is found by their
	// names in /usr/local, /etc/ld.so.cache where it puts a library before
	// theirs, and what is started or read by root. Others are refused; the gate
	// judges these by its rule altered-system.
	Alters []string `yaml:"alters,omitempty"`
	// Service is the one program that the images exist to run.
	Service Service `yaml:"service"`
	// Container holds what only the container image needs to know.
	Container Container `yaml:"container,omitempty"`
	// VM holds what only the disk needs to know.
	VM VM `yaml:"vm,omitempty"`
	// Hardening says how much is taken away for safety's sake.
	Hardening Hardening `yaml:"hardening,omitempty"`
	// Tests run on both artifacts before they count as made.
	Tests []Test `yaml:"tests,omitempty"`
	// TestValues are what secrets and settings hold while tests run, by name;
	// without one it is a line that says so. They are no secrets.
	TestValues map[string]string `yaml:"testValues,omitempty"`
	// Update says which changes beneath the app are taken, and when.
	Update Update `yaml:"update,omitempty"`

	// Building are the packages that the Dockerfile asks apt for and that are
	// not in the image; those that are stand in Packages.
	Building []string `yaml:"-"`
	// Taken is what the Dockerfile said of how its image runs and the app file
	// left out, LeftOut what of it was not taken, with the reason.
	Taken, LeftOut []string `yaml:"-"`
	// Dir is the folder of the app file; relative paths start here.
	Dir string `yaml:"-"`
	// Path is the app file as it was named.
	Path string `yaml:"-"`
}

// Base is one of Debian and Image, with an optional Dockerfile on top.
type Base struct {
	// Debian is a suite of the Debian archive, bootstrapped from its signed
	// index: "trixie". Older ones lack what a disk needs, systemd 256.
	Debian string `yaml:"debian,omitempty"`
	// Image is an OCI image reference, or oci:PATH for a local layout folder.
	Image string `yaml:"image,omitempty"`
	// Dockerfile is built on top; FROM base names the hardened base in it, and
	// with debian: trixie so does FROM debian:trixie. It has no network and copies
	// what .dockerignore lets through. What it says of how the image runs (ENV,
	// USER, WORKDIR, EXPOSE, VOLUME, ENTRYPOINT, CMD, HEALTHCHECK, STOPSIGNAL,
	// LABEL) is what keys that the app file leaves out are by default. What it
	// installs by apt-get comes from the lock, as packages do.
	Dockerfile string `yaml:"dockerfile,omitempty"`
}

// File is copied into the image. Exactly one of From and Content is set.
type File struct {
	// From is a file or folder below the app file's folder.
	From string `yaml:"from,omitempty"`
	// Content is the text of the file.
	Content string `yaml:"content,omitempty"`
	// To is the absolute path in the image.
	To string `yaml:"to"`
	// Mode is the octal mode of files; by default "0755" for those that can be
	// executed here and "0644" for others. Folders get the execute bits to
	// match. Set-uid and set-gid bits are refused.
	Mode string `yaml:"mode,omitempty"`
	// Owner is user[:group] by name or number, "root:root" by default.
	Owner string `yaml:"owner,omitempty"`
}

// Step is a shell script run as root in the root filesystem.
type Step struct {
	// Name is shown in the progress; by default the script's first line.
	Name string `yaml:"name,omitempty"`
	// Run is the script, for /bin/sh -eu.
	Run string `yaml:"run"`
	// Network lets this step reach public addresses over TCP, and those that
	// the setting engine.networks names; what it fetches is not pinned.
	Network bool `yaml:"network,omitempty"`

	// Place is where Network, or else the step, stands in the app file.
	Place strict.Place `yaml:"-"`
}

// Right is what one program may have, or one folder. The service itself gains
// nothing by it: it runs without new privileges.
type Right struct {
	// Path is the program's or folder's absolute path.
	Path string `yaml:"path"`
	// Capabilities are Linux capabilities that the program gets, as in
	// net_raw, permitted and effective.
	Capabilities []string `yaml:"capabilities,omitempty"`
	// SetUID runs the program with the rights of its owner.
	SetUID bool `yaml:"setUID,omitempty"`
	// SetGID runs the program with the rights of its group, or gives what is
	// made in the folder its group.
	SetGID bool `yaml:"setGID,omitempty"`
	// On is "container" or "disk" where only one of them has the path.
	On string `yaml:"on,omitempty"`
}

// Service becomes the container's config, the machine's systemd unit, the
// firewall, the run profile and the targets of the declared tests.
type Service struct {
	// Command is the program, by absolute path, and its arguments.
	Command []string `yaml:"command"`
	// User runs the service and is never root; it is created where no
	// package brings it.
	User string `yaml:"user"`
	// UID is the user's number, the same in both artifacts. By default it is
	// what Debian fixed, as for www-data, and else 500. A group of the user's
	// own has the same number.
	UID int `yaml:"uid,omitempty"`
	// Ports are the ports that the service listens on, as 8080 or 53/udp.
	Ports []Port `yaml:"ports,omitempty"`
	// Writable are folders in memory that the service may write to. They begin
	// with what the image has there, and end with the container or the machine's
	// boot.
	Writable []string `yaml:"writable,omitempty"`
	// State are folders that the service may write to and that last: volumes of
	// a container, the writable part of a disk. They begin as Writable do.
	State []string `yaml:"state,omitempty"`
	// Secrets are the names of files that are given at the start and stand in no
	// image: /run/secrets/NAME in both artifacts. The service does not start
	// where one is missing.
	Secrets []string `yaml:"secrets,omitempty"`
	// Config are settings that are given as Secrets are: /run/config/NAME.
	Config []string `yaml:"config,omitempty"`
	// Prepare makes the first state, as by initdb or a migration.
	Prepare *Prepare `yaml:"prepare,omitempty"`
	// Environment holds the variables that the service sees.
	Environment map[string]string `yaml:"environment,omitempty"`
	// Dir is the working directory, "/" by default.
	Dir string `yaml:"dir,omitempty"`
	// Resources are the limits that both artifacts run under.
	Resources Resources `yaml:"resources,omitempty"`
	// Health tells a healthy service from one that merely runs.
	Health *Health `yaml:"health,omitempty"`
	// StopSignal asks the service to end, "SIGTERM" by default. Some end well at
	// another: nginx at SIGQUIT, PostgreSQL at SIGINT.
	StopSignal string `yaml:"stopSignal,omitempty"`
	// StopGrace is the time after which a service that still runs is killed,
	// 10s by default.
	StopGrace units.Duration `yaml:"stopGrace,omitempty"`
	// Allow lifts limits that both artifacts put on the service: "jit" (memory
	// that is written and executed, as just-in-time compilers need it),
	// "exec-writable" (programs and libraries in the folders of Writable, as
	// what compiles its configuration needs it; those of State and /tmp never),
	// "io-uring", "keyrings" (the kernel's), "ownership" (giving files to
	// others, and changing users), "scheduling" (priorities, processors and
	// memory nodes of processes).
	Allow []string `yaml:"allow,omitempty"`
}

// Prepare are commands that run once before the service, as its user and under
// its limits. Where one fails, all run again at the next start.
type Prepare struct {
	// Run are the commands, each a program by absolute path and its arguments.
	Run [][]string `yaml:"run"`
	// When is "empty" to run on a new state alone, the default, or "update" to
	// run after each update of the image too.
	When string `yaml:"when,omitempty"`
}

// Port is a port number and a protocol, "tcp" or "udp".
type Port struct {
	Number   int
	Protocol string
}

// Resources are limits for the whole service.
type Resources struct {
	// Memory as a number with K, M or G (powers of 1024): "128M".
	Memory units.Size `yaml:"memory,omitempty"`
	// CPUs is the share of processors: 0.5 is half of one.
	CPUs float64 `yaml:"cpus,omitempty"`
	// PIDs is the largest number of processes and threads, 256 by default.
	PIDs int `yaml:"pids,omitempty"`
	// Writable is the most that each folder of service.writable, /tmp, /var/tmp
	// and /dev/shm hold; by default half of Memory, or of vm.memory where that is
	// not limited. What they hold counts as the service's memory.
	Writable units.Size `yaml:"writable,omitempty"`
}

// Health is one check and how often it is made.
type Health struct {
	Check `yaml:",inline"`
	// Interval is the time between two checks, 30s by default.
	Interval units.Duration `yaml:"interval,omitempty"`
	// Timeout bounds one check, 5s by default.
	Timeout units.Duration `yaml:"timeout,omitempty"`
	// Retries is how many failures in a row make the service unhealthy, 3 by
	// default.
	Retries int `yaml:"retries,omitempty"`
}

// Check is exactly one of HTTP, TCP and Command.
type Check struct {
	HTTP    *HTTPCheck    `yaml:"http,omitempty"`
	TCP     *TCPCheck     `yaml:"tcp,omitempty"`
	Command *CommandCheck `yaml:"command,omitempty"`
}

// HTTPCheck asks for a page over plain HTTP.
type HTTPCheck struct {
	// Path of the page, "/" by default.
	Path string `yaml:"path,omitempty"`
	// Port is the service's first TCP port by default.
	Port int `yaml:"port,omitempty"`
	// Status is the status code that must come back, 200 by default.
	Status int `yaml:"status,omitempty"`
	// Contains is a text that the body must hold.
	Contains string `yaml:"contains,omitempty"`
}

// TCPCheck opens a connection.
type TCPCheck struct {
	// Port is the service's first TCP port by default.
	Port int `yaml:"port,omitempty"`
}

// CommandCheck runs a program in the artifact.
type CommandCheck struct {
	// Run is the program, by absolute path, and its arguments.
	Run []string `yaml:"run"`
	// Exit is the exit code that must come back.
	Exit int `yaml:"exit,omitempty"`
	// Contains is a text that its output (both streams) must hold.
	Contains string `yaml:"contains,omitempty"`
}

// Container holds what only the container image needs to know.
type Container struct {
	// Shell keeps the shell and the core utilities in the image.
	Shell bool `yaml:"shell,omitempty"`
	// Format is "layout" (a folder, the default) or "archive" (one tar file
	// beside that folder).
	Format string `yaml:"format,omitempty"`
	// Labels are added to the image's annotations.
	Labels map[string]string `yaml:"labels,omitempty"`
}

// VM holds what only the disk needs to know.
type VM struct {
	// Formats are the files to make: raw, qcow2, vmdk, vhd; qcow2 by default.
	Formats []string `yaml:"formats,omitempty"`
	// Size is the size of the disk as a machine sees it, 2G by default; what
	// the system does not fill is the writable part.
	Size units.Size `yaml:"size,omitempty"`
	// Memory is the memory of the machine in declared tests, 512M by default.
	Memory units.Size `yaml:"memory,omitempty"`
	// Kernel is the kernel package, linux-image-cloud-<arch> by default.
	Kernel string `yaml:"kernel,omitempty"`
	// Modules are modules of the default kernel that the machine has besides
	// those of clouds and hypervisors (templates/machine/modules.txt), as nfsv4;
	// another kernel keeps all of its own.
	Modules []string `yaml:"modules,omitempty"`
	// Packages are installed in the machine only.
	Packages []string `yaml:"packages,omitempty"`
	// Admin lets a person log in over SSH; without it nobody can.
	Admin *Admin `yaml:"admin,omitempty"`
}

// Admin is a login by key for one user who may become root.
type Admin struct {
	// User is the name of the login, "admin" by default.
	User string `yaml:"user,omitempty"`
	// SSHKeys are public keys in the form of authorized_keys.
	SSHKeys []string `yaml:"sshKeys"`
}

// Hardening says how much is taken away for safety's sake.
type Hardening struct {
	// Level is 1 for the controls that every app can bear, the default, or 2 for
	// those too that cost speed or function: see docs/controls.md.
	Level int `yaml:"level,omitempty"`
}

// Test is one declared test.
type Test struct {
	// Name is shown in results; by default it says what is checked.
	Name  string `yaml:"name,omitempty"`
	Check `yaml:",inline"`
	// On is "container" or "disk" for a test that only one of them must pass.
	On string `yaml:"on,omitempty"`
	// Within is how long the check may go on failing before that counts, 30s
	// by default.
	Within units.Duration `yaml:"within,omitempty"`
}
