/** By what names a request is counted (apiserver/pkg/endpoints/metrics). */
import type { RequestInfo } from '../requestinfo.ts';

/** In the order in which the families of requests name them. */
export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'cluster' | 'namespace' | 'resource';
}

const CONNECTS = new Set(['log', 'exec', 'portforward', 'attach', 'proxy']);
/** What clients could send besides is counted as `other`. */
const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const APPLY = 'application/apply-patch+yaml';

/** @param contentType of the request's body */
export function labelsOfResource(info: RequestInfo, method: string, contentType: string): RequestLabels {
  const scope = scopeOf(info);
  const verb = verbOf(info, method, contentType, scope);
  const { apiGroup: group, apiVersion: version, resource, subresource } = info;
  return { verb, group, version, resource, subresource, scope };
}

/** Of a path that is no resource; it stands in the place of the subresource. */
export function labelsOfPath(path: string, method: string): RequestLabels {
  const verb = method === 'HEAD' ? 'GET' : METHODS.has(method) ? method : 'other';
  return { verb, group: '', version: '', resource: '', subresource: path, scope: '' };
}

function scopeOf(info: RequestInfo): RequestLabels['scope'] {
  if (info.name !== '' || info.verb === 'create') return 'resource';
  return info.namespace !== '' ? 'namespace' : 'cluster';
}

function verbOf(info: RequestInfo, method: string, contentType: string, scope: string): string {
  if (CONNECTS.has(info.subresource)) return 'CONNECT';
  if (info.verb === 'watch') return 'WATCH';
  if (method === 'GET' || method === 'HEAD') return scope === 'resource' ? 'GET' : 'LIST';
  if (method === 'PATCH' && contentType === APPLY) return 'APPLY';
  return METHODS.has(method) ? method : 'other';
}

/** `All` or ''; `invalid` for what is no dry run. */
export function dryRunOf(query: URLSearchParams): string {
  const values = query.getAll('dryRun');
  return values.every((value) => value === 'All') ? (values[0] ?? '') : 'invalid';
}
