// Package market installs plugins from signed indexes into an installation, and loads them from
// there.
//
//	HOME/trust.json     the indexes that the operator trusts, and which of them each publisher belongs to
//	HOME/indexes/NAME/  the pinned root of an index, and what was verified of it (package tuf)
//	HOME/lattice.lock   which releases it runs (package lock)
//	HOME/store/         their files by digest (package store)
//	HOME/receipts/      what somebody agreed that a plugin may do
//	HOME/state.json     which plugins are active, and how often they failed
//
// # Trust
//
// An operator pins the root of an index, by hand, once ([Home.TrustIndex]). What the index says is
// believed because a chain of signatures leads from that root to it, and never goes back before
// what was seen (package tuf). It says who the publishers are and which keys they have, which
// releases there are, and what is revoked. That a publisher made a release is proven by the release
// bundle alone, which the publisher signed (package release): anyone who runs the index can hide
// releases, and cannot make one.
//
// The first install of a publisher's plugin records which index the publisher belongs to. Another
// index that lists the same publisher is refused from then on, until the operator forgets the
// record ([Home.ForgetPublisher]).
//
// # Consent
//
// A plugin that asks for capabilities is installed only when somebody agreed. The agreement is a
// receipt that is bound to the plugin, the index, the key that signed, and exactly the
// capabilities, with their hosts and kinds. What is asked for beyond a receipt needs a new one;
// what is asked for less does not, and is not had again afterwards without asking.
//
// # Loading
//
// A [Snapshot] is the installation at one moment, so that all of a run sees the same.
// [Snapshot.Load] believes nothing on disk but trust.json and the pinned roots: it reads the lock,
// hashes the module and the bundle, verifies the publisher's signature over module, manifest, name
// and version, compares the lock's remaining fields with them, looks whether the release is
// revoked, whether there is a receipt for what it asks for, and whether it is active.
//
// # Crashes, and several processes
//
// Whatever changes the installation holds the lock of lattice.lock, and writes that file last:
// everything that it names is there by then. A process that is killed leaves files too many, which
// the next change removes.
package market
