/** Certificates from the cluster's signers, by CertificateSigningRequests (client-go/util/certificate/csr). */
import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { Client } from '@keelson/client';

/** PEM, the certificate with its chain. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** May create CertificateSigningRequests, and read its own. */
  readonly client: Client;
  readonly signer: 'kubernetes.io/kube-apiserver-client-kubelet' | 'kubernetes.io/kubelet-serving';
  readonly nodeName: string;
  /** Of a serving certificate: DNS names and IP addresses. */
  readonly names?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** So long a request is waited for; then another is made. */
const TIMEOUT_MS = 15 * 60_000;

/** The request was denied, or the signer failed. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** Makes a key, asks for a certificate and waits until somebody has approved and signed it. @throws CertificateError, the signal's reason */
export async function requestCertificate(request: CertificateRequest): Promise<KeyPair> {
  const { client, signer, signal } = request;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const usage = signer === 'kubernetes.io/kubelet-serving' ? 'server auth' : 'client auth';
  const requests = client.resource('certificatesigningrequests.certificates.k8s.io');
  const spec = {
    signerName: signer,
    usages: ['digital signature', usage],
    request: Buffer.from(await encode(request, keys)).toString('base64'),
  };
  const made = await requests.create({ metadata: { generateName: 'csr-' }, spec }, { signal });
  const certificate = await issued(client, made, signal);
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, key };
}

async function encode({ nodeName, names = [] }: CertificateRequest, keys: webcrypto.CryptoKeyPair): Promise<string> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const general = names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: general.length > 0 ? [new x509.SubjectAlternativeNameExtension(general)] : [],
  });
  return `${request.toString('pem')}\n`;
}

async function issued(
  client: Client,
  made: CertificateSigningRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const requests = client.resource('certificatesigningrequests.certificates.k8s.io');
  const { name, resourceVersion } = made.metadata;
  const deadline = new AbortController();
  const cancel = client.world.clock.after(TIMEOUT_MS, () =>
    deadline.abort(new CertificateError(`${name}: not signed in time`)),
  );
  try {
    const fieldSelector = `metadata.name=${name}`;
    const either = AbortSignal.any([deadline.signal, ...(signal ? [signal] : [])]);
    for await (const { type, object } of requests.watch({ fieldSelector, resourceVersion, signal: either })) {
      if (type === 'DELETED') throw new CertificateError(`${name} was deleted`);
      const found = type === 'BOOKMARK' ? undefined : outcome(object);
      if (found) return found;
    }
    // The watch may end before its time: what is there now counts.
    const found = outcome(await requests.get({ name: name! }, { signal }));
    if (found) return found;
    throw new CertificateError(`${name} is not signed yet`);
  } finally {
    cancel();
  }
}

/** The certificate, once it is there. @throws CertificateError */
function outcome({ metadata, status }: CertificateSigningRequest): string | undefined {
  const against = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  if (against) {
    const what = against.type === 'Denied' ? 'is denied' : 'failed';
    throw new CertificateError(
      `certificate signing request ${metadata.name} ${what}: ${against.reason ?? ''} ${against.message ?? ''}`.trim(),
    );
  }
  return status?.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined;
}
