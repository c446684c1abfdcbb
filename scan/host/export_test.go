package host

var Parse = parse
