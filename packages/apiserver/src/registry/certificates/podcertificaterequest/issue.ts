/** Compare pkg/apis/certificates/validation: ValidatePodCertificateRequestStatusUpdate. */

import { type KeyObject, X509Certificate } from 'node:crypto';
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, notSupported, OMIT_VALUE, Path, required, tooLong } from '@keelson/api/field';
import type {
  PodCertificateRequest,
  PodCertificateRequestSpec,
  PodCertificateRequestStatus,
} from '@keelson/api/generated/types/certificates/v1beta1';
import type { Condition } from '@keelson/api/generated/types/meta/v1';
import { millisOf } from '@keelson/api/time';
import { validateConditions } from '../../validation/conditions.ts';
import { readPem } from '../../validation/pem.ts';
import { parseRequest } from '../request.ts';
import { PKCS10, PKIX, parsePublicKey } from './validation.ts';

const STATUS = Path.of('status');
const CONDITIONS = STATUS.child('conditions');
const CHAIN = STATUS.child('certificateChain');
const NOT_BEFORE = STATUS.child('notBefore');
const NOT_AFTER = STATUS.child('notAfter');
const BEGIN_REFRESH = STATUS.child('beginRefreshAt');
const MAX_CHAIN = 100 * 1024;
const MINUTE = 60_000;
const FINAL = ['Issued', 'Denied', 'Failed'];

export function validateIssue(
  { spec, status }: PodCertificateRequest,
  old: PodCertificateRequest,
  now: Date,
): ErrorList {
  const conditions = status.conditions ?? [];
  const errors = [...validateFinalConditions(conditions), ...validateConditions(conditions, CONDITIONS)];
  if (errors.length > 0) return errors;
  const kept = (detail: string) => (semanticEqual(status, old.status) ? [] : [invalid(STATUS, OMIT_VALUE, detail)]);
  if (FINAL.some((type) => isTrue(old.status, type)))
    return kept('immutable after PodCertificateRequest is issued, denied, or failed');
  if (isTrue(status, 'Denied') || isTrue(status, 'Failed')) {
    const detail = 'non-condition status fields must be empty when denying or failing the PodCertificateRequest';
    return semanticEqual(status, { conditions }) ? [] : [invalid(STATUS, OMIT_VALUE, detail)];
  }
  if (isTrue(status, 'Issued')) return validateIssued(status, old.spec, spec.maxExpirationSeconds ?? 0, now);
  return kept('status is immutable unless transitioning to "Issued", "Denied", or "Failed"');
}

function isTrue({ conditions }: PodCertificateRequestStatus, type: string): boolean {
  return conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

function validateFinalConditions(conditions: readonly Condition[]): ErrorList {
  let known = 0;
  return conditions.flatMap(({ type, status }, i) => {
    // Upstream's path has a dot before the index.
    const at = CONDITIONS.child(`[${i}]`);
    if (!FINAL.includes(type)) return [notSupported(at.child('type'), type, FINAL)];
    const errors: ErrorList = [];
    if (++known > 1)
      errors.push(
        invalid(at.child('type'), type, 'There may be at most one condition with type "Issued", "Denied", or "Failed"'),
      );
    if (status !== 'True') errors.push(notSupported(at.child('status'), status, ['True']));
    return errors;
  });
}

/** The first thing that is wrong ends it. */
function validateIssued(
  status: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
  maxSeconds: number,
  now: Date,
): ErrorList {
  const chain = status.certificateChain ?? '';
  if (Buffer.byteLength(chain) > MAX_CHAIN) return [tooLong(CHAIN, MAX_CHAIN)];
  const wrong = (detail: string) => [invalid(CHAIN, chain, detail)];
  const [first, ...others] = readPem(chain).blocks;
  if (!first) return wrong('issued certificate chain must contain at least one certificate');
  if (first.type !== 'CERTIFICATE')
    return wrong('issued certificate chain must consist entirely of CERTIFICATE PEM blocks');
  const leaf = parseCertificate(first.der);
  if (!leaf) return wrong('leaf certificate does not parse as valid X.509');
  const errors = validateNames(leaf);
  const key = requestedKey(spec);
  if (Array.isArray(key)) return [...errors, ...key];
  if (!key.equals(leaf.publicKey))
    return [...errors, ...wrong('leaf certificate was not issued to the requested public key')];
  errors.push(...validateTimesPresent(status));
  if (errors.length > 0) return errors;
  const late = validateTimes(status, leaf, maxSeconds, now);
  if (late) return late;
  for (const { type, der } of others) {
    // The misspelling is upstream's.
    if (type !== 'CERTIFICATE') return wrong('issued certificate chain must consist entirely of CERTFICATE PEM blocks');
    if (!parseCertificate(der)) return wrong('intermediate certificate does not parse as valid X.509');
  }
  return [];
}

function parseCertificate(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function validateNames({ subjectAltName = '' }: X509Certificate): ErrorList {
  return subjectAltName.split(', ').flatMap((entry) => {
    const [, kind, name = ''] = /^(DNS|email):(.*)$/.exec(entry) ?? [];
    const wrong = (detail: string) => [invalid(CHAIN, name, detail)];
    if (kind === 'email')
      return /^[^\s@]+@[^\s@]+$/.test(name) ? [] : wrong('leaf certificate should not contain invalid EmailAddress');
    if (kind !== 'DNS') return [];
    return [
      ...(name === '' ? wrong('leaf certificate should not contain empty DNSName') : []),
      ...(name.includes('..') ? wrong("leaf certificate's DNSName should not contain '..'") : []),
      ...(/^\.|\.$/.test(name) ? wrong("leaf certificate's DNSName should not start or end with '.'") : []),
    ];
  });
}

function requestedKey(spec: PodCertificateRequestSpec): KeyObject | ErrorList {
  const key = spec.stubPKCS10Request
    ? keyOfRequest(Buffer.from(spec.stubPKCS10Request, 'base64'))
    : parsePublicKey(Buffer.from(spec.pkixPublicKey ?? '', 'base64'));
  if (key) return key;
  return spec.stubPKCS10Request
    ? [invalid(PKCS10, OMIT_VALUE, 'must be a valid PKCS#10 CSR')]
    : [invalid(PKIX, OMIT_VALUE, 'must be a valid PKIX-serialized public key')];
}

function keyOfRequest(der: Buffer): KeyObject | undefined {
  try {
    return parseRequest(der).publicKey;
  } catch {
    return undefined;
  }
}

function validateTimesPresent({ notBefore, notAfter, beginRefreshAt }: PodCertificateRequestStatus): ErrorList {
  const consistent = 'must be present and consistent with the issued certificate';
  return [
    ...(notBefore == null ? [required(NOT_BEFORE, consistent)] : []),
    ...(notAfter == null ? [required(NOT_AFTER, consistent)] : []),
    ...(beginRefreshAt == null
      ? [required(BEGIN_REFRESH, 'must be present and in the range [notbefore+10min, notafter-10min]')]
      : []),
  ];
}

function validateTimes(
  { notBefore = '', notAfter = '', beginRefreshAt = '' }: PodCertificateRequestStatus,
  leaf: X509Certificate,
  maxSeconds: number,
  now: Date,
): ErrorList | undefined {
  const [begin, end, refresh] = [millisOf(notBefore), millisOf(notAfter), millisOf(beginRefreshAt)];
  const [validFrom, validTo] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (begin !== validFrom)
    return [invalid(NOT_BEFORE, notBefore, 'must be set to the NotBefore time encoded in the leaf certificate')];
  if (Math.abs(begin - now.getTime()) >= 5 * MINUTE)
    return [invalid(NOT_BEFORE, notBefore, "must be set to within 5 minutes of kube-apiserver's current time")];
  if (end !== validTo)
    return [invalid(NOT_AFTER, notAfter, 'must be set to the NotAfter time encoded in the leaf certificate')];
  const lifetime = validTo - validFrom;
  if (lifetime < 60 * MINUTE)
    return [invalid(CHAIN, nanoseconds(lifetime), 'leaf certificate lifetime must be >= 1 hour')];
  if (lifetime > maxSeconds * 1000)
    return [
      invalid(
        CHAIN,
        nanoseconds(lifetime),
        `leaf certificate lifetime must be <= spec.maxExpirationSeconds (${maxSeconds})`,
      ),
    ];
  if (refresh < begin + 10 * MINUTE)
    return [invalid(BEGIN_REFRESH, beginRefreshAt, 'must be at least 10 minutes after status.notBefore')];
  if (refresh > end - 10 * MINUTE)
    return [invalid(BEGIN_REFRESH, beginRefreshAt, 'must be at least 10 minutes before status.notAfter')];
  return undefined;
}

/** As Go's durations are shown. */
function nanoseconds(milliseconds: number): bigint {
  return BigInt(milliseconds) * 1_000_000n;
}
