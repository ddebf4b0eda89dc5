// Package directory is the executor that keeps a set as files in a folder, for whatever delivers
// folders: Flux, Argo CD, git.
//
// Below the folder each resource has a folder, and in it each object a file, as package layout
// says. What the executor keeps for itself is in .lattice, in files without an ending, so that no
// tool takes them for objects:
//
//	inventory      what was written, with digests: nothing else is ever changed or removed
//	history/N      the last revisions
//	bundles/HEX    the bundles of these revisions, by the SHA-256 of their bytes
//	staged/N       new content, before it takes its place
//	pending        the change that is being made
//
// A change survives a kill at any moment. All new content is on the disk in staged before pending
// says what goes where, and from then on the change is completed: by this process, or by anyone who
// opens the folder next. A file that somebody changed in between is left as it is, and shows as a
// conflict in the next plan.
//
// The lock is that of the folder itself. One folder holds one set.
package directory
