package release

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Rule says who must sign a release.
type Rule struct {
	// Keys are those whose signatures count.
	Keys []PublicKey
	// Threshold is how many different ones of them must sign: at least 1.
	Threshold int
	// Excluded says of other keys why their signatures do not count, by id, for messages.
	Excluded map[string]error
}

// AnyOf is the rule that one of keys must sign.
func AnyOf(keys ...PublicKey) Rule { return Rule{Keys: keys, Threshold: 1} }

// Check returns the ids of the keys that signed the statement of a bundle, sorted and each once, if
// these are enough. Signatures by other keys do not count, and do no harm. What the statement says
// is for [Verify] to check.
func (r Rule) Check(b *Bundle) (signers []string, err error) {
	if r.Threshold < 1 {
		return nil, fmt.Errorf("%s would trust anybody", countSignatures(r.Threshold))
	}
	var problems []error
	for _, s := range b.Signatures {
		err := r.checkSignature(b.Payload, s)
		switch {
		case err != nil:
			problems = append(problems, err)
		case !slices.Contains(signers, s.KeyID):
			signers = append(signers, s.KeyID)
		}
	}
	slices.Sort(signers)
	if len(signers) >= r.Threshold {
		return signers, nil
	}
	if r.Threshold == 1 && len(problems) == 1 {
		return nil, problems[0]
	}
	return nil, &TooFewError{Signers: signers, Threshold: r.Threshold, Problems: problems}
}

// checkSignature checks one signature. The bundle's hint only chooses among keys.
func (r Rule) checkSignature(payload []byte, s Signature) error {
	if reason := r.Excluded[s.KeyID]; reason != nil {
		return fmt.Errorf("the key %s of the publisher %w", s.KeyID, reason)
	}
	i := slices.IndexFunc(r.Keys, func(k PublicKey) bool { return k.ID == s.KeyID })
	if i < 0 {
		return errors.New("bundle: verificationMaterial.publicKey.hint: the key " + strconv.Quote(s.KeyID) + " is not one of the publisher's keys")
	}
	key := r.Keys[i]
	if err := key.check(); err != nil {
		return fmt.Errorf("bundle: verificationMaterial.publicKey.hint: %w", err)
	}
	if !ed25519.Verify(key.Ed25519, preAuthEncoding(PayloadType, payload), s.Ed25519) {
		return errors.New("bundle: dsseEnvelope.signatures.0.sig: is not a signature of the payload by the key " + key.ID)
	}
	return nil
}

// TooFewError says that fewer keys signed a release than must.
type TooFewError struct {
	// Signers are the ids of those that did, Threshold is how many must.
	Signers   []string
	Threshold int
	// Problems are why other signatures do not count.
	Problems []error
}

func (e *TooFewError) Error() string {
	text := "the release has " + countSignatures(len(e.Signers)) + " of the " + strconv.Itoa(e.Threshold) + " that it must have"
	if len(e.Signers) > 0 {
		text += ", by " + strings.Join(e.Signers, ", ")
	}
	for _, p := range e.Problems {
		text += "; " + p.Error()
	}
	return text
}

// Unwrap returns the problems.
func (e *TooFewError) Unwrap() []error { return e.Problems }

func countSignatures(n int) string {
	if n == 1 {
		return "1 valid signature"
	}
	return strconv.Itoa(n) + " valid signatures"
}
