package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// judgeDaemon asks for the value of a setting, by dockerd's arguments, its
// file and its default.
func judgeDaemon(f facts, c Control) finding {
	if bad := f.noDocker(); bad != (finding{}) {
		return bad
	}
	for _, value := range f.values(c) {
		if !slices.Contains(c.Want, value) && !(slices.Contains(c.Want, "*") && value != "") {
			return finding{bad: fmt.Sprintf("%s is %q", c.Key, value), place: daemonFile}
		}
	}
	return finding{place: daemonFile}
}

func (f facts) noDocker() finding {
	if f.unread != nil {
		return finding{bad: "it cannot be read: " + f.unread.Error(), place: daemonFile}
	}
	if !f.docker {
		return finding{none: "Docker is not here"}
	}
	return finding{}
}

// daemons are the arguments of each dockerd, of one without any where none
// runs.
func (f facts) daemons() [][]string {
	if len(f.arguments) == 0 {
		return [][]string{nil}
	}
	return f.arguments
}

// values are those of a setting in all daemons.
func (f facts) values(c Control) (all []string) {
	for _, arguments := range f.daemons() {
		all = append(all, f.daemonValues(c, arguments)...)
	}
	return all
}

// daemonValues are those of a setting in one, the default where it has none.
func (f facts) daemonValues(c Control, arguments []string) (values []string) {
	flag := "--" + c.Key
	if c.Flag != "" {
		flag = "--" + c.Flag
	}
	for i, word := range arguments {
		name, value, pair := strings.Cut(word, "=")
		switch {
		case name != flag:
		case pair:
			values = append(values, value)
		case i+1 < len(arguments) && !strings.HasPrefix(arguments[i+1], "-"):
			values = append(values, arguments[i+1])
		default:
			values = append(values, "true")
		}
	}
	if value, ok := f.daemon[c.Key]; ok {
		values = append(values, textsOf(value)...)
	}
	if len(values) == 0 {
		return []string{c.Default}
	}
	return values
}

// textsOf are the values of a key of daemon.json: a list's one by one, an
// object's as JSON.
func textsOf(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		texts := []string{}
		for _, one := range v {
			texts = append(texts, textsOf(one)...)
		}
		if len(texts) == 0 {
			texts = []string{""}
		}
		return texts
	}
	text, err := json.Marshal(value)
	if err != nil || string(text) == "{}" || string(text) == "null" {
		return []string{""}
	}
	return []string{string(text)}
}

// judgeTCP asks that an engine on a network knows its clients.
func judgeTCP(f facts, _ Control) finding {
	if bad := f.noDocker(); bad != (finding{}) {
		return bad
	}
	for _, arguments := range f.daemons() {
		hosts := slices.Concat(f.daemonValues(Control{Key: "hosts", Flag: "host"}, arguments), f.daemonValues(Control{Key: "hosts", Flag: "H"}, arguments), shortHosts(arguments))
		for _, host := range hosts {
			if strings.HasPrefix(host, "tcp://") && !slices.Contains(f.daemonValues(Control{Key: "tlsverify"}, arguments), "true") {
				return finding{bad: "it listens on " + host + " without tlsverify", place: daemonFile}
			}
		}
	}
	return finding{}
}

// shortHosts are the values of dockerd's argument -H.
func shortHosts(arguments []string) (hosts []string) {
	for i, word := range arguments {
		if word == "-H" && i+1 < len(arguments) {
			hosts = append(hosts, arguments[i+1])
		} else if value, ok := strings.CutPrefix(word, "-H"); ok {
			hosts = append(hosts, strings.TrimPrefix(value, "="))
		}
	}
	return hosts
}
