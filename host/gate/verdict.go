package gate

import (
	"fmt"
	"strconv"
)

// Verdict is what an engine, or a gate as a whole, says. A larger one overrules a smaller one.
type Verdict uint8

// The verdicts. Only Allow lets pass.
const (
	// Allow says that everything asked is allowed.
	Allow Verdict = iota
	// NoOpinion says that no policy speaks about something that was asked.
	NoOpinion
	// Deny says that a policy forbids something.
	Deny
	// Error says that there is no answer: a policy or an engine failed.
	Error
)

var verdictNames = [...]string{Allow: "allow", NoOpinion: "no-opinion", Deny: "deny", Error: "error"}

// String returns allow, no-opinion, deny or error.
func (v Verdict) String() string {
	if int(v) >= len(verdictNames) {
		return "verdict " + strconv.Itoa(int(v))
	}
	return verdictNames[v]
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) {
	if int(v) >= len(verdictNames) {
		return nil, fmt.Errorf("%s is unknown", v)
	}
	return []byte(v.String()), nil
}

// UnmarshalText reads the name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a verdict", text)
}
