package networkpolicy

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// istioPolicies emits who may enter through the tunnel, and which ports take plaintext.
func (d *member) istioPolicies(resp *sdk.Response) {
	d.emitInbound(resp)
	plaintext := mesh.Ports(d.LatticeMeshMember, mesh.Permissive, mesh.Webhook)
	if len(plaintext) == 0 {
		return
	}
	resp.Emit(d.allow("allow-plaintext-", nil, plaintext))
	resp.Emit(d.permissive(plaintext))
}

// emitInbound says who may call the member, also where that is no one.
func (d *member) emitInbound(resp *sdk.Response) {
	principals, everyone := d.principals(resp)
	policy := mesh.AllowNothing(d.meta("allow-to-"))
	policy.Spec.Selector = mesh.PodSelector(d.LatticeMeshMember)
	if ports := mesh.Ports(d.LatticeMeshMember); len(ports) > 0 && (len(principals) > 0 || everyone) {
		if everyone {
			principals = nil
		}
		policy.Spec.Rules = append(policy.Spec.Rules, mesh.Rule(principals, ports))
	}
	if ports := d.scraped(); len(ports) > 0 {
		scraper := mesh.Scraper()
		principal := mesh.Principal(d.trustDomain, scraper.Metadata.Namespace, mesh.Account(scraper))
		policy.Spec.Rules = append(policy.Spec.Rules, mesh.Rule([]string{principal}, ports))
	}
	resp.Emit(policy)
}

// scraped returns the ports that the platform's monitoring reads.
func (d *member) scraped() []int64 {
	var numbers []int64
	if !d.monitoring {
		return nil
	}
	for _, p := range mesh.Select(d.LatticeMeshMember, func(p *lattice.MemberPort) bool {
		return p.Name == mesh.MetricsPort && mesh.Carried(p)
	}) {
		numbers = append(numbers, p.Number)
	}
	return numbers
}

// principals returns the identities that may call the member, sorted, each once, or that everyone
// with an identity may: callers of other clusters cannot be named when the member is advertised to
// all.
func (d *member) principals(resp *sdk.Response) (principals []string, everyone bool) {
	add := func(namespace, account string) {
		principals = mesh.Insert(principals, mesh.Principal(d.trustDomain, namespace, account), strings.Compare)
	}
	for _, caller := range d.inbound {
		add(caller.Metadata.Namespace, mesh.Account(caller.LatticeMeshMember))
	}
	if d.Spec.AllowPeerTraffic {
		add(d.Metadata.Namespace, mesh.Account(d.LatticeMeshMember))
	}
	if d.Spec.Advertise == nil {
		return principals, false
	}
	for i, allowed := range d.Spec.Advertise.AllowedServices {
		namespace, name, _ := strings.Cut(allowed, "/")
		switch {
		case allowed == mesh.Any:
			everyone = true
		case namespace == "" || name == "" || strings.Contains(name, "/"):
			resp.Error("spec.advertise.allowedServices."+strconv.Itoa(i), strconv.Quote(allowed)+
				" is neither namespace/name nor *")
		default:
			add(namespace, name)
		}
	}
	return principals, everyone
}

func (d *member) allow(prefix string, principals []string, ports []int64) *kube.AuthorizationPolicy {
	policy := mesh.Allow(d.meta(prefix), principals, ports)
	policy.Spec.Selector = mesh.PodSelector(d.LatticeMeshMember)
	return policy
}

// permissive takes plaintext on some ports and nothing but mutual TLS on the others.
func (d *member) permissive(ports []int64) *kube.PeerAuthentication {
	policy := &kube.PeerAuthentication{
		Object: kube.NewObject("security.istio.io/v1", "PeerAuthentication", d.meta("permissive-")),
		Spec: kube.PeerAuthenticationSpec{
			Selector: mesh.PodSelector(d.LatticeMeshMember), MTLS: &kube.MTLS{Mode: "STRICT"},
		},
	}
	for _, port := range mesh.PortTexts(ports) {
		policy.Spec.PortLevelMTLS.Set(port, kube.MTLS{Mode: "PERMISSIVE"})
	}
	return policy
}
