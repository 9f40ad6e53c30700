/** The answers of patches that have no factory in the API's errors. */
import { StatusError } from '../errors.ts';

/** 422 for a patch that is well formed and does not apply; it does not say why. */
export function unprocessable(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/** 500 without a reason: how the server answers an error that is no Status. */
export function plainError(message: string): StatusError {
  return new StatusError(500, '', message);
}
