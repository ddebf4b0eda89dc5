// Answers cases, one a line, with the Rust implementation of Cedar: which policies are invalid, and what the others decide.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [, , modules, schemaFile] = process.argv;
const cedar = createRequire(modules + "/")("@cedar-policy/cedar-wasm/nodejs");
const schema = readFileSync(schemaFile, "utf8");

// Reading the schema takes longer than all else, so that this many cases are checked against it at once.
const batchSize = 50;

function must(answer) {
  if (answer.type !== "success") {
    throw new Error(JSON.stringify(answer.errors));
  }
  return answer;
}

function parses(staticPolicies) {
  return cedar.checkParsePolicySet({ staticPolicies }).type === "success";
}

// without returns the policies that are not listed.
function without(policies, ids) {
  return Object.fromEntries(Object.entries(policies).filter(([id]) => !ids.has(id)));
}

// unreadable returns the ids of the policies that do not even parse.
function unreadable(policies) {
  if (parses(policies)) {
    return new Set();
  }
  return new Set(Object.keys(policies).filter((id) => !parses({ [id]: policies[id] })));
}

// check returns a set of the ids of invalid policies for each case.
function check(cases) {
  const invalid = cases.map(({ policies }) => unreadable(policies));
  const all = {};
  cases.forEach(({ policies }, i) => {
    for (const [id, text] of Object.entries(without(policies, invalid[i]))) {
      all[`${i} ${id}`] = text;
    }
  });
  const answer = must(cedar.validate({ schema, policies: { staticPolicies: all }, validationSettings: { mode: "strict" } }));
  for (const { policyId } of answer.validationErrors) {
    const [i, id] = policyId.split(" ");
    invalid[i].add(id);
  }
  return invalid;
}

// decide decides by the policies that neither of the two refuses.
function decide({ policies, refused, request }, invalid) {
  const staticPolicies = without(without(policies, invalid), new Set(refused));
  must(cedar.preparsePolicySet("policies", { staticPolicies }));
  const { response } = must(
    cedar.statefulIsAuthorized({ ...request, preparsedSchemaName: "schema", validateRequest: true, preparsedPolicySetId: "policies" }),
  );
  return {
    invalid: [...invalid].sort(),
    decision: response.decision,
    reasons: [...response.diagnostics.reason].sort(),
    errors: response.diagnostics.errors.map((e) => e.policyId).sort(),
  };
}

const cases = readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
must(cedar.preparseSchema("schema", schema));
const lines = [JSON.stringify({ version: cedar.getCedarVersion() })];
for (let i = 0; i < cases.length; i += batchSize) {
  const batch = cases.slice(i, i + batchSize);
  const invalid = check(batch);
  batch.forEach((c, j) => lines.push(JSON.stringify(decide(c, invalid[j]))));
}
process.stdout.write(lines.join("\n") + "\n");
