/** What a webhook's HTTP reply means, in client-go's words (k8s.io/client-go/rest: transformResponse, Result.Into). */
import { StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { Reply } from './client.ts';

const MAX_SHOWN_BYTES = 2048;

type Known = readonly [reason: string, message: string];

const BY_STATUS: Readonly<Record<number, Known>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  409: ['AlreadyExists', 'the server reported a conflict'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** @returns the body of a reply that is one. @throws StatusError for any that is a failure; Error for an empty one */
export function bodyOf({ status, contentType, body }: Reply): Buffer {
  if (status < 200 || status > 206) throw failure(status, shown(contentType, body));
  if (body.length === 0)
    throw new Error(`0-length response with status code: ${status} and content type: ${contentType}`);
  return body;
}

function shown(contentType: string, body: Buffer): string {
  const isText = contentType === '' || contentType.startsWith('text/');
  return isText ? body.subarray(0, MAX_SHOWN_BYTES).toString('utf8').trim() : 'unknown';
}

function failure(status: number, said: string): StatusError {
  const [reason, message] = known(status, said);
  return new StatusError(status, reason, message, { causes: [{ reason: 'UnexpectedServerResponse', message: said }] });
}

function known(status: number, said: string): Known {
  const found = BY_STATUS[status];
  if (found) return found;
  if (status === 403) return ['Forbidden', said];
  if (status === 415) return ['UnsupportedMediaType', said];
  if (status === 406) {
    const isSaid = said !== '' && said !== 'unknown';
    return [
      'NotAcceptable',
      isSaid ? said : 'the server was unable to respond with a content type that the client supports',
    ];
  }
  if (status >= 500)
    return ['InternalError', `an error on the server (${quote(said)}) has prevented the request from succeeding`];
  return ['', `the server responded with the status code ${status} but did not return more information`];
}
