// Package engine is one installation at work: it reads documents, derives them, has the gates judge
// them, plans and applies what came out, explains where it comes from, and notes all of that in the
// audit log. The command line, a daemon and tests are its clients: they say what is wanted and show
// what came of it.
//
// # Use
//
// [Open] makes an [Engine] of a [Config]. [Engine.Derive] derives the documents of a [Run], all or
// nothing except for what gates deny; [Engine.DeriveEach] gives each document an error of its own.
// [Engine.Plan] plans the bundles for a [Target], and [Engine.Apply] applies the plan: its approval
// is in the audit log before anything is written. [Engine.Rollback] and [Engine.Delete] make plans,
// too. A [Workspace] holds documents of which one at a time changes.
//
// [Engine.Reload] replaces the configuration as a whole, while calls run: those end with the one
// that they began with.
//
// # Errors
//
// Errors are those of package problem; the exit code of a command follows from [problem.CodeOf].
package engine
