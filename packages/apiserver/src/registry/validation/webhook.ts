/** How a webhook is reached (k8s.io/apiserver/pkg/util/webhook/validation.go). */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import { isDNS1123Subdomain, isValidPortNum } from '@keelson/api/validation/names';
import { type GoUrl, parseUrl, UrlProblem } from './url.ts';

const FORM = '; desired format: https://host[/path]';

export interface WebhookService {
  readonly namespace: string;
  readonly name: string;
  readonly path?: string;
  readonly port?: number;
}

export function validateWebhookUrl(text: string, path: Path): ErrorList {
  const url = parsed(text);
  if (url instanceof UrlProblem) return [required(path, `url must be a valid URL: ${url.message}${FORM}`)];
  const { scheme, host, user, fragment, query } = url;
  const errors: ErrorList = [];
  if (scheme !== 'https') errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme${FORM}`));
  if (host === '') errors.push(invalid(path, host, `host must be specified${FORM}`));
  if (user !== undefined) errors.push(invalid(path, user, 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(path, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function parsed(text: string): GoUrl | UrlProblem {
  try {
    return parseUrl(text);
  } catch (error) {
    if (error instanceof UrlProblem) return error;
    throw error;
  }
}

/** Which of the two names is missing is told the wrong way round, as upstream's callers have it. */
export function validateWebhookService(service: WebhookService, path: Path): ErrorList {
  const { namespace, name, port = 0 } = service;
  const problems = isValidPortNum(port);
  return [
    ...(namespace === '' ? [required(path.child('name'))] : []),
    ...(name === '' ? [required(path.child('namespace'))] : []),
    ...(problems.length > 0 ? [invalid(path.child('port'), port, `port is not valid: ${problems.join(', ')}`)] : []),
    ...validateUrlPath(service.path ?? '', path.child('path')),
  ];
}

function validateUrlPath(text: string, path: Path): ErrorList {
  if (text === '' || text === '/') return [];
  if (text === '//') return [invalid(path, text, 'segment[0] may not be empty')];
  const segments = text.slice(1).replace(/\/$/, '').split('/');
  return [
    ...(text.startsWith('/') ? [] : [invalid(path, text, "must start with a '/'")]),
    ...segments.flatMap((segment, i) =>
      segment === ''
        ? [invalid(path, text, `segment[${i}] may not be empty`)]
        : isDNS1123Subdomain(segment).map((problem) => invalid(path, text, `segment[${i}]: ${problem}`)),
    ),
  ];
}
