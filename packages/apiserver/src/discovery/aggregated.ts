/** The aggregated document (apidiscovery.k8s.io/v2 APIGroupDiscoveryList): as bytes, and as another server tells it. */
import { createHash } from 'node:crypto';
import { ConfigObject } from '@keelson/component/configfile';
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

/** @returns undefined for an answer in another form. @throws Error for what is no such list */
export function parseAggregated({ headers, body }: Pick<Reply, 'headers' | 'body'>): GroupDiscovery[] | undefined {
  const parameters = (headers['content-type'] ?? '').split(';').map((each) => each.trim());
  const isKnown = parameters.includes('v=v2') || parameters.includes('v=v2beta1');
  if (!isKnown || !parameters.includes('g=apidiscovery.k8s.io') || !parameters.includes('as=APIGroupDiscoveryList'))
    return undefined;
  const groups = new ConfigObject(JSON.parse(body.toString())).objects('items');
  return groups.map((group) =>
    groupDiscovery(group.object('metadata').string('name'), group.objects('versions').map(versionOf)),
  );
}

function versionOf(version: ConfigObject): VersionDiscovery {
  const resources = version.objects('resources').map(resourceOf);
  return {
    version: version.string('version'),
    ...(resources.length > 0 ? { resources } : {}),
    freshness: version.string('freshness') === 'Stale' ? 'Stale' : 'Current',
  };
}

/** What is known of a resource, each field of it; old clients stumble over what has no kind. */
function resourceOf(resource: ConfigObject): ResourceDiscovery {
  const [shortNames, categories] = [resource.strings('shortNames'), resource.strings('categories')];
  const subresources = resource.objects('subresources').map(subresourceOf);
  return {
    resource: resource.string('resource'),
    responseKind: kindOf(resource.object('responseKind')),
    scope: resource.string('scope'),
    singularResource: resource.string('singularResource'),
    verbs: resource.strings('verbs'),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function subresourceOf(resource: ConfigObject): SubresourceDiscovery {
  const acceptedTypes = resource.objects('acceptedTypes').map(kindOf);
  return {
    subresource: resource.string('subresource'),
    responseKind: kindOf(resource.object('responseKind')),
    ...(acceptedTypes.length > 0 ? { acceptedTypes } : {}),
    verbs: resource.strings('verbs'),
  };
}

function kindOf(kind: ConfigObject): ResourceDiscovery['responseKind'] {
  return { group: kind.string('group'), version: kind.string('version'), kind: kind.string('kind') };
}
