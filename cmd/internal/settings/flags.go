package settings

import (
	"fmt"

	"github.com/spf13/pflag"
)

// configFlag names the settings file itself, and so is no setting.
const configFlag = "config"

// AddFlags gives flags one flag per setting, and --config.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "Settings file; by default "+FileName+" in this folder or the nearest above it.")
	for _, e := range Table() {
		help := e.help()
		switch e.Kind {
		case Switch:
			flags.Bool(e.Flag, false, help)
		case PerNamed:
			flags.StringArray(e.Flag, nil, help+" Written as ARCHIVE=URL; may be repeated.")
		case List:
			flags.StringArray(e.Flag, nil, help+" May be repeated.")
		default:
			flags.String(e.Flag, e.Default, help)
		}
		if e.Rare {
			_ = flags.MarkHidden(e.Flag) // it was added above
		}
	}
}

func (e Entry) help() string {
	help := e.Help
	if e.OneOf != nil {
		help += fmt.Sprintf(" One of %s.", list(e.OneOf))
	}
	if e.DefaultHelp != "" {
		help += fmt.Sprintf(" Default: %s.", e.DefaultHelp)
	}
	return help
}
