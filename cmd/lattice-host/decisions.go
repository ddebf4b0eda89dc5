package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/gate"
)

// actionWords say what is asked with an action; %s is the thing.
func actionWords() map[string]string {
	return map[string]string{
		gate.ActionAccessSecret:           "read the secret %s",
		gate.ActionAccessVolume:           "mount the volume %s",
		gate.ActionAccessExternalEndpoint: "connect to %s",
		gate.ActionAccessNamespace:        "put an object into the namespace %s",
		gate.ActionOverrideSecurity:       "give up a protection: %s",
		gate.ActionAllowWildcard:          "open the mesh to everybody, %s",
		gate.ActionSkipImageVerification:  "run an image that nothing pins: %s",
		gate.ActionUseQueue:               "wait in the queue %s",
		gate.ActionEmitKind:               "make an object of the kind %s",
		gate.ActionAdmit:                  "be derived, as a %s",
		gate.ActionExecute:                "be applied to %s",
		gate.ActionInstall:                "install the plugin %s",
		gate.ActionGrant:                  "give a capability to the plugin %s",
		gate.ActionRunRevoked:             "run the plugin %s although it is revoked",
		gate.ActionUseCapability:          "use the capability %s",
	}
}

// principalWords say who asks.
func principalWords() map[string]string {
	return map[string]string{
		gate.TypeService: "the document %s", gate.TypeUser: "the user %s", gate.TypePlugin: "the plugin %s",
	}
}

var entityForm = regexp.MustCompile(`^` + gate.Namespace + `::([A-Za-z]+)::(".*")$`)

// entityWords returns the type and the id of an entity as a reason names it.
func entityWords(entity string) (kind, id string) {
	m := entityForm.FindStringSubmatch(entity)
	if m == nil {
		return "", entity
	}
	id, err := strconv.Unquote(m[2])
	if err != nil {
		return m[1], m[2]
	}
	return m[1], strings.TrimPrefix(id, "/")
}

// asked says in words what a reason answers; empty when it answers no question.
func asked(r *gate.Reason) string {
	if r.Action == "" {
		return ""
	}
	_, id := entityWords(r.Resource)
	words, ok := actionWords()[r.Action]
	if !ok {
		return r.Action + " " + r.Resource
	}
	return fmt.Sprintf(words, id)
}

// askedBy returns who asked for what a reason answers.
func askedBy(r *gate.Reason) string {
	kind, id := entityWords(r.Principal)
	words, ok := principalWords()[kind]
	if !ok {
		return r.Principal
	}
	return fmt.Sprintf(words, id)
}

// verdictWords say how a question was answered.
func verdictWords() map[gate.Verdict]string {
	return map[gate.Verdict]string{
		gate.Allow: "allowed", gate.NoOpinion: "denied: no policy permits it", gate.Deny: "denied", gate.Error: "denied: a policy failed",
	}
}

// pointWords say what a gate judges.
func pointWords() map[gate.Point]string {
	return map[gate.Point]string{
		gate.Install: "the installation of", gate.Admit: "the document", gate.Capability: "a capability of", gate.Outputs: "what derives from",
		gate.Execute: "the application of",
	}
}

// whereToAllow says what to do with advice.
const whereToAllow = "to allow it, put this into a .cedar file in the folder " + engine.PoliciesFolder + " of the installation, or in one that --policies names:"

// writeDecisions writes decisions for people.
func writeDecisions(w io.Writer, decisions []*gate.Decision) {
	for i, d := range decisions {
		if i > 0 {
			fmt.Fprintln(w)
		}
		writeDecision(w, d)
	}
}

func writeDecision(w io.Writer, d *gate.Decision) {
	verdict := "allowed"
	if !d.Allowed() {
		verdict = "denied"
	}
	what, ok := pointWords()[d.Point]
	if !ok {
		what = string(d.Point)
	}
	fmt.Fprintf(w, "%s: %s %s  (gate %s, %s)\n", verdict, what, printable(d.Subject), printable(string(d.Point)), printable(d.ID))
	for i := range d.Reasons {
		writeReason(w, d.Subject, &d.Reasons[i], verdictWords()[d.Reasons[i].Verdict])
	}
	for i := range d.Warnings {
		writeReason(w, d.Subject, &d.Warnings[i], "warning")
	}
	if len(d.Reasons)+len(d.Warnings) == 0 {
		fmt.Fprintln(w, "  nothing was asked, and no rule objects")
	}
}

// writeReason writes one reason of a decision about a subject.
func writeReason(w io.Writer, subject string, r *gate.Reason, verdict string) {
	what := asked(r)
	if what == "" {
		what = titleOf(r)
	}
	fmt.Fprintf(w, "  %s\n", printable(what))
	var rows [][]string
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{"    " + name, value})
		}
	}
	add("answer", verdict)
	if r.Action != "" {
		add("asked by", askedBy(r))
	}
	object := r.Object
	if object == "" && r.Path != "" {
		object = subject
	}
	add("for", object)
	add("field", r.Path)
	add("consent", consentOf(r))
	add("by", decider(r))
	if r.Action != "" {
		add("title", r.Title)
	}
	add("severity", r.Severity)
	add("says", r.Message)
	table(w, rows)
	writeAdvice(w, r.Advice)
}

// consentOf says where the owner of a volume consents; of a decision that was kept it is only known
// who may have written it.
func consentOf(r *gate.Reason) string {
	switch {
	case r.Note != "" || r.Consent == "":
		return r.Note
	case r.Consent == string(gate.FromPolicies):
		return "of a document among the policies"
	case r.Consent == string(gate.FromRun):
		return "of a document that was derived in the same run"
	}
	return "of a document that was given with --with"
}

// titleOf names what a rule is about.
func titleOf(r *gate.Reason) string {
	for _, s := range []string{r.Title, r.Policy} {
		if s != "" {
			return s
		}
	}
	return "a rule of " + r.Engine
}

// decider says who gave a reason, and where that is written.
func decider(r *gate.Reason) string {
	switch {
	case r.Engine == "host":
		return "lattice-host itself, which no policy can change"
	case r.Policy == "" && r.Position == "":
		return ""
	case r.Policy == "":
		return r.Position
	case r.Position == "":
		return r.Engine + " policy " + r.Policy
	}
	return r.Engine + " policy " + r.Policy + " at " + r.Position
}

// writeAdvice writes the policy that would allow what was asked.
func writeAdvice(w io.Writer, advice string) {
	if advice == "" {
		return
	}
	fmt.Fprintf(w, "    %s\n", whereToAllow)
	for line := range strings.Lines(advice) {
		fmt.Fprintf(w, "      %s\n", printable(strings.TrimRight(line, "\n")))
	}
}
