// Verifies release bundles with @sigstore/verify. Each line of standard input is {bundle, keys}: the text of a bundle, and
// public keys in PEM by their hint. Answers with a line {payload}, the signed statement in base64, or {error} when the
// bundle is refused.
import { createPublicKey } from 'node:crypto';
import { createInterface } from 'node:readline';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';

function verify(input) {
  const keys = {};
  for (const [hint, pem] of Object.entries(input.keys)) {
    keys[hint] = { rawBytes: createPublicKey(pem).export({ type: 'spki', format: 'der' }) };
  }
  const noRoot = TrustedRoot.fromJSON({ mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' });
  const verifier = new Verifier(toTrustMaterial(noRoot, keys), { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 });
  const bundle = bundleFromJSON(JSON.parse(input.bundle));
  verifier.verify(toSignedEntity(bundle));
  return { payload: bundle.content.dsseEnvelope.payload.toString('base64') };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = verify(JSON.parse(line));
  } catch (error) {
    answer = { error: `${error.constructor.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer));
}
