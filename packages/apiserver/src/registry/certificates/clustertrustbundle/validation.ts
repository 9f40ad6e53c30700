/** Compare pkg/apis/certificates/validation: ValidateClusterTrustBundle. */

import { X509Certificate } from 'node:crypto';
import { type ErrorList, invalid, Path, tooLong } from '@keelson/api/field';
import type { ClusterTrustBundle } from '@keelson/api/generated/types/certificates/v1beta1';
import { immutableField } from '../../validation/fields.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import { type PemBlock, readPem } from '../../validation/pem.ts';
import { validateSignerName } from '../../validation/signers.ts';

const SIGNER = Path.of('spec', 'signerName');
const BUNDLE = Path.of('spec', 'trustBundle');
const MAX_BUNDLE = 1024 * 1024;

export function validateClusterTrustBundle({ spec }: ClusterTrustBundle, parse = true): ErrorList {
  const { signerName = '', trustBundle } = spec;
  const errors: ErrorList = [];
  if (signerName !== '') errors.push(...validateSignerName(SIGNER, signerName));
  if (parse) errors.push(...validateTrustBundle(trustBundle));
  return errors;
}

function validateTrustBundle(text: string): ErrorList {
  if (Buffer.byteLength(text) > MAX_BUNDLE) return [tooLong(BUNDLE, MAX_BUNDLE)];
  const { blocks } = readPem(text);
  const wrong = (detail: string) => invalid(BUNDLE, '<value omitted>', detail);
  const errors = blocks.flatMap((block, i) => {
    const problem = anchorProblem(block);
    return problem ? [wrong(`entry ${i} ${problem}`)] : [];
  });
  if (errors.length > 0) return errors;
  if (blocks.length === 0) return [wrong('at least one trust anchor must be provided')];
  const places = Map.groupBy(blocks.keys(), (i) => blocks[i]!.der.toString('base64'));
  return [...places.values()]
    .filter((indices) => indices.length > 1)
    .map((indices) => wrong(`duplicate trust anchor (indices [${indices.join(' ')}])`));
}

function anchorProblem({ type, headers, der }: PemBlock): string | undefined {
  if (type !== 'CERTIFICATE') return `has bad block type: ${type}`;
  if (Object.keys(headers).length > 0) return 'has PEM block headers';
  try {
    return new X509Certificate(der).ca ? undefined : 'does not have the CA bit set';
  } catch {
    return 'does not parse as X.509';
  }
}

/** A bundle that does not change is not read again: what parses may differ between versions. */
export function validateClusterTrustBundleUpdate(obj: ClusterTrustBundle, old: ClusterTrustBundle): ErrorList {
  return [
    ...validateClusterTrustBundle(obj, obj.spec.trustBundle !== old.spec.trustBundle),
    ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
    ...immutableField(obj.spec.signerName ?? '', old.spec.signerName ?? '', SIGNER),
  ];
}
