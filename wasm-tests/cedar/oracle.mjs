// Answers cases, one a line, with the Rust implementation of Cedar: which policies are invalid, and what the others decide.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , modules, schemaFile] = process.argv;
const cedar = createRequire(modules + "/")("@cedar-policy/cedar-wasm/nodejs");
const schema = readFileSync(schemaFile, "utf8");

function must(answer) {
  if (answer.type !== "success") {
    throw new Error(JSON.stringify(answer.errors));
  }
  return answer;
}

// without returns the policies that are not listed.
function without(policies, ids) {
  return Object.fromEntries(Object.entries(policies).filter(([id]) => !ids.has(id)));
}

function parses(staticPolicies) {
  return cedar.checkParsePolicySet({ staticPolicies }).type === "success";
}

// unreadable returns the ids of the policies that do not even parse.
function unreadable(policies) {
  if (parses(policies)) {
    return new Set();
  }
  return new Set(Object.keys(policies).filter((id) => !parses({ [id]: policies[id] })));
}

function answer({ policies, request }) {
  const invalid = unreadable(policies);
  const staticPolicies = without(policies, invalid);
  const validation = must(cedar.validate({ schema, policies: { staticPolicies }, validationSettings: { mode: "strict" } }));
  for (const e of validation.validationErrors) {
    invalid.add(e.policyId);
  }
  const { response } = must(
    cedar.isAuthorized({ ...request, schema, validateRequest: true, policies: { staticPolicies: without(policies, invalid) } }),
  );
  return {
    invalid: [...invalid].sort(),
    decision: response.decision,
    reasons: [...response.diagnostics.reason].sort(),
    errors: response.diagnostics.errors.map((e) => e.policyId).sort(),
  };
}

process.stdout.write(JSON.stringify({ version: cedar.getCedarVersion() }) + "\n");
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
