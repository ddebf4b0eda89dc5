// Package policy reads the policies of a host and puts what happens before them.
//
// A [Set] holds Cedar policies, Rego rules and quotas, from files and folders:
//
//	*.cedar                 Cedar policies
//	*.rego                  Rego rules
//	data.json, data.yaml    what rules read as data
//	*.yaml, *.yml, *.json   CedarPolicy and LatticeQuota documents
//	*_test.rego             tests of rules, *_test.yaml, *_test.yml and *_test.json those of Cedar policies: see [Test].
//	                        They are not loaded to judge
//
// With them, unless left out, come the policies of this package: they permit what the services of a
// namespace plainly need among themselves, and nothing else.
//
// A Set judges at the gates: [Set.Install], [Judge.Admit], [Set.Capability], [Judge.Outputs] and
// [Judge.Execute]. Each gives a [gate.Decision], whatever goes wrong.
package policy
