// Package audit keeps a log of what was decided and done, in which nothing can be changed
// unnoticed.
//
// A log is a file of JSON lines. Each line has a number and the SHA-256 of the line before, so that
// an edit, a removal or another order breaks the chain. Anyone who can write the file could make a
// chain of their own; so every [Options.Every] lines, and at the end, a checkpoint line is signed
// with the log's key, and the file FILE.head next to the log is a signed statement of where the log
// ends. It is replaced with every [Log.Append], which returns when both are on the disk.
//
// What [Verify] finds with the log, its head and the public key:
//
//   - an edited, removed, inserted or moved line, and lines cut off at the end: always. Without the
//     private key no one can make a head for another end;
//   - lines added at the end by somebody else, or by a process that was killed before the head was
//     replaced: as what is after the head, [ErrTorn]. The next Append moves it to a file
//     FILE.torn-…, and says so in an event "recovered".
//
// A killed process leaves no more than such bytes. The head of a new log comes before its file,
// that of a segment before the segment, and the name of a segment before the head that goes on
// after it; what is moved away is in the signed head until lines say so. So a file without its
// head, or lines in a head without a file, are never what a kill leaves: that is [ErrTampered].
//
// What it cannot find: somebody who kept an older log with its head can put both back, and anyone
// who removes all files leaves no trace. Against that, note a [Position] elsewhere from time to
// time, and give it to Verify.
//
// Secrets must be masked before they come here, see [Mask].
package audit
