/**
 * Client certificates: CN is the user, each O a group (k8s.io/apiserver/pkg/authentication/request/x509).
 *
 * The TLS layer has verified the chain against the client CA and the front proxy's CA together; which of the two it
 * leads to is found out here, since only the first one's certificates name users.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import type { UserInfo } from '../registry/strategy.ts';
import { x509Library } from '../x509-library.ts';
import { type Authenticator, CREDENTIAL_ID, type PeerCertificates } from './authenticator.ts';

const UID_OID = '1.3.6.1.4.1.57683.2';
const MAX_CHAIN = 10;

/** `undefined` where a CA is expected but not there yet: then nobody is authenticated this way. */
export type CertificatePool = () => readonly X509Certificate[] | undefined;

export interface CertificateOptions {
  /** Subjects may name the UID of their user. */
  readonly readsUid: boolean;
  /** Is told for how many seconds a certificate is still good. */
  readonly shown?: ((seconds: number) => void) | undefined;
}

/** @throws Error for a certificate that leads to none of the pool's */
export function clientCertificates(
  pool: CertificatePool,
  now: () => number,
  { readsUid, shown }: CertificateOptions,
): Authenticator {
  return async ({ peer }) => {
    const leaf = peer?.chain[0];
    const roots = pool();
    if (!peer || !leaf || roots === undefined) return undefined;
    const at = now();
    shown?.((endOf(leaf) - at) / 1000);
    verifyPeer(peer, roots, at);
    const user = userOfCertificate(leaf, readsUid);
    return user && { user };
  };
}

/**
 * The signatures were checked at the handshake; what may change while a connection stays open is the time.
 * @throws Error unless the TLS layer trusts the chain, it ends in `roots`, and the certificate is still valid
 */
export function verifyPeer(peer: PeerCertificates, roots: readonly X509Certificate[], now: number): void {
  const leaf = peer.chain[0]!;
  const reason = !peer.verified
    ? (peer.error ?? 'x509: certificate could not be verified')
    : now > endOf(leaf)
      ? 'x509: certificate has expired or is not yet valid'
      : trusts(roots, peer)
        ? undefined
        : 'x509: certificate signed by unknown authority';
  if (reason) throw new Error(`verifying certificate SN=${BigInt(`0x${leaf.serialNumber}`)} failed: ${reason}`);
}

/** When a certificate ends, milliseconds since 1970; read once for each. */
function endOf(certificate: X509Certificate): number {
  const known = ends.get(certificate) ?? Date.parse(certificate.validTo);
  ends.set(certificate, known);
  return known;
}
const ends = new WeakMap<X509Certificate, number>();

/** A path is looked for once per connection and set of roots. */
function trusts(roots: readonly X509Certificate[], peer: PeerCertificates): boolean {
  const byRoots = trust.get(peer) ?? new WeakMap<readonly X509Certificate[], boolean>();
  trust.set(peer, byRoots);
  const answer = byRoots.get(roots) ?? leadsTo(peer.chain[0]!, peer.chain.slice(1), roots);
  byRoots.set(roots, answer);
  return answer;
}
const trust = new WeakMap<PeerCertificates, WeakMap<readonly X509Certificate[], boolean>>();

/** Undefined for a certificate without a common name. @throws Error for more than one or an empty UID attribute */
function userOfCertificate(certificate: X509Certificate, readsUid: boolean): UserInfo | undefined {
  const subject = subjectOf(certificate);
  const name = subject.commonName;
  if (name === '') return undefined;
  return {
    name,
    uid: readsUid ? singleUid(subject.uids) : '',
    groups: subject.organizations,
    extra: { [CREDENTIAL_ID]: [`X509SHA256=${createHash('sha256').update(certificate.raw).digest('hex')}`] },
  };
}

/** The common name that a front proxy is known by. */
export function commonNameOf(certificate: X509Certificate): string {
  return subjectOf(certificate).commonName;
}

interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly uids: readonly string[];
}

/** Of several common names the last one counts, as in Go. Parsed once per certificate object, thus per connection. */
function subjectOf(certificate: X509Certificate): Subject {
  const known = subjects.get(certificate);
  if (known) return known;
  const name = new (x509Library().X509Certificate)(certificate.raw).subjectName;
  const values = (field: string): string[] => name.getField(field);
  const subject = { commonName: values('CN').at(-1) ?? '', organizations: values('O'), uids: values(UID_OID) };
  subjects.set(certificate, subject);
  return subject;
}
const subjects = new WeakMap<X509Certificate, Subject>();

function singleUid(uids: readonly string[]): string {
  if (uids.length === 0) return '';
  if (uids.length > 1) throw new Error(`expected 1 UID, but found multiple: [${uids.join(' ')}]`);
  if (uids[0] === '') throw new Error('UID cannot be an empty string');
  return uids[0]!;
}

function leadsTo(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  depth = 0,
): boolean {
  const isRooted = roots.some(
    (root) =>
      root.fingerprint256 === certificate.fingerprint256 || ((root.ca || isOld(root)) && issued(root, certificate)),
  );
  if (isRooted) return true;
  if (depth >= MAX_CHAIN) return false;
  return intermediates.some(
    (next) =>
      next.fingerprint256 !== certificate.fingerprint256 &&
      next.ca &&
      issued(next, certificate) &&
      leadsTo(next, intermediates, roots, depth + 1),
  );
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** X.509 before version 3 had no way to say that a certificate is an authority's; as a root it may be one (Go's `CheckSignatureFrom`). */
function isOld(root: X509Certificate): boolean {
  return new (x509Library().X509Certificate)(root.raw).extensions.length === 0;
}
