/** The encryption that is configured can't be had; the message says why, in upstream's words. */
export class EncryptionConfigError extends Error {
  override readonly name = 'EncryptionConfigError';
}
