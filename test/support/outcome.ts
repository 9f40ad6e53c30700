/** The connection broke, or the process ended, while a request was worked on: nobody knows whether it was carried out. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}
