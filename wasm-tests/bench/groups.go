package main

import (
	"context"
	"strings"
)

// group is cases that share what they need.
type group struct {
	name    string
	measure func(context.Context, *fixture) ([]row, error)
}

// groups are in the order of the table.
func groups() []group {
	return append([]group{
		{"guest", measureGuest},
		{"interrupt", measureInterrupt},
		{"putback", measurePutBack},
		{"fresh", measureFresh},
		{"extism", measureExtism},
		{"native", measureNative},
		{"full", measureFull},
		{"memo", measureMemo},
		{"scale", measureScale},
		{"change", measureChange},
		{"meter", measureMeter},
		{"index", measureIndex},
		{"memory", measureMemory},
		{"gates", measureGates},
		{"market", measureMarket},
	}, peerGroups()...)
}

func groupNames() string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}
