/** A plugin does not take its configuration; the message says why, in upstream's words. */
export class AdmissionConfigError extends Error {
  override readonly name = 'AdmissionConfigError';
}
