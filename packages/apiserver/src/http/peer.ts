/** The client's certificates, read once for each connection. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { PeerCertificates } from '../authn/authenticator.ts';

const MAX_CHAIN = 10;
const known = new WeakMap<TLSSocket, PeerCertificates | null>();

/** Undefined when the client sent none. */
export function peerOf(socket: TLSSocket): PeerCertificates | undefined {
  let peer = known.get(socket);
  if (peer === undefined) {
    peer = read(socket);
    known.set(socket, peer);
  }
  return peer ?? undefined;
}

function read(socket: TLSSocket): PeerCertificates | null {
  const certificate = socket.getPeerX509Certificate?.();
  if (!certificate) return null;
  const error = socket.authorizationError;
  return {
    chain: chainOf(certificate),
    verified: socket.authorized,
    ...(error ? { error: String(error) } : {}),
  };
}

/** The certificates that the client sent, its own first. */
function chainOf(leaf: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next: X509Certificate | undefined = leaf; next && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    if (chain.some((c) => c.fingerprint256 === next?.fingerprint256)) break;
    chain.push(next);
  }
  return chain;
}
