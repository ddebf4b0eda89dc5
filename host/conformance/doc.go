// Package conformance checks that a plugin behaves as the contract of package abi wants. A host
// holds no plugin to more than it can see in one call; these checks call it again and again.
package conformance
