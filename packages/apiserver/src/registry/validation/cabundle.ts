/** The certificates by which a server is recognized (k8s.io/apiserver/pkg/util/webhook ValidateCABundle). */
import { X509Certificate } from 'node:crypto';
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import { LRUCache } from 'lru-cache';
import { readPem } from './pem.ts';

/** @param bundle base64 of PEM */
export function validateCABundle(path: Path, bundle: string): ErrorList {
  const problem = caBundleProblem(bundle);
  return problem === undefined ? [] : [invalid(path, bundle, problem)];
}

/** Bundles are asked about with every request that goes out; reading one takes a tenth of a millisecond. */
const known = new LRUCache<string, { readonly problem: string | undefined }>({ max: 100 });

/** Why nobody can be recognized by a bundle (client-go/transport); undefined: it can be used. @param bundle base64 of PEM */
export function caBundleProblem(bundle: string): string | undefined {
  const found = known.get(bundle) ?? { problem: problemOf(Buffer.from(bundle, 'base64').toString('latin1')) };
  known.set(bundle, found);
  return found.problem && `unable to load root certificates: ${found.problem}`;
}

/** One certificate that can be read is enough. */
function problemOf(text: string): string | undefined {
  const { blocks, rest } = readPem(text);
  const certificates = blocks.filter((b) => b.type === 'CERTIFICATE' && Object.keys(b.headers).length === 0);
  if (certificates.some((b) => isCertificate(b.der))) return undefined;
  if (certificates.length > 0) return 'failed to parse certificate: x509: malformed certificate';
  return blocks.length === 0 || rest !== ''
    ? 'unable to parse bytes as PEM block'
    : 'no valid certificate authority data seen';
}

function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der) !== undefined;
  } catch {
    return false;
  }
}
