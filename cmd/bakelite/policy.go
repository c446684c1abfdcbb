package main

import "github.com/bakelite/bakelite/internal/policy"

// policyInForce says what a command judged by.
type policyInForce struct {
	// Path is the policy file, "" for the built-in policy.
	Path string `json:"path"`
	// Digest is of all that the policy asks for.
	Digest string `json:"digest"`
}

func inForce(p policy.Policy) policyInForce { return policyInForce{p.Path, p.Digest()} }

func (p policyInForce) String() string {
	if p.Path == "" {
		return "the built-in one, " + p.Digest
	}
	return p.Path + ", " + p.Digest
}
