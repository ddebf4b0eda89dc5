// Package property makes LatticeServices that use every field of the kind, in mixes that a seed
// chooses, and says what holds for everything that derives from them.
package property
