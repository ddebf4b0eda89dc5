// Package pipeline turns one resource into one bundle: it runs the steps of the pipeline for the
// resource's kind, merges what they answer, and keeps the owner of every field.
//
// A [Pipeline] is a document that an operator can edit. An [Engine] holds the pipelines, the
// settings and the plugins, and is safe for concurrent use. A [bundle.Bundle] is the complete
// result, in canonical bytes with one SHA-256.
//
// Steps that do not depend on each other run at the same time. What a step sees is decided by the
// pipeline and the manifests alone: the outputs, contributions and context of the steps that must
// come before it, never those of a step that happened to finish early. So the bundle is
// byte-identical whatever the schedule.
//
// Any error means no bundle; every reason that could be found is in the returned error, sorted, one
// per line.
package pipeline
