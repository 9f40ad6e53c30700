/** Compare pkg/apis/certificates/validation: ValidateCertificateSigningRequest…. */

import { X509Certificate } from 'node:crypto';
import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, forbidden, invalid, notSupported, Path, quote, required } from '@keelson/api/field';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from '@keelson/api/generated/types/certificates/v1';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { internalForm } from '../../validation/internal.ts';
import { readPem } from '../../validation/pem.ts';
import { validateSignerName } from '../../validation/signers.ts';
import { diffJSON } from '../../validation/unifieddiff.ts';
import { parseRequestPEM, signatureProblem } from '../request.ts';

const SPEC = Path.of('spec');
const CONDITIONS = Path.of('status', 'conditions');
const CERTIFICATE = Path.of('status', 'certificate');
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const MIN_EXPIRATION = 600;
const EXCLUSIVE = 'Approved and Denied conditions are mutually exclusive';
const CONDITION = 'io.k8s.api.certificates.v1.CertificateSigningRequestCondition';
const STATUSES = ['False', 'True', 'Unknown'];
const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

/** What is bad and was so before may stay. */
interface Tolerated {
  readonly bothDecisions: boolean;
  readonly legacySigner: boolean;
  readonly duplicateConditions: boolean;
  readonly emptyConditions: boolean;
  readonly anyCertificate: boolean;
  readonly unknownUsages: boolean;
  readonly duplicateUsages: boolean;
}

const NOTHING: Tolerated = {
  bothDecisions: false,
  legacySigner: false,
  duplicateConditions: false,
  emptyConditions: false,
  anyCertificate: false,
  unknownUsages: false,
  duplicateUsages: false,
};

export function validateCertificateSigningRequest(
  { spec, status }: CertificateSigningRequest,
  tolerated = NOTHING,
): ErrorList {
  const { request, expirationSeconds } = spec;
  const errors: ErrorList = [];
  const problem = requestProblem(request ?? '');
  if (problem) errors.push(invalid(SPEC.child('request'), request, problem));
  errors.push(...validateUsages(spec, tolerated), ...validateSigner(spec.signerName, tolerated));
  if (expirationSeconds !== undefined && expirationSeconds < MIN_EXPIRATION)
    errors.push(
      invalid(
        SPEC.child('expirationSeconds'),
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  errors.push(...validateConditions(status.conditions ?? [], tolerated));
  const wrong = tolerated.anyCertificate ? undefined : certificateProblem(status.certificate);
  if (wrong) errors.push(invalid(CERTIFICATE, '<certificate data>', wrong));
  return errors;
}

function requestProblem(request: string): string | undefined {
  try {
    return signatureProblem(parseRequestPEM(Buffer.from(request, 'base64')));
  } catch (error) {
    return (error as Error).message;
  }
}

function validateSigner(name: string, { legacySigner }: Tolerated): ErrorList {
  const path = SPEC.child('signerName');
  return !legacySigner && name === LEGACY_SIGNER
    ? [invalid(path, name, 'the legacy signerName is not allowed via this API version')]
    : validateSignerName(path, name);
}

function validateUsages({ usages = [] }: CertificateSigningRequestSpec, tolerated: Tolerated): ErrorList {
  const path = SPEC.child('usages');
  const errors: ErrorList = usages.length === 0 ? [required(path)] : [];
  if (!tolerated.unknownUsages)
    for (const [i, usage] of usages.entries())
      if (!USAGES.includes(usage)) errors.push(notSupported(path.index(i), usage, USAGES));
  if (!tolerated.duplicateUsages) for (const i of repeatsIn(usages)) errors.push(duplicate(path.index(i), usages[i]));
  return errors;
}

function validateConditions(
  conditions: readonly CertificateSigningRequestCondition[],
  tolerated: Tolerated,
): ErrorList {
  const seen = new Set<string>();
  return conditions.flatMap(({ type, status }, i) => {
    const path = CONDITIONS.index(i);
    const errors: ErrorList = [];
    if (!tolerated.emptyConditions && type === '') errors.push(required(path.child('type')));
    errors.push(...validateConditionStatus(type, status, path.child('status')));
    const opposite = { Approved: 'Denied', Denied: 'Approved' }[type];
    if (!tolerated.bothDecisions && opposite && seen.has(opposite)) errors.push(invalid(CONDITIONS, type, EXCLUSIVE));
    if (!tolerated.duplicateConditions && seen.has(type)) errors.push(duplicate(path.child('type'), type));
    seen.add(type);
    return errors;
  });
}

function validateConditionStatus(type: string, status: string, path: Path): ErrorList {
  const supported = ['Approved', 'Denied', 'Failed'].includes(type) ? ['True'] : STATUSES;
  if (!status) return [required(path)];
  return supported.includes(status) ? [] : [notSupported(path, status, supported)];
}

function certificateProblem(base64: string | undefined): string | undefined {
  if (!base64) return undefined;
  const { blocks } = readPem(Buffer.from(base64, 'base64').toString('latin1'));
  for (const { type, headers, der } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${quote(type)}`;
    if (Object.keys(headers).length > 0) return 'no PEM block headers are permitted';
    if (der.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates';
    try {
      new X509Certificate(der);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

export interface UpdateOptions {
  readonly allowSettingCertificate?: boolean;
  readonly allowSettingApprovalConditions?: boolean;
}

export function validateCertificateSigningRequestUpdate(
  obj: CertificateSigningRequest,
  old: CertificateSigningRequest,
  options: UpdateOptions,
): ErrorList {
  return [
    ...validateCertificateSigningRequest(obj, toleratedFrom(obj, old)),
    ...['Approved', 'Denied', 'Failed'].flatMap((type) =>
      withType(obj, type).length < withType(old, type).length
        ? [forbidden(CONDITIONS, `updates may not remove a condition of type ${quote(type)}`)]
        : [],
    ),
    ...(options.allowSettingApprovalConditions
      ? []
      : ['Approved', 'Denied'].flatMap((type) => validateDecisionKept(withType(obj, type), withType(old, type), type))),
    ...validateCertificateChange(obj.status.certificate ?? '', old.status.certificate ?? '', options),
  ];
}

function toleratedFrom(obj: CertificateSigningRequest, { spec, status }: CertificateSigningRequest): Tolerated {
  const types = (status.conditions ?? []).map((c) => c.type);
  const usages = spec.usages ?? [];
  return {
    bothDecisions: types.includes('Approved') && types.includes('Denied'),
    legacySigner: spec.signerName === LEGACY_SIGNER,
    duplicateConditions: new Set(types).size < types.length,
    emptyConditions: types.includes(''),
    anyCertificate:
      (obj.status.certificate ?? '') === (status.certificate ?? '') ||
      certificateProblem(status.certificate) !== undefined,
    unknownUsages: !usages.every((u) => USAGES.includes(u)),
    duplicateUsages: new Set(usages).size < usages.length,
  };
}

function withType({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] {
  return (status.conditions ?? []).filter((c) => c.type === type);
}

function validateDecisionKept(
  conditions: CertificateSigningRequestCondition[],
  old: CertificateSigningRequestCondition[],
  type: string,
): ErrorList {
  if (conditions.length > old.length)
    return [forbidden(CONDITIONS, `updates may not add a condition of type ${quote(type)}`)];
  if (conditions.length < old.length || semanticEqual(conditions, old)) return [];
  const show = (list: CertificateSigningRequestCondition[]) => list.map((c) => internalForm(CONDITION, c));
  const detail = `updates may not modify a condition of type ${quote(type)}\n${diffJSON(show(old), show(conditions))}`;
  return [forbidden(CONDITIONS, detail)];
}

function validateCertificateChange(certificate: string, old: string, options: UpdateOptions): ErrorList {
  if (certificate === old) return [];
  if (!options.allowSettingCertificate) return [forbidden(CERTIFICATE, 'updates may not set certificate content')];
  return old === '' ? [] : [forbidden(CERTIFICATE, 'updates may not modify existing certificate content')];
}
