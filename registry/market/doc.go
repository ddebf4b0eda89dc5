// Package market installs plugins from an index into an installation, and loads them from there.
//
//	HOME/trust.json     whom this installation trusts
//	HOME/lattice.lock   which releases it runs (package lock)
//	HOME/store/         their files by digest (package store)
//
// # Trust
//
// An operator pins index keys, by hand, once ([Home.TrustIndexKey]). A signed index names publishers and their keys, and
// the first install of a publisher's plugin records the publisher's keys, together with the index that they came from.
// From then on the record counts and not the index: an index that gives the publisher other keys, or another index that
// claims the publisher, is refused. So whoever takes over an index, or sets up a second one, can offer publishers that are
// new to an installation, and can hide releases, but cannot replace the plugins of a publisher that is known. Keys that
// change are rare and announced; the operator deletes the record ([Home.ForgetPublisher]) after asking the publisher.
// The keys are kept apart from the lock because the lock is a list of results that people copy and merge, while
// trust.json is a decision. Keys are never taken from the lock, from a bundle or from an index at load time.
//
// # Loading
//
// [Home.Load] believes nothing on disk but trust.json: it reads the lock, hashes the module and the bundle, verifies the
// publisher's signature over module, manifest, name and version, and compares the lock's remaining fields with them.
package market
