/**
 * What a request asks for, read from method, path and query (apiserver/pkg/endpoints/request/requestinfo.go).
 */
import { parseFieldSelector } from '@keelson/api/selectors/fields';
import { parseQuery } from './query.ts';

export interface RequestInfo {
  readonly isResourceRequest: boolean;
  /** Decoded path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** get, list, watch, create, update, patch, delete, deletecollection, proxy; for other paths the method in lower case. */
  readonly verb: string;
  readonly apiPrefix: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** From the resource on: resource, name, subresource and what follows. */
  readonly parts: readonly string[];
  /** True for the old form `/api/v1/watch/…`. */
  readonly legacyWatch: boolean;
  readonly fieldSelector: string;
  readonly labelSelector: string;
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);
const SPECIAL_VERBS = new Set(['proxy', 'watch']);
const VERBS_WITH_SELECTORS = new Set(['list', 'watch', 'deletecollection']);
const VERB_OF_METHOD: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const UNDETERMINED = 'unable to determine kind and namespace from url';
const PATH_SEGMENT_NAME = /^(?!\.\.?$)[^/%]+$/;

/**
 * @param url path and query as they came
 * @throws URIError when the path is not validly percent-encoded; Error for `/api/v1/watch` without a resource
 */
export function parseRequestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?');
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const path = rawPath.includes('%') ? decodePath(rawPath) : rawPath;
  const query = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
  const segments = trimSlashes(path).split('/');

  const isApi = segments[0] === 'api' && segments.length >= 3;
  const isGroup = segments[0] === 'apis' && segments.length >= 4;
  if (!isApi && !isGroup) return nonResource(method, path, query);

  const [apiGroup, apiVersion, rest] = isApi
    ? ['', segments[1]!, segments.slice(2)]
    : [segments[1]!, segments[2]!, segments.slice(3)];

  let parts = rest;
  let verb = VERB_OF_METHOD[method] ?? '';
  const special = SPECIAL_VERBS.has(parts[0]!);
  if (special) {
    if (parts.length < 2) throw new Error(`failed to create RequestInfo: ${UNDETERMINED}, ${url}`);
    verb = parts[0]!;
    parts = parts.slice(1);
  }

  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2]!)) parts = parts.slice(2);
  }

  const resource = parts[0] ?? '';
  let name = parts[1] ?? '';
  const subresource = verb === 'proxy' ? '' : (parts[2] ?? '');

  if (name === '' && verb === 'get') {
    verb = isTrue(query, 'watch') ? 'watch' : 'list';
    const exact = nameInSelector(query.get('fieldSelector') ?? '');
    if (exact !== undefined && PATH_SEGMENT_NAME.test(exact)) name = exact;
  } else if (name === '' && verb === 'delete') verb = 'deletecollection';

  const withSelectors = !special && VERBS_WITH_SELECTORS.has(verb);
  return {
    isResourceRequest: true,
    path,
    query,
    verb,
    apiPrefix: segments[0]!,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    parts,
    legacyWatch: special && verb === 'watch',
    fieldSelector: withSelectors ? (query.get('fieldSelector') ?? '') : '',
    labelSelector: withSelectors ? (query.get('labelSelector') ?? '') : '',
  };
}

function nonResource(method: string, path: string, query: URLSearchParams): RequestInfo {
  return {
    isResourceRequest: false,
    path,
    query,
    verb: method.toLowerCase(),
    apiPrefix: '',
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: [],
    legacyWatch: false,
    fieldSelector: '',
    labelSelector: '',
  };
}

/** Go's query booleans: present and empty is true, and so is everything but `false` and `0`. */
export function isTrue(query: URLSearchParams, key: string): boolean {
  const value = query.get(key);
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}

/** A selector that cannot be parsed names nothing. */
function nameInSelector(selector: string): string | undefined {
  if (selector === '') return undefined;
  try {
    return parseFieldSelector(selector).requiredValue('metadata.name');
  } catch {
    return undefined;
  }
}

function trimSlashes(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return path.slice(start, end);
}

/** Bytes that are no UTF-8 become lone surrogates, U+DC00 and the byte, which `quote` shows as bytes. @throws URIError */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (/%(?![\da-f]{2})/i.test(path)) throw error;
    const bytes = path.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return bytes.replace(CHARACTER, (character) =>
      character >= '\x80' && character.length === 1
        ? String.fromCharCode(0xdc00 + character.charCodeAt(0))
        : Buffer.from(character, 'latin1').toString(),
    );
  }
}

/** One of UTF-8 that is not ASCII (Unicode 15, table 3-7), or a byte that belongs to none. */
const CHARACTER =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;
