/** What a server's answer means that carries no Status: one of a proxy, of a webhook, of a server that fails early. */
import { quote } from './field.ts';

export interface Meaning {
  readonly reason: string;
  readonly message: string;
}

const KNOWN: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** Their answers say more than one could: who may not do what, which types there are. */
const TOLD: Readonly<Record<number, string>> = { 403: 'Forbidden', 406: 'NotAcceptable', 415: 'UnsupportedMediaType' };

/**
 * The reason and the words of an answer that is a failure (apimachinery, api/errors.NewGenericServerResponse).
 * @param said the beginning of its body, as far as it is text
 * @param isPost whether the request was a POST, whose conflict is with what exists
 */
export function meaningOf(code: number, said: string, isPost: boolean): Meaning {
  if (code === 409 && isPost) return { reason: 'AlreadyExists', message: KNOWN[409]![1] };
  if (code === 406 && (said === '' || said === 'unknown'))
    return {
      reason: TOLD[406]!,
      message: 'the server was unable to respond with a content type that the client supports',
    };
  const told = TOLD[code];
  if (told) return { reason: told, message: said };
  const known = KNOWN[code];
  if (known) return { reason: known[0], message: known[1] };
  return code >= 500
    ? {
        reason: 'InternalError',
        message: `an error on the server (${quote(said)}) has prevented the request from succeeding`,
      }
    : { reason: '', message: `the server responded with the status code ${code} but did not return more information` };
}
