/** Certificate requests as admission reads them. */
import { x509Library } from '../x509-library.ts';

export interface RequestedSubject {
  /** The last one, as in Go. */
  readonly commonName: string;
  readonly organizations: readonly string[];
}

const PEM = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END CERTIFICATE REQUEST-----/;

/**
 * @param request base64 of a PEM block, as in spec.request
 * @throws Error for anything else
 */
export function requestedSubject(request: string): RequestedSubject {
  const [, body] = PEM.exec(Buffer.from(request, 'base64').toString()) ?? [];
  if (body === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const { subjectName } = new (x509Library().Pkcs10CertificateRequest)(Buffer.from(body, 'base64'));
  return { commonName: subjectName.getField('CN').at(-1) ?? '', organizations: subjectName.getField('O') };
}

export function commonNameOfRequest(request: string): string {
  return requestedSubject(request).commonName;
}
