// Package training holds what the plugins that derive a distributed training agree on.
package training

// The port on which the task of rank 0 is called: that of PyTorch's rendezvous.
const (
	Port     = 29500
	PortName = "master"
)

// Shell starts the programs of a training: what tells a program its rank is known only when its pod
// runs.
const Shell = "/bin/sh"
