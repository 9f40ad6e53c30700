import 'reflect-metadata';
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from '@keelson/api/generated/types/certificates/v1';
import type { ClusterTrustBundle, PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Pkcs10CertificateRequestGenerator, X509CertificateGenerator } from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { makeCertificateSigningRequestRegistration } from './certificatesigningrequest/index.ts';
import { registration as bundle } from './clustertrustbundle/index.ts';
import { registration as podRequest } from './podcertificaterequest/index.ts';
import { parseRequestPEM, signatureProblem } from './request.ts';

const ctx = testContext();
const csr = makeCertificateSigningRequestRegistration();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const pem = (der: Buffer) =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

let request: string;
let certificate: string;

beforeAll(async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const options = { keys, signingAlgorithm: algorithm };
  request = (await Pkcs10CertificateRequestGenerator.create({ name: 'CN=a', ...options }, webcrypto)).toString('pem');
  certificate = (
    await X509CertificateGenerator.createSelfSigned(
      {
        name: 'CN=a',
        notBefore: new Date('2026-01-02T03:00:00Z'),
        notAfter: new Date('2026-01-02T04:00:00Z'),
        ...options,
      },
      webcrypto,
    )
  ).toString('pem');
});

describe('requests', () => {
  it.each([
    ['', 'asn1: syntax error: sequence truncated'],
    ['05', 'asn1: syntax error: truncated tag or length'],
    ['3005', 'asn1: syntax error: data truncated'],
    ['30820000', 'asn1: structure error: superfluous leading zeros in length'],
    ['30800000', 'asn1: syntax error: indefinite length found (not DER)'],
    ['308101', 'asn1: structure error: non-minimal length'],
    [
      '1f1f1f',
      "asn1: structure error: tags don't match (16 vs {class:0 tag:31 length:31 isCompound:false}) {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} certificateRequest @3",
    ],
    ['30023000', 'asn1: syntax error: sequence truncated'],
    ['30073005020100300030', 'asn1: syntax error: sequence truncated'],
    ['30083006020100300030', 'asn1: syntax error: truncated tag or length'],
  ])('%j is none', (hex, message) =>
    expect(() => parseRequestPEM(Buffer.from(pem(Buffer.from(hex, 'hex'))))).toThrow(message),
  );

  it('are signed by their own key', () => {
    const parsed = parseRequestPEM(Buffer.from(request));
    expect(signatureProblem(parsed)).toBeUndefined();
    const signature = Buffer.from(parsed.signature);
    signature[signature.length - 1]! ^= 1;
    expect(signatureProblem({ ...parsed, signature })).toBe('x509: ECDSA verification failure');
    expect(signatureProblem({ ...parsed, algorithm: { oid: '1.2.3', parameters: undefined } })).toBe(
      'x509: cannot verify signature: algorithm unimplemented',
    );
    expect(signatureProblem({ ...parsed, algorithm: { oid: '1.3.101.112', parameters: undefined } })).toBe(
      'x509: signature algorithm specifies an Ed25519 public key, but have public key of type *ecdsa.PublicKey',
    );
  });
});

describe('CertificateSigningRequest', () => {
  const make = (
    spec: Partial<CertificateSigningRequestSpec> = {},
    conditions: CertificateSigningRequestCondition[] = [],
  ): CertificateSigningRequest => ({
    metadata: { name: 'a' },
    spec: { request: base64(request), signerName: 'example.com/s', usages: ['client auth'], ...spec },
    status: { conditions },
  });
  const condition = (type: string, status = 'True'): CertificateSigningRequestCondition => ({ type, status });

  it.each<[Partial<CertificateSigningRequestSpec>, string[]]>([
    [{}, []],
    [{ request: 'eA==' }, ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']],
    [{ usages: undefined }, ['spec.usages: Required value']],
    [{ usages: ['any', 'any'] }, ['spec.usages[1]: Duplicate value: "any"']],
    [{ usages: ['x'] }, [expect.stringContaining('spec.usages[0]: Unsupported value: "x": supported values: "any"')]],
    [
      { signerName: 'kubernetes.io/legacy-unknown', expirationSeconds: 599 },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
        'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)',
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(csr.strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('says who asks, whatever the client says', () => {
    const obj = make({ username: 'other', extra: { a: ['b'] } }, [condition('Approved')]);
    csr.strategy.prepareForCreate?.(ctx, obj);
    expect(obj.spec).toMatchObject({ username: 'tester' });
    expect(obj.spec.extra).toBeUndefined();
    expect(obj.status).toEqual({});
  });

  it('keeps a decision without times as it is', () => {
    const old = make({}, [condition('Approved')]);
    const obj = structuredClone(old);
    const { strategy } = csr.subresources!.status!;
    strategy.prepareForUpdate?.(ctx, obj, old);
    expect(old.status.conditions).toEqual([condition('Approved')]);
    expect(texts(strategy.validateUpdate?.(ctx, obj, old))).toEqual([
      expect.stringContaining('updates may not modify a condition of type "Approved"'),
    ]);
  });

  it('is decided at /approval alone', () => {
    const old = make();
    const decided = () => make({}, [condition('Approved')]);
    const { status, approval } = csr.subresources!;
    const [byStatus, byApproval] = [decided(), decided()];
    status!.strategy.prepareForUpdate?.(ctx, byStatus, old);
    expect(texts(status!.strategy.validateUpdate?.(ctx, byStatus, old))).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
    approval!.strategy.prepareForUpdate?.(ctx, byApproval, old);
    expect(texts(approval!.strategy.validateUpdate?.(ctx, byApproval, old))).toEqual([]);
    const time = '2026-01-02T03:04:05Z';
    expect(byApproval.status.conditions).toEqual([
      { type: 'Approved', status: 'True', lastUpdateTime: time, lastTransitionTime: time },
    ]);
    expect(texts(approval!.strategy.validateUpdate?.(ctx, make(), byApproval))).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ]);
  });

  it.each([
    [
      [condition('Approved'), condition('Denied')],
      ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
    ],
    [
      [condition('Failed', 'False')],
      ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
    ],
    [
      [condition(''), condition('')],
      [
        'status.conditions[0].type: Required value',
        'status.conditions[1].type: Required value',
        'status.conditions[1].type: Duplicate value: ""',
      ],
    ],
  ])('conditions %#', (conditions, expected) =>
    expect(texts(csr.subresources!.approval!.strategy.validateUpdate?.(ctx, make({}, conditions), make()))).toEqual(
      expected,
    ),
  );

  it('gets one certificate', () => {
    const { validateUpdate } = csr.subresources!.status!.strategy;
    const issued = (text: string) => {
      const obj = make();
      obj.status.certificate = base64(text);
      return obj;
    };
    expect(texts(validateUpdate?.(ctx, issued(certificate), make()))).toEqual([]);
    expect(texts(validateUpdate?.(ctx, issued('x'), make()))).toEqual([
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ]);
    expect(texts(validateUpdate?.(ctx, issued(`${certificate}\n\n${certificate}`), issued(certificate)))).toEqual([
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ]);
    expect(csr.table!.row(issued(certificate)).cells.at(-1)).toBe('Pending,Issued');
  });

  it.each<[asked: number | undefined, signer: string, more: { dryRun?: boolean; before?: boolean }, counted: string[]]>(
    [
      [
        3600,
        'kubernetes.io/kubelet-serving',
        {},
        ['requested kubernetes.io/kubelet-serving', 'honored kubernetes.io/kubelet-serving'],
      ],
      [3180, 'example.com/s', {}, ['requested other', 'honored other']],
      [3100, 'example.com/s', {}, ['requested other']],
      [4050, 'example.com/s', {}, ['requested other', 'honored other']],
      [4200, 'example.com/s', {}, ['requested other']],
      [undefined, 'example.com/s', {}, []],
      [3600, 'example.com/s', { dryRun: true }, []],
      [3600, 'example.com/s', { before: true }, []],
    ],
  )(
    'an hour for %s seconds of %s %j is counted',
    async (asked, signerName, { dryRun = false, before = false }, counted) => {
      const metrics = new MetricsRegistry();
      const { beginUpdate } = makeCertificateSigningRequestRegistration(metrics).subresources!.status!.strategy;
      const old = make({ signerName, ...(asked === undefined ? {} : { expirationSeconds: asked }) });
      if (before) old.status.certificate = base64(certificate);
      const obj = structuredClone(old);
      const hook = await beginUpdate!(testContext({ dryRun }), obj, old);
      obj.status.certificate = base64(certificate);
      await hook.commit!();
      const lines = (await metrics.text())
        .split('\n')
        .filter((line) => line.startsWith('apiserver_certificates_registry_csr_'));
      const shown = lines.map((line) => /csr_(\w+)_duration_total\{signerName="(.*)"\} 1$/.exec(line)!);
      expect(shown.map(([, which, signer]) => `${which} ${signer}`).sort()).toEqual(counted.sort());
    },
  );
});

it('ClusterTrustBundle is named after its signer, and holds authorities', () => {
  const make = (name: string, signerName: string, trustBundle = ''): ClusterTrustBundle => ({
    metadata: { name },
    spec: { signerName, trustBundle },
  });
  const validate = (obj: ClusterTrustBundle) => texts(bundle.strategy.validate?.(ctx, obj));
  const unnamed = make('b', 'example.com/s', certificate);
  expect(bundle.strategy.validateName?.('b', false, unnamed)).toEqual([
    'ClusterTrustBundle for signerName example.com/s must be named with prefix example.com:s:',
  ]);
  expect(validate(unnamed)).toEqual([
    'spec.trustBundle: Invalid value: "<value omitted>": entry 0 does not have the CA bit set',
  ]);
  expect(validate(make('b', ''))).toEqual([
    'spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided',
  ]);
  expect(validate(make('b', '', request))).toEqual([
    'spec.trustBundle: Invalid value: "<value omitted>": entry 0 has bad block type: CERTIFICATE REQUEST',
  ]);
});

describe('PodCertificateRequest', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const make = (rest: Partial<PodCertificateRequest['spec']> = {}): PodCertificateRequest => {
    const obj: PodCertificateRequest = {
      metadata: { name: 'a' },
      spec: {
        signerName: 'example.com/s',
        podName: 'p',
        podUID: 'u',
        serviceAccountName: 's',
        serviceAccountUID: 'u',
        nodeName: 'n',
        nodeUID: 'u',
        pkixPublicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
        proofOfPossession: sign(null, Buffer.from('u'), privateKey).toString('base64'),
        stubPKCS10Request: null,
        ...rest,
      },
      status: {},
    };
    podRequest.strategy.defaults?.(obj, 'v1beta1');
    return obj;
  };

  it.each<[Partial<PodCertificateRequest['spec']>, string[]]>([
    [{}, []],
    [{ podUID: 'v' }, ['spec.proofOfPossession: Invalid value: could not verify proof-of-possession signature']],
    [
      { stubPKCS10Request: 'eA==' },
      ['spec: Invalid value: exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set'],
    ],
    [
      { nodeUID: '', maxExpirationSeconds: 1 },
      [
        'spec.nodeUID: Invalid value: "": must not be empty',
        'spec.maxExpirationSeconds: Invalid value: 1: must be in the range [3600, 7862400]',
      ],
    ],
    [
      { unverifiedUserAnnotations: { a: 'b' } },
      ['spec.unverifiedUserAnnotations: Invalid value: "a": must be a domain-prefixed key (such as "acme.io/foo")'],
    ],
  ])('%j', (rest, expected) => expect(texts(podRequest.strategy.validate?.(ctx, make(rest)))).toEqual(expected));

  it('ends denied, failed or issued', () => {
    const validate = podRequest.subresources!.status!.strategy.validateUpdate!;
    const conditioned = (...types: string[]) => ({
      ...make(),
      status: {
        conditions: types.map((type) => ({
          type,
          status: 'True',
          reason: 'R',
          message: '',
          lastTransitionTime: '2026-01-02T03:04:05Z',
        })),
      },
    });
    expect(texts(validate(ctx, conditioned('Denied'), make()))).toEqual([]);
    expect(texts(validate(ctx, conditioned('Other'), make()))).toEqual([
      'status.conditions.[0].type: Unsupported value: "Other": supported values: "Issued", "Denied", "Failed"',
    ]);
    expect(texts(validate(ctx, conditioned('Failed'), conditioned('Denied')))).toEqual([
      'status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed',
    ]);
    expect(texts(validate(ctx, conditioned('Issued'), make()))).toEqual([
      'status.certificateChain: Invalid value: "": issued certificate chain must contain at least one certificate',
    ]);
  });
});
