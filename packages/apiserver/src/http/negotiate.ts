/**
 * Which representation a client gets: Accept headers with the parameters of Kubernetes (as, g, v, stream, pretty, profile), as in
 * k8s.io/apiserver/pkg/endpoints/handlers/negotiation; and the coarser check that the router makes first.
 */
import { StatusError } from '@keelson/api/errors';
import type { GroupVersionKind } from '@keelson/api/object';

export type MediaType = 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf';

/** In the order in which wildcards choose and errors list them. */
export const MEDIA_TYPES: readonly MediaType[] = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
];

export interface Negotiated<M extends string = MediaType> {
  readonly mediaType: M;
  /** From `as`, `g` and `v`: the form that the client wants the object in, e.g. meta.k8s.io/v1 Table. */
  readonly convert: GroupVersionKind | undefined;
  /** From `pretty=1` among the parameters; see also {@link wantsPretty}. */
  readonly pretty: boolean;
  readonly stream: string;
  /** Which of several documents of this form: `nopeer`. */
  readonly profile: string;
}

export interface Restrictions<M extends string = MediaType> {
  /** Whether the endpoint can answer with this form; undefined asks for the object as it is. */
  allowsConversion(convert: GroupVersionKind | undefined, mediaType: M): boolean;
}

/** Endpoints that only know their one form. */
export const NO_CONVERSION: Restrictions = { allowsConversion: (convert) => convert === undefined };

export interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly q: number;
  readonly params: ReadonlyMap<string, string>;
}

/**
 * The first clause of the Accept header, best first, that the endpoint can serve; undefined when there is none.
 * A clause whose parameters do not suit the endpoint is skipped, so that an unknown form falls through to a later plain
 * one, and a plain one is passed over by endpoints that insist on a form.
 */
export function negotiate(accept: string, restrictions?: Restrictions): Negotiated | undefined;
export function negotiate<M extends string>(
  accept: string,
  restrictions: Restrictions<M> | undefined,
  mediaTypes: readonly M[],
): Negotiated<M> | undefined;
export function negotiate(
  accept: string,
  restrictions: Restrictions<string> = NO_CONVERSION,
  mediaTypes: readonly string[] = MEDIA_TYPES,
): Negotiated<string> | undefined {
  if (accept === '') return { mediaType: mediaTypes[0]!, convert: undefined, pretty: false, stream: '', profile: '' };
  for (const clause of parseAccept(accept)) {
    for (const mediaType of mediaTypes) {
      if (!matches(clause, mediaType)) continue;
      const options = optionsOf(clause, mediaType);
      if (options && restrictions.allowsConversion(options.convert, mediaType)) return options;
    }
  }
  return undefined;
}

function matches(clause: Clause, mediaType: string): boolean {
  const [type, subtype] = mediaType.split('/');
  if (clause.subtype === '*') return clause.type === '*' || clause.type === type;
  return clause.type === type && clause.subtype === subtype;
}

function optionsOf(clause: Clause, mediaType: string): Negotiated<string> | undefined {
  const { params } = clause;
  const stream = params.get('stream') ?? '';
  if (stream !== '' && (stream !== 'watch' || mediaType === 'application/yaml')) return undefined;
  if (params.get('sv')) return undefined;
  const converts = params.has('as') || params.has('g') || params.has('v');
  return {
    mediaType,
    convert: converts
      ? { group: params.get('g') ?? '', version: params.get('v') ?? '', kind: params.get('as') ?? '' }
      : undefined,
    pretty: params.get('pretty') === '1',
    stream,
    profile: params.get('profile') ?? '',
  };
}

/** Clauses in order of preference (github.com/munnerz/goautoneg ParseAccept; malformed clauses are dropped). */
export function parseAccept(header: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of header.split(',')) {
    const [range = '', ...rest] = part.trim().split(';');
    const [type = '', subtype, ...more] = range.split('/').map((s) => s.trim());
    if (more.length > 0 || (!subtype && type !== '*')) continue;
    const params = new Map<string, string>();
    let q = 1;
    for (const param of rest) {
      const [key = '', value, ...extra] = param.split('=');
      if (!value || extra.length > 0) continue;
      if (key.trim() === 'q') q = Number.parseFloat(value) || 0;
      else params.set(key.trim(), value.trim());
    }
    clauses.push({ type, subtype: subtype || '*', q, params });
  }
  return sortAsUpstream(clauses);
}

/**
 * An insertion sort by a relation that is no order: `a` goes before `b` when its q is higher OR it is less of a wildcard.
 * A specific type thus overtakes a wildcard of higher q, as upstream's sort lets it.
 */
function sortAsUpstream(clauses: Clause[]): Clause[] {
  for (let i = 1; i < clauses.length; i++) {
    for (let j = i; j > 0 && goesBefore(clauses[j]!, clauses[j - 1]!); j--) {
      [clauses[j], clauses[j - 1]] = [clauses[j - 1]!, clauses[j]!];
    }
  }
  return clauses;
}

function goesBefore(a: Clause, b: Clause): boolean {
  return a.q > b.q || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');
}

/** 406 for an Accept header (or its `as=`) that no handler of the endpoint serves. */
export function notAcceptable(mediaTypes: readonly string[] = MEDIA_TYPES): StatusError {
  return new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${mediaTypes.join(', ')}`);
}

/**
 * The router's own check, before any handler's: media types as plain strings, without parameters; a range such as
 * `application/*` matches nothing (github.com/emicklei/go-restful, Route.matchesAccept).
 * @throws StatusError 406 with the router's message
 */
export function checkRouteAccepts(accept: string, produces: readonly string[] = MEDIA_TYPES): void {
  if (accept === '') return;
  const ranges = accept.split(',').map((part) => part.split(';')[0]!.trim());
  if (ranges.some((range) => range === '*/*' || produces.includes(range))) return;
  throw new StatusError(
    406,
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${produces.join(', ')}`,
    {},
  );
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

/** Whether JSON is to be indented: by `?pretty`, else for clients that a human sits behind. */
export function wantsPretty(query: URLSearchParams, userAgent: string): boolean {
  const pretty = query.get('pretty');
  if (pretty) return TRUE.has(pretty);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

/** 405 for a path that the router knows with other methods. */
export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}
