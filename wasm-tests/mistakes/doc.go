// Package mistakes holds no code: its test makes every mistake of a list in every kind of file that
// people write, and compares what a user reads.
package mistakes
