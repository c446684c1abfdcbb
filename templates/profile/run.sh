# The filter of system calls comes first:
#   bakelite profile --for seccomp {{json .App}} > {{.Filter}}
{{- with .Given}}
# What is given at the start lies beside it, readable by the number {{$.ID.UID}}:
#  {{range .}} {{sh .Name}}{{end}}
{{- end}}
{{.Engine}} run --detach --name {{sh .Name}} --restart on-failure \
  --user {{.ID}} \
  --read-only \
  --cap-drop ALL \
  --security-opt no-new-privileges \
  --security-opt seccomp={{sh .Filter}} \
{{- with .Memory}}
  --memory {{.}} --memory-swap {{.}} \
{{- end}}
{{- with .CPUs}}
  --cpus {{.}} \
{{- end}}
  --pids-limit {{.PIDs}} \
  --ulimit core=0 --ulimit nofile={{.OpenFiles}}:{{.OpenFiles}} \
  --shm-size {{.SharedMemory}} \
{{- with .FirstPort}}
  --sysctl net.ipv4.ip_unprivileged_port_start={{.}} \
{{- end}}
{{- range .Folders}}
{{- if .Lasts}}
  --volume {{sh ($.Volume .)}}:{{sh .Path}}{{if eq $.Engine "podman"}}:nosuid,nodev,noexec{{end}} \
{{- else}}
  --tmpfs {{sh .Path}}:{{$.Tmpfs .}} \
{{- end}}
{{- end}}
{{- range .Given}}
  --mount type=bind,readonly,source="$PWD"/{{sh .Name}},target={{sh .Path}} \
{{- end}}
{{- range .Ports}}
  --publish {{.Number}}:{{.Number}}/{{.Protocol}} \
{{- end}}
{{- with .Ask}}{{if eq $.Engine "podman"}}
  --health-cmd {{sh (json .)}} --health-interval {{$.Health.Interval}} --health-timeout {{$.Health.Timeout}} --health-retries {{$.Health.Retries}} \
{{- end}}{{end}}
  --stop-signal {{.StopSignal}} --stop-timeout {{.GraceSeconds}} \
  {{sh .Image}}
