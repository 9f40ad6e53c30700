/** What the server serves changes: custom resources come and go. */
import type { APIResourceList } from '@keelson/api/generated/types/meta/v1';
import { apiVersionOf } from '@keelson/api/object';
import {
  type Client,
  discover,
  hasReason,
  pause,
  preferred,
  type ResourceName,
  resources,
  type Served,
  type ServedResource,
} from '@keelson/client';
import { readObject } from '@keelson/client/rest/json';

/** How often it is asked what is served. */
export const REFRESH_MS = 30_000;

/**
 * Tells what is served now and then, until it is aborted. What cannot be found out is asked for again the next time.
 * @param failed is told each time that it could not be found out
 */
export async function followServed(
  client: Client,
  tell: (served: Served) => void,
  signal: AbortSignal,
  failed: () => void = () => {},
): Promise<void> {
  const { clock, log } = client.world;
  while (!signal.aborted) {
    await pause(clock, REFRESH_MS, signal);
    if (signal.aborted) return;
    await discover(client, signal).then(tell, (error) => {
      failed();
      log.warn({ error }, 'What is served could not be found out');
    });
  }
}

/** Whether the server serves a resource, in the version that is known here. Others come and go with gates of the server. */
export async function isServed(client: Client, name: ResourceName): Promise<boolean> {
  const { group, version, resource } = resources[name];
  const path = `/apis/${group}/${version}`;
  const subject = { verb: 'get', group: '', resource: path, name: '' };
  try {
    const list = await client.call({ method: 'GET', path, subject }, ({ body }) => readObject(body));
    return (list as APIResourceList).resources?.some((each) => each.name === resource) ?? false;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return false;
    throw error;
  }
}

/** Whether a resource is what its group prefers. A group whose server does not answer has not lost its resources. */
export function servedStill({ resources, stale }: Served): (resource: ServedResource) => boolean {
  const keys = new Set(preferred(resources).map(keyOf));
  return (resource) => keys.has(keyOf(resource)) || stale.includes(apiVersionOf(resource));
}

/** `group/version/resource`. */
export function keyOf(resource: ServedResource): string {
  return `${apiVersionOf(resource)}/${resource.resource}`;
}
