// Package bundle is the complete result for one resource as a document: what the host derived, what
// gates judge and what executors apply. A bundle has canonical bytes and one SHA-256, so that all
// three can name exactly the same thing.
package bundle
