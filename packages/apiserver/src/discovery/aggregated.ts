/** The aggregated document (apidiscovery.k8s.io/v2 APIGroupDiscoveryList): as bytes, and as another server tells it. */
import { createHash } from 'node:crypto';
import type { Reply } from '../connect/front-proxy.ts';
import { encodeDocument } from '../http/encode.ts';
import type { MediaType } from '../http/negotiate.ts';
import {
  type GroupDiscovery,
  groupDiscovery,
  type ResourceDiscovery,
  type SubresourceDiscovery,
  type VersionDiscovery,
} from './documents.ts';

export interface RenderedDocument {
  readonly bytes: Buffer;
  /** Of aggregated documents, with its quotes; '' for the others. */
  readonly etag: string;
}

/** The ETag is the same for all media types (endpoints/discovery/aggregated/etag.go). */
export function renderAggregated(
  groups: readonly GroupDiscovery[],
  mediaType: MediaType,
  pretty: boolean,
): RenderedDocument {
  const list = { metadata: {}, items: groups };
  const etag = createHash('sha512').update(JSON.stringify(list)).digest('hex').toUpperCase();
  const object = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', ...list };
  return { bytes: encodeDocument(object, mediaType, pretty), etag: `"${etag}"` };
}

/** @returns undefined for an answer in another form. @throws SyntaxError for what is no JSON */
export function parseAggregated({ headers, body }: Pick<Reply, 'headers' | 'body'>): GroupDiscovery[] | undefined {
  const parameters = (headers['content-type'] ?? '').split(';').map((each) => each.trim());
  const isKnown = parameters.includes('v=v2') || parameters.includes('v=v2beta1');
  if (!isKnown || !parameters.includes('g=apidiscovery.k8s.io') || !parameters.includes('as=APIGroupDiscoveryList'))
    return undefined;
  const { items = [] } = JSON.parse(body.toString()) as UncheckedList;
  return items.map(({ metadata, versions = [] }) => groupDiscovery(metadata?.name ?? '', versions.map(versionOf)));
}

interface UncheckedList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly UncheckedVersion[];
  }[];
}

interface UncheckedVersion extends Partial<Pick<VersionDiscovery, 'version' | 'freshness'>> {
  readonly resources?: readonly Partial<ResourceDiscovery>[];
}

function versionOf({ version = '', resources = [], freshness }: UncheckedVersion): VersionDiscovery {
  return {
    version,
    ...(resources.length > 0 ? { resources: resources.map(resourceOf) } : {}),
    freshness: freshness === 'Stale' ? 'Stale' : 'Current',
  };
}

const NO_KIND = { group: '', version: '', kind: '' };

/** What is known of a resource, each field of it; old clients stumble over what has no kind. */
function resourceOf(resource: Partial<ResourceDiscovery>): ResourceDiscovery {
  const { shortNames = [], categories = [], subresources = [] } = resource;
  return {
    resource: resource.resource ?? '',
    responseKind: { ...NO_KIND, ...resource.responseKind },
    scope: resource.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    singularResource: resource.singularResource ?? '',
    verbs: resource.verbs ?? [],
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources: subresources.map(subresourceOf) } : {}),
  };
}

function subresourceOf(resource: Partial<SubresourceDiscovery>): SubresourceDiscovery {
  return {
    subresource: resource.subresource ?? '',
    responseKind: { ...NO_KIND, ...resource.responseKind },
    verbs: resource.verbs ?? [],
  };
}
