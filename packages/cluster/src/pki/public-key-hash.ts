/** How an authority is known by its public key (kubeadm/app/util/pubkeypin). */
import { createHash, type X509Certificate } from 'node:crypto';

/** SHA-256 of its SubjectPublicKeyInfo: `sha256:` and hexadecimal digits. */
export function publicKeyHash({ publicKey }: X509Certificate): string {
  return `sha256:${createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;
}

export const isPublicKeyHash = (text: string) => /^sha256:[0-9a-f]{64}$/i.test(text);
