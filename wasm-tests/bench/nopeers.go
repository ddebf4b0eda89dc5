//go:build lattice_nopeers

package main

func peerGroups() []group { return nil }
