/** The signer that is configured can't be used; the message says why, in upstream's words. */
export class ExternalSignerError extends Error {
  override readonly name = 'ExternalSignerError';
}
