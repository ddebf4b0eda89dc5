package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// readConsent reads the values of --grant, each the name of a capability or a file with grants, and
// lets somebody at the terminal agree to the rest.
func (a *app) readConsent(ctx context.Context, grants []string) (market.Consent, error) {
	consent := market.Consent{Source: "--grant", Plugins: map[string][]market.Grant{}, Ask: a.asksConsent(ctx)}
	capabilities := market.GrantNames()
	for _, grant := range grants {
		if slices.Contains(capabilities, grant) {
			consent.Names = append(consent.Names, grant)
			continue
		}
		if _, err := os.Stat(grant); err != nil {
			return consent, inputf("%q is neither a capability, which are %s, nor a file with grants", grant, strings.Join(capabilities, ", "))
		}
		data, err := readFile(grant, market.MaxConsentBytes)
		if err != nil {
			return consent, err
		}
		document, err := market.ParseConsent(grant, data)
		if err != nil {
			return consent, problem.With(problem.Invalid, err)
		}
		for plugin, granted := range document.Plugins {
			consent.Plugins[plugin] = append(consent.Plugins[plugin], granted...)
		}
		consent.Source = "the file " + grant
	}
	return consent, nil
}

// asksConsent returns what asks somebody at the terminal, or nil when no one is there.
func (a *app) asksConsent(ctx context.Context) func(market.Question) (bool, error) {
	f, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(q market.Question) (bool, error) { return askConsent(ctx, f, a.stderr, q) }
}

// askConsent asks whether a plugin may have what it asks for. Anything other than yes or y is no.
func askConsent(ctx context.Context, from io.Reader, to io.Writer, q market.Question) (bool, error) {
	fmt.Fprintf(to, "%s, which %s signed and the index %s lists,%s\n", q.Manifest.Reference(), strings.Join(q.KeyIDs, " and "), q.Index, describeUpdate(q.Previous))
	for _, part := range []struct {
		sign   string
		grants []market.Grant
	}{{"+", q.New}, {" ", q.Kept}, {"-", q.Dropped}} {
		for _, g := range part.grants {
			line := "  " + part.sign + " " + g.Words()
			if part.sign == "+" {
				line += fmt.Sprintf(", because %q", q.Reason(g.Name))
			}
			fmt.Fprintln(to, printable(line))
		}
	}
	fmt.Fprint(to, "agree? [yes/no] ")
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil && line == "" {
		return false, ctx.Err()
	}
	answer := strings.TrimSpace(strings.ToLower(line))
	return answer == "yes" || answer == "y", ctx.Err()
}

func describeUpdate(previous string) string {
	if previous == "" {
		return " wants more than to compute:"
	}
	return " wants more than " + previous + ":"
}
