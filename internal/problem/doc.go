// Package problem is the one form in which everything that went wrong is reported: a [Problem] has
// a place, what it is about, what is wrong and what to do, and a [Code] that decides the exit code.
// A [List] of them is an error, sorted and each once, with one text form and one JSON form.
//
// Packages mark their sentinels with a code, see [New], so that a code follows from an error and
// never from its text.
package problem
