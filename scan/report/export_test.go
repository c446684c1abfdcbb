package report

var SourceHash = sourceHash
