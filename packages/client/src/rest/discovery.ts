/** What a server serves, from its aggregated discovery (apidiscovery.k8s.io/v2). */
import type { APIGroupDiscoveryList } from '@keelson/api/generated/types/apidiscovery/v2';
import type { Client } from './client.ts';
import { readObject } from './json.ts';
import type { ResourceDefinition } from './resource.ts';

/** A resource as the server tells of it. Subresources are left out. */
export interface ServedResource extends ResourceDefinition {
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface Served {
  /** Every resource in every version; a group's preferred version comes first. */
  readonly resources: readonly ServedResource[];
  /** `group/version` of what could not be asked, because the server behind it does not answer. */
  readonly stale: readonly string[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** @throws StatusError, ConnectionError, RequestTimeoutError */
export async function discover(client: Client, signal?: AbortSignal): Promise<Served> {
  const [core, groups] = await Promise.all(['/api', '/apis'].map((path) => documentOf(client, path, signal)));
  const resources: ServedResource[] = [];
  const stale: string[] = [];
  for (const { metadata, versions = [] } of [...(core!.items ?? []), ...(groups!.items ?? [])]) {
    const group = metadata.name ?? '';
    for (const { version, freshness, resources: served = [] } of versions) {
      if (freshness === 'Stale') stale.push(group === '' ? version : `${group}/${version}`);
      for (const { resource, scope, verbs, responseKind } of served) {
        const kind = responseKind?.kind ?? '';
        resources.push({ group, version, resource, kind, namespaced: scope === 'Namespaced', verbs: verbs ?? [] });
      }
    }
  }
  return { resources, stale };
}

/** Of each resource the version that its group prefers. */
export function preferred(resources: readonly ServedResource[]): ServedResource[] {
  const first = new Map<string, ServedResource>();
  for (const each of resources) {
    const key = `${each.resource}.${each.group}`;
    if (!first.has(key)) first.set(key, each);
  }
  return [...first.values()];
}

function documentOf(client: Client, path: string, signal: AbortSignal | undefined): Promise<APIGroupDiscoveryList> {
  const subject = { verb: 'get', group: '', resource: path, name: '' };
  return client.call(
    { method: 'GET', path, accept: ACCEPT, subject, signal },
    async (response) => (await readObject(response.body)) as APIGroupDiscoveryList,
  );
}
