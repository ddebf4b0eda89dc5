// Package facts finds what has to be asked about the outputs of a derivation.
//
// It reads what came out, anyone who emitted it, and never what a plugin says about itself: every
// key of a secret store, every target outside the mesh, every protection that a container goes
// without, every image that nothing pins, every wildcard, every volume, queue and namespace of
// others. What the API server would fill in counts as much as what is written: a container without
// a security context asks for everything that such a container may do.
//
// The package fails closed. The kinds that it reads are a list; an output of any other kind is
// asked about as a whole, with [gate.ActionEmitKind], and so is an output of a kind on the list in
// which something has another form than it should, or a field that a pod is not known to have. What
// is found inside it is asked about all the same.
//
// Some questions need more than the object that gives rise to them:
//
//   - A Secret is of the bundle when it, or an ExternalSecret or a Certificate that makes it, is
//     among the outputs. Reading any other one is a question about the provider kubernetes.
//   - Credentials for registries are the platform's, and not asked about, when an ExternalSecret
//     copies them as they are into a Secret of the type kubernetes.io/dockerconfigjson and pods
//     name that Secret under imagePullSecrets, and nothing in the bundle names it anywhere else. A
//     template that puts them together can put any secret into them, and is asked about.
//   - A policy, a budget or a scaler must be about the bundle's own pods; one that is about the
//     pods of others is asked about as a whole.
//   - Traffic to every address on the port of the mesh's tunnel is not a wildcard, because the mesh
//     decides at its end who may pass. It is one for pods that opt out of the mesh.
//   - A volume of another service is refused without asking as long as its owner does not consent.
package facts
