/** Whom a TLS connection trusts. */
import type { SecureContextOptions } from 'node:tls';

/**
 * For `tls` and `https`: each of these certificates is trusted, as in Go (crypto/x509, `CertPool`). OpenSSL by itself ends a chain at those
 * alone that sign themselves: neither an authority in the middle nor a server's own certificate.
 * @param ca PEM; undefined or empty: whom Node trusts
 */
export function trusting(ca: SecureContextOptions['ca']): Pick<SecureContextOptions, 'ca' | 'allowPartialTrustChain'> {
  return ca ? { ca, allowPartialTrustChain: true } : {};
}
