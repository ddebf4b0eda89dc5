// Package cedartest makes requests and policies for tests: the same ones for the same seed, in
// every run.
package cedartest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

// Requests returns one request for each action, in order.
func Requests() []gate.Request {
	service := gate.Service("media", "plex", "service")
	user := gate.User("ada", "platform", "staff")
	plugin := gate.Plugin("acme", "cache", "1.2.3", "sha256:00")
	return []gate.Request{
		{Principal: service, Action: gate.ActionAdmit, Resource: gate.KindOf("lattice.dev", "LatticeService")},
		{
			Principal: service, Action: gate.ActionExecute, Resource: gate.Target("kubernetes", "prod", "media"),
			Context: gate.Record{"indexStaleDays": int64(3)},
		},
		{Principal: service, Action: gate.ActionAccessSecret, Resource: gate.SecretPath("vault", "media/plex/db")},
		{Principal: service, Action: gate.ActionAccessVolume, Resource: gate.Volume("media", "library")},
		{Principal: service, Action: gate.ActionAccessExternalEndpoint, Resource: gate.ExternalEndpoint("api.example.com", 443, "https")},
		{Principal: service, Action: gate.ActionAccessNamespace, Resource: gate.NamespaceOf("shared")},
		{Principal: service, Action: gate.ActionOverrideSecurity, Resource: gate.SecurityOverride("capability", "capability:NET_ADMIN")},
		{Principal: service, Action: gate.ActionAllowWildcard, Resource: gate.Mesh("inbound")},
		{Principal: service, Action: gate.ActionSkipImageVerification, Resource: gate.ImageRef("nginx:1", "docker.io", "library/nginx", "1")},
		{Principal: service, Action: gate.ActionUseQueue, Resource: gate.Queue("batch")},
		{Principal: service, Action: gate.ActionEmitKind, Resource: gate.KindOf("", "Secret")},
		{Principal: user, Action: gate.ActionInstall, Resource: plugin, Context: gate.InstallContext(3, false, true)},
		{Principal: user, Action: gate.ActionGrant, Resource: plugin, Context: gate.GrantContext("http.get", "api.example.com", true)},
		{Principal: user, Action: gate.ActionRunRevoked, Resource: plugin},
		{Principal: plugin, Action: gate.ActionUseCapability, Resource: gate.CapabilityOf("http.get", "api.example.com")},
	}
}

// Random makes random requests and policies.
type Random struct{ r *rand.Rand }

// New returns a generator that begins with a seed.
func New(seed uint64) *Random { return &Random{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](g *Random, from ...T) T { return from[g.r.IntN(len(from))] }

// word returns text of the kind that attributes and ids have, sometimes one that is hard to write
// down.
func (g *Random) word() string {
	return pick(g, "media", "plex", "shop", "prod", "a", "api.example.com", "vault", "", `q"\u{7f}\`, "ä*\n")
}

func (g *Random) service() gate.Entity {
	return gate.Service(pick(g, "media", "shop", ""), pick(g, "plex", "cart", `q"\`), pick(g, "service", "job"))
}

func (g *Random) user() gate.Entity {
	groups := [][]string{nil, {"platform"}, {"platform", "staff"}, {"*"}}
	return gate.User(pick(g, "ada", "grace"), pick(g, groups...)...)
}

func (g *Random) plugin() gate.Entity {
	return gate.Plugin(pick(g, "acme", "shop"), pick(g, "cache", "a"), pick(g, "1.0.0", "2.0.0"), "sha256:"+pick(g, "00", "01"))
}

// Request returns a request that fits the schema.
func (g *Random) Request() gate.Request {
	r := pick(g, Requests()...)
	g.fill(&r)
	return r
}

func (g *Random) fill(r *gate.Request) {
	r.Principal = g.entity(r.Principal.Type)
	r.Resource = g.entity(r.Resource.Type)
	switch r.Action {
	case gate.ActionExecute:
		r.Context = pick(g, nil, gate.Record{"indexStaleDays": g.r.Int64N(100)})
	case gate.ActionInstall:
		r.Context = gate.InstallContext(g.r.Int64N(100), g.r.IntN(2) == 0, g.r.IntN(2) == 0)
	case gate.ActionGrant:
		r.Context = gate.GrantContext(g.word(), g.word(), g.r.IntN(2) == 0)
	}
}

func (g *Random) entity(of string) gate.Entity {
	switch of {
	case gate.TypeService:
		return g.service()
	case gate.TypeUser:
		return g.user()
	case gate.TypePlugin:
		return g.plugin()
	case gate.TypeSecretPath:
		return gate.SecretPath(pick(g, "vault", "aws"), pick(g, "media/plex", "shop/cart", "a*"))
	case gate.TypeVolume:
		return gate.Volume(pick(g, "media", "shop"), pick(g, "library", "a"))
	case gate.TypeExternalEndpoint:
		return gate.ExternalEndpoint(pick(g, "api.example.com", "*.example.com", "10.0.0.0/8"), pick[int64](g, 80, 443, 0, -1, 1<<52), pick(g, "tcp", "https"))
	case gate.TypeNamespace:
		return gate.NamespaceOf(pick(g, "media", "shop"))
	case gate.TypeSecurityOverride:
		return gate.SecurityOverride(pick(g, "pod", "capability"), pick(g, "hostNetwork", "capability:NET_ADMIN"))
	case gate.TypeMesh:
		return gate.Mesh(pick(g, "inbound", "outbound", "advertise"))
	case gate.TypeImageRef:
		return gate.ImageRef(pick(g, "nginx", "nginx:1"), "docker.io", "library/nginx", pick(g, "1", "latest"))
	case gate.TypeQueue:
		return gate.Queue(pick(g, "media", "shop"))
	case gate.TypeKind:
		return gate.KindOf(pick(g, "", "apps"), pick(g, "Secret", "Deployment"))
	case gate.TypeTarget:
		return gate.Target(pick(g, "kubernetes", "directory"), pick(g, "prod", "a"), pick(g, "media", "shop"))
	}
	return gate.CapabilityOf(pick(g, "http.get", "kv"), pick(g, "api.example.com", "shop"))
}

// Policy returns a policy that is likely to match a request with the action of r, and fits the
// schema most of the time.
func (g *Random) Policy(id string, r *gate.Request) string {
	about := *r
	if g.r.IntN(4) == 0 {
		about = pick(g, Requests()...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "@id(\"%s\")\n", id)
	effect := pick(g, "permit", "permit", "forbid")
	if effect == "permit" {
		b.WriteString("@reason(\"test\")\n")
	}
	action, single := g.actionScope(&about)
	fmt.Fprintf(&b, "%s (%s, %s, %s)", effect, g.scope("principal", about.Principal.Type), action, g.scope("resource", about.Resource.Type))
	for range g.r.IntN(3) {
		condition := g.general()
		if single {
			e := &expression{Random: g, about: &about}
			condition = e.boolean(1 + g.r.IntN(4))
		}
		fmt.Fprintf(&b, "\n%s { %s }", pick(g, "when", "when", "unless"), condition)
	}
	b.WriteString(";\n")
	return b.String()
}

// actionScope returns a scope, and whether it names the action of about alone.
func (g *Random) actionScope(about *gate.Request) (string, bool) {
	uid := action(about.Action)
	switch g.r.IntN(8) {
	case 0:
		return "action", false
	case 1:
		return "action in [" + uid + ", " + action(pick(g, Requests()...).Action) + "]", false
	case 2:
		return "action in [" + uid + "]", true
	case 3:
		return "action in " + uid, true
	}
	return "action == " + uid, true
}

func action(id string) string { return gate.Entity{Type: "Action", ID: id}.String() }

func typeName(of string) string { return gate.Namespace + "::" + of }

// scope returns the scope of a principal or a resource.
func (g *Random) scope(variable, of string) string {
	switch g.r.IntN(6) {
	case 0:
		return variable + " == " + g.entity(of).String()
	case 1:
		return variable + " in " + g.ancestor(of).String()
	case 2:
		return variable + " is " + typeName(of)
	case 3:
		return variable + " is " + typeName(of) + " in " + g.ancestor(of).String()
	}
	return variable
}

// ancestor returns what an entity may be in.
func (g *Random) ancestor(of string) gate.Entity {
	switch of {
	case gate.TypeUser:
		return pick(g, g.user(), gate.Entity{Type: gate.TypeGroup, ID: pick(g, "platform", "staff", "*")})
	case gate.TypePlugin:
		return pick(g, g.plugin(), gate.Entity{Type: gate.TypePublisher, ID: pick(g, "acme", "shop")})
	}
	return g.entity(of)
}

// general returns a condition that fits every action.
func (g *Random) general() string {
	return pick(g,
		`principal is Lattice::Service && principal.namespace == "media"`,
		`resource is Lattice::ExternalEndpoint && resource.port + 9223372036854775000 > 0`,
		`principal is Lattice::User && principal in Lattice::Group::"platform"`,
		`principal is Lattice::Plugin && principal.version like "1.*"`,
		`Lattice::Service::"media/plex".kind == "service"`,
		`resource is Lattice::Plugin in Lattice::Publisher::"acme"`,
		`if resource is Lattice::Kind then resource.group == "" else action == `+action(gate.ActionInstall),
	)
}
