package market

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
	"github.com/latticenet/lattice-host/registry/lock"
)

// ErrNeedsConsent marks a plugin that asks for a capability that no one granted.
var ErrNeedsConsent = problem.New(problem.Denied, "needs consent")

// MaxConsentBytes is the largest document of grants.
const MaxConsentBytes = 1 << 20

// Consent is what an operator grants in advance.
type Consent struct {
	// Names are capabilities that every plugin of an install gets, with whatever hosts and kinds it
	// asks for.
	Names []string
	// Plugins are what single plugins get, by publisher/name.
	Plugins map[string][]Grant
	// Source says where the consent comes from, for the receipt.
	Source string
	// Ask asks somebody who is there. Nil asks no one.
	Ask func(Question) (bool, error)
}

// Question is what somebody is asked before a plugin gets more than it had.
type Question struct {
	// Manifest is that of the release, KeyIDs are the keys that signed it, and Index is the name of
	// the index that it comes from.
	Manifest *abi.Manifest
	KeyIDs   []string
	Index    string
	// Previous is the version that is installed, or empty.
	Previous string
	// New is what the release asks for and was not granted, Kept what was, Dropped what it asks for
	// no more.
	New, Kept, Dropped []Grant
}

// consentDocument is the form of a file with grants:
//
//	apiVersion: lattice.dev/v1
//	kind: Grants
//	spec:
//	  plugins:
//	    - plugin: acme/prices
//	      capabilities: [{name: http.get, hosts: [prices.example.com]}, {name: kv}]
type consentDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		Plugins []struct {
			Plugin       string  `json:"plugin"`
			Capabilities []Grant `json:"capabilities"`
		} `json:"plugins"`
	} `json:"spec"`
}

// ParseConsent reads a document of grants, YAML or JSON, strictly.
func ParseConsent(file string, data []byte) (*Consent, error) {
	r, documents := yamldoc.Open(file, data, MaxConsentBytes)
	if len(documents) != 1 && len(r.Problems) == 0 {
		r.Fail(yamldoc.Place{}, "", fmt.Sprintf("must hold one document of grants, not %d", len(documents)))
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	var d consentDocument
	r.Object = "Grants"
	r.Decode(documents[0], &d)
	c := &Consent{Plugins: map[string][]Grant{}, Source: file}
	if len(r.Problems) == 0 {
		d.read(c, func(field, message string) { r.Fail(documents[0].Locate(field), field, message) })
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// read adds the grants to c, and reports what is wrong with them.
func (d *consentDocument) read(c *Consent, fail func(field, message string)) {
	if d.APIVersion != "lattice.dev/v1" || d.Kind != "Grants" {
		fail("kind", fmt.Sprintf("is %s of %s, must be Grants of lattice.dev/v1", problem.Quote(d.Kind), problem.Quote(d.APIVersion)))
		return
	}
	for i, p := range d.Spec.Plugins {
		at := "spec.plugins." + strconv.Itoa(i)
		publisher, name, _ := strings.Cut(p.Plugin, "/")
		if !abi.ValidName(publisher) || !abi.ValidName(name) {
			fail(at+".plugin", problem.Quote(p.Plugin)+" must be publisher/name")
		}
		if _, twice := c.Plugins[p.Plugin]; twice {
			fail(at+".plugin", problem.Quote(p.Plugin)+" is a duplicate; keep one")
		}
		for j, g := range p.Capabilities {
			if err := checkGrant(g.Name); err != nil {
				fail(fmt.Sprintf("%s.capabilities.%d.name", at, j), err.Error())
			}
		}
		c.Plugins[p.Plugin] = p.Capabilities
	}
}

// check refuses names that are not capabilities.
func (c *Consent) check() error {
	var problems []error
	for _, name := range c.Names {
		problems = append(problems, checkGrant(name))
	}
	return errors.Join(problems...)
}

// covers reports whether the consent in advance is enough for what a plugin asks for.
func (c *Consent) covers(path string, asked []Grant) bool {
	rest := missing(asked, c.Plugins[path])
	return !slices.ContainsFunc(rest, func(g Grant) bool { return !slices.Contains(c.Names, g.Name) })
}

// consent returns the receipt for a release that was verified: the one there is, or a new one when
// what the release asks for is no more than was granted before, is granted in advance, or is
// granted by somebody who is asked. The error wraps [ErrNeedsConsent].
func (h *Home) consent(m *abi.Manifest, entry lock.Plugin, previous *lock.Plugin, c *Consent) (*receipt, error) {
	asked := requested(m)
	r, err := newReceipt(entry, asked)
	if err != nil {
		return nil, err
	}
	// What was granted to an older version and given up since is not had again.
	if previous == nil || h.receiptFile(receiptOf(*previous)) == h.receiptFile(r) {
		if present, err := h.readReceipt(r); err == nil {
			return present, nil
		}
	}
	before := h.grantedBefore(entry, previous)
	q := Question{Manifest: m, KeyIDs: entry.Signers(), Index: entry.Index, New: missing(asked, before), Dropped: missing(before, asked)}
	q.Kept = missing(asked, q.New)
	if previous != nil {
		q.Previous = previous.Version
	}
	r.GrantedAt = lock.Date(h.now())
	switch {
	case len(asked) == 0:
		r.GrantedBy = "not needed: it asks for nothing"
		return r, nil
	case len(q.New) == 0:
		r.GrantedBy = "an earlier consent: it asks for no more"
		return r, nil
	case c.covers(entry.Path(), asked):
		r.GrantedBy = c.Source
		return r, nil
	case c.Ask != nil:
		yes, err := c.Ask(q)
		if err != nil {
			return nil, err
		}
		if yes {
			r.GrantedBy = "somebody at the terminal"
			return r, nil
		}
	}
	return nil, q.refusal()
}

// grantedBefore returns what was granted to the installed version of a plugin, when its index is
// that of the new one, and all who signed it signed the new one as well: consent is given to
// somebody.
func (h *Home) grantedBefore(entry lock.Plugin, previous *lock.Plugin) []Grant {
	if previous == nil || previous.Index != entry.Index {
		return nil
	}
	for _, id := range previous.Signers() {
		if !slices.Contains(entry.Signers(), id) {
			return nil
		}
	}
	r, err := h.readReceipt(receiptOf(*previous))
	if err != nil {
		return nil
	}
	return r.Capabilities
}

// Reason returns what the plugin says that it wants a capability for.
func (q *Question) Reason(capability string) string { return reasonFor(q.Manifest, capability) }

// refusal returns one error for each capability that no one granted.
func (q *Question) refusal() error {
	var problems []error
	for _, g := range q.New {
		now := ""
		if q.Previous != "" {
			now = ", which " + q.Previous + " may not"
		}
		problems = append(problems, fmt.Errorf("%s: %w: it %s%s, because %s: grant it with --grant %s, or with --grant FILE",
			q.Manifest.Reference(), ErrNeedsConsent, strings.Replace(g.Words(), "may", "wants to", 1), now,
			strconv.Quote(q.Reason(g.Name)), g.Name))
	}
	return errors.Join(problems...)
}
