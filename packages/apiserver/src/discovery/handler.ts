/**
 * Answers GET /api, /apis, /api/v1, /apis/<group> and /apis/<group>/<version>; docs/discovery.md tells the rules.
 */

import type { GroupVersionKind } from '@keelson/api/object';
import { withoutEnd } from '@keelson/api/trim';
import { type Answer, headerOf, type PathRequest } from '../http/answer.ts';
import {
  checkRouteAccepts,
  type MediaType,
  methodNotAllowed,
  type Negotiated,
  NO_CONVERSION,
  negotiate,
  notAcceptable,
  wantsPretty,
} from '../http/negotiate.ts';
import type { RenderedDocument } from './aggregated.ts';
import type { ApiGroups, DocumentName } from './groups.ts';

/** The group whose document the router serves itself; the others' come from the aggregation layer. */
const ROUTED_GROUP = 'apiregistration.k8s.io';

/** What other API servers have to do with it. */
export interface PeersShown {
  /** /apis of all servers. Default: this server's own. */
  readonly merged?: ((mediaType: MediaType, pretty: boolean) => RenderedDocument) | undefined;
  /** Told when this server's own was asked for (`profile=nopeer`). */
  readonly onLocal?: (() => void) | undefined;
}

type AggregatedForm = (negotiated: Negotiated, pretty: boolean) => RenderedDocument;

/**
 * Undefined for paths that are no discovery document or not (any longer) served: the router's 404 follows.
 * @throws StatusError 405 and 406
 */
export function serveDiscovery(groups: ApiGroups, request: PathRequest, peers: PeersShown = {}): Answer | undefined {
  const name = documentAt(request.path);
  if (name === undefined || !isServed(groups, name)) return undefined;
  const accept = headerOf(request.headers, 'accept');
  if (isRouted(groups, name)) {
    if (request.method !== 'GET') throw methodNotAllowed();
    checkRouteAccepts(accept);
  }
  // With a slash behind it /apis is another path, which knows the plain form alone.
  const aggregated = request.path === '/apis/' ? undefined : aggregatedForm(name);
  if (aggregated) {
    const negotiated = negotiate(accept, { allowsConversion: isAggregatedDiscovery });
    if (negotiated?.convert) return answerAggregated(documentOf(groups, aggregated, peers), negotiated, request);
  }

  const negotiated = negotiate(accept, NO_CONVERSION);
  if (!negotiated) throw notAcceptable();
  const document = groups.document(name, negotiated.mediaType, isPretty(negotiated, request))!;
  return { status: 200, headers: { 'content-type': negotiated.mediaType }, body: document.bytes };
}

/** A clause without `as=` does not count here: the aggregated form wins whatever stands before it. */
function isAggregatedDiscovery(convert: GroupVersionKind | undefined): boolean {
  return (
    convert?.group === 'apidiscovery.k8s.io' && convert.version === 'v2' && convert.kind === 'APIGroupDiscoveryList'
  );
}

/** The core group is that of this server alone (endpoints/discovery/aggregated/wrapper.go). */
function documentOf(groups: ApiGroups, name: DocumentName, { merged, onLocal }: PeersShown): AggregatedForm {
  return ({ mediaType, profile }, pretty) => {
    if (profile === 'nopeer') onLocal?.();
    else if (merged && name.kind === 'aggregatedApis') return merged(mediaType, pretty);
    return groups.document(name, mediaType, pretty)!;
  };
}

function answerAggregated(form: AggregatedForm, negotiated: Negotiated, request: PathRequest): Answer {
  const { bytes, etag } = form(negotiated, isPretty(negotiated, request));
  const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
  if (headerOf(request.headers, 'if-none-match') === etag) return { status: 304, headers, body: '' };
  const contentType = `${negotiated.mediaType};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  return { status: 200, headers: { 'content-type': contentType, ...headers }, body: bytes };
}

function isPretty(negotiated: Negotiated, request: PathRequest): boolean {
  return negotiated.pretty || wantsPretty(request.query, headerOf(request.headers, 'user-agent'));
}

/** Trailing slashes do not count. */
function documentAt(path: string): DocumentName | undefined {
  const [root, ...rest] = withoutEnd(path, '/').slice(1).split('/');
  if (rest.includes('')) return undefined;
  if (root === 'api') {
    const [version, ...more] = rest;
    if (version === undefined) return { kind: 'api' };
    return more.length === 0 ? { kind: 'version', group: '', version } : undefined;
  }
  if (root !== 'apis' || rest.length > 2) return undefined;
  const [group, version] = rest;
  if (group === undefined) return { kind: 'apis' };
  return version === undefined ? { kind: 'group', group } : { kind: 'version', group, version };
}

function isServed(groups: ApiGroups, name: DocumentName): boolean {
  if (name.kind === 'version') return groups.version(name.group, name.version) !== undefined;
  return name.kind !== 'group' || groups.hasGroup(name.group);
}

/** Routed paths take GET alone and have the router's 406; the others take any method. */
function isRouted(groups: ApiGroups, name: DocumentName): boolean {
  if (name.kind === 'version') return groups.sourceOf(name.group, name.version) === 'builtin';
  return name.kind === 'api' || (name.kind === 'group' && name.group === ROUTED_GROUP);
}

function aggregatedForm(name: DocumentName): DocumentName | undefined {
  if (name.kind === 'api') return { kind: 'aggregatedApi' };
  return name.kind === 'apis' ? { kind: 'aggregatedApis' } : undefined;
}
