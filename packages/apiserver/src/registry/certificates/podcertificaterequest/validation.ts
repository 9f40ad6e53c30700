/** Compare pkg/apis/certificates/validation: ValidatePodCertificateRequestCreate. */

import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, OMIT_VALUE, Path, required, tooLong } from '@keelson/api/field';
import type {
  PodCertificateRequest,
  PodCertificateRequestSpec,
} from '@keelson/api/generated/types/certificates/v1beta1';
import { isDomainPrefixedKey } from '@keelson/api/validation/domains';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { isKubernetesSigner, validateSignerName } from '../../validation/signers.ts';
import { parseRequest, signatureProblem } from '../request.ts';

const SPEC = Path.of('spec');
export const PKIX = SPEC.child('pkixPublicKey');
export const PKCS10 = SPEC.child('stubPKCS10Request');
const POSSESSION = SPEC.child('proofOfPossession');
const MAX_UID = 128;
const MAX_KEY = 10 * 1024;
const MAX_ANNOTATIONS = 256 * 1024;
const HOUR = 3600;
const DAY = 24 * HOUR;

export function validatePodCertificateRequest({ spec }: PodCertificateRequest): ErrorList {
  const errors = [
    ...validateSignerName(SPEC.child('signerName'), spec.signerName),
    ...validateUserAnnotations(spec.unverifiedUserAnnotations, SPEC.child('unverifiedUserAnnotations')),
    ...validateReference(spec.podName, spec.podUID, 'podName', 'podUID'),
    ...validateReference(spec.serviceAccountName, spec.serviceAccountUID, 'serviceAccountName', 'serviceAccountUID'),
    ...validateReference(spec.nodeName, spec.nodeUID, 'nodeName', 'nodeUID'),
  ];
  const { maxExpirationSeconds } = spec;
  const path = SPEC.child('maxExpirationSeconds');
  if (maxExpirationSeconds === undefined) return [...errors, required(path, 'must be set')];
  const max = isKubernetesSigner(spec.signerName) ? DAY : 91 * DAY;
  if (maxExpirationSeconds < HOUR || maxExpirationSeconds > max)
    errors.push(invalid(path, maxExpirationSeconds, `must be in the range [${HOUR}, ${max}]`));
  return [...errors, ...validateKey(spec)];
}

export function validateUserAnnotations(annotations: Record<string, string> | undefined, path: Path): ErrorList {
  const entries = Object.entries(annotations ?? {});
  const size = entries.reduce((sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v), 0);
  return [
    ...entries.flatMap(([key]) => isDomainPrefixedKey(path, key.toLowerCase())),
    ...(size > MAX_ANNOTATIONS ? [tooLong(path, MAX_ANNOTATIONS)] : []),
  ];
}

function validateReference(name: string, uid: string, nameField: string, uidField: string): ErrorList {
  const path = SPEC.child(uidField);
  const errors = invalidFor(SPEC.child(nameField), name, nameIsDNSSubdomain(name, false));
  if (uid === '') errors.push(invalid(path, uid, 'must not be empty'));
  if (Buffer.byteLength(uid) > MAX_UID) errors.push(tooLong(path, MAX_UID));
  return errors;
}

function validateKey(spec: PodCertificateRequestSpec): ErrorList {
  const given = [spec.stubPKCS10Request, spec.pkixPublicKey, spec.proofOfPossession]
    .map((v) => (v ? 'x' : '-'))
    .join('');
  if (given === 'x--') return validateStub(bytes(spec.stubPKCS10Request));
  if (given === '-xx') return validatePublicKey(spec);
  return [
    invalid(SPEC, OMIT_VALUE, 'exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set'),
  ];
}

const bytes = (base64: string | null) => Buffer.from(base64 ?? '', 'base64');

function validateStub(der: Buffer): ErrorList {
  if (der.length > MAX_KEY) return [tooLong(PKCS10, MAX_KEY)];
  try {
    const request = parseRequest(der);
    if (!request.publicKey)
      return [invalid(PKCS10, OMIT_VALUE, 'unknown public key type; supported types are Ed25519, ECDSA, and RSA')];
    const problem = keyProblem(request.publicKey, 'P256, P384, or P521');
    if (problem) return [invalid(PKCS10, ...problem)];
    return signatureProblem(request) ? [invalid(PKCS10, OMIT_VALUE, 'invalid signature')] : [];
  } catch {
    return [invalid(PKCS10, OMIT_VALUE, 'must be a valid PKCS#10 CSR')];
  }
}

function validatePublicKey({ pkixPublicKey, proofOfPossession, podUID }: PodCertificateRequestSpec): ErrorList {
  const der = bytes(pkixPublicKey);
  const proof = bytes(proofOfPossession);
  if (der.length > MAX_KEY) return [tooLong(PKIX, MAX_KEY)];
  if (proof.length > MAX_KEY) return [tooLong(POSSESSION, MAX_KEY)];
  const key = parsePublicKey(der);
  if (!key) return [invalid(PKIX, pkixPublicKey, 'must be a valid PKIX-serialized public key')];
  const problem = keyProblem(key, 'P256 or P384');
  if (problem) return [invalid(PKIX, ...problem)];
  return proves(key, podUID, proof)
    ? []
    : [invalid(POSSESSION, OMIT_VALUE, 'could not verify proof-of-possession signature')];
}

export function parsePublicKey(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  secp224r1: 'P-224',
};

/** The value to show and what is wrong with it. */
function keyProblem(key: KeyObject, curves: string): [string, string] | undefined {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const curve = CURVES[namedCurve] ?? namedCurve;
  if (key.asymmetricKeyType === 'ec' && !['P-256', 'P-384', 'P-521'].includes(curve))
    return [`curve ${curve}`, `elliptic public keys must use curve ${curves}`];
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== 3072 && modulusLength !== 4096)
    return [`${modulusLength}-bit modulus`, 'RSA keys must have modulus size 3072 or 4096'];
  return undefined;
}

/** All but Ed25519 sign the pod UID's hash. */
function proves(key: KeyObject, podUID: string, proof: Buffer): boolean {
  if (key.asymmetricKeyType === 'ed25519') return verify(null, Buffer.from(podUID), key, proof);
  const padding = key.asymmetricKeyType === 'rsa' ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  return verify('sha256', Buffer.from(podUID), { key, ...padding }, proof);
}

export function validatePodCertificateRequestUpdate(obj: PodCertificateRequest, old: PodCertificateRequest): ErrorList {
  if (semanticEqual(obj.spec, old.spec)) return [];
  const shown = internalValue('io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec', obj.spec);
  return [invalid(SPEC, shown, 'field is immutable')];
}
