/** The certificates by which a server is recognized (k8s.io/apiserver/pkg/util/webhook ValidateCABundle). */
import { X509Certificate } from 'node:crypto';
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import { readPem } from './pem.ts';

/** @param bundle base64 of PEM */
export function validateCABundle(path: Path, bundle: string): ErrorList {
  const problem = bundleProblem(Buffer.from(bundle, 'base64').toString('latin1'));
  return problem ? [invalid(path, bundle, `unable to load root certificates: ${problem}`)] : [];
}

/** One certificate that can be read is enough. */
function bundleProblem(text: string): string | undefined {
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
