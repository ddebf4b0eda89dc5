// Verifies a release bundle with @sigstore/verify. Standard input is {bundle, keys}: the text of the bundle, and the public
// keys in PEM by their hint. Prints {payload}, the signed statement in base64, or {error} when the bundle is refused.
import { readFileSync } from 'node:fs';
import { createPublicKey } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';

const input = JSON.parse(readFileSync(0, 'utf8'));

function verify() {
  const keys = {};
  for (const [hint, pem] of Object.entries(input.keys)) {
    keys[hint] = { rawBytes: createPublicKey(pem).export({ type: 'spki', format: 'der' }) };
  }
  const nobody = TrustedRoot.fromJSON({ mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' });
  const verifier = new Verifier(toTrustMaterial(nobody, keys), { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 });
  const bundle = bundleFromJSON(JSON.parse(input.bundle));
  verifier.verify(toSignedEntity(bundle));
  return { payload: bundle.content.dsseEnvelope.payload.toString('base64') };
}

let result;
try {
  result = verify();
} catch (error) {
  result = { error: `${error.constructor.name}: ${error.message}` };
}
console.log(JSON.stringify(result));
