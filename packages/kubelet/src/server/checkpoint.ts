/** `/checkpoint/NAMESPACE/POD/CONTAINER`: the runtime writes a container that runs into a file (pkg/kubelet/server, CheckpointContainer in kubelet.go). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { HttpError } from '@keelson/component/serving/server';
import { containerOf } from '../pods/spec.ts';
import type { KubeletView } from '../view.ts';

/**
 * @param path NAMESPACE, POD, CONTAINER
 * @param query `timeout` in seconds; of several, the last
 * @returns where the file is: `{ items: [path] }`
 * @throws HttpError in upstream's words, whatever goes wrong
 */
export async function checkpoint(
  view: KubeletView,
  method: string | undefined,
  path: readonly string[],
  query: URLSearchParams,
): Promise<object> {
  const [namespace = '', name = '', container = '', ...more] = path;
  if (container === '' || more.length > 0 || view.checkpoints === undefined) {
    throw new HttpError(404, '404 page not found\n');
  }
  if (method !== 'POST') throw new HttpError(405, '405: Method Not Allowed');
  const pod = view.pod(namespace, name);
  if (!pod) throw new HttpError(404, 'pod does not exist');
  if (!containerOf(pod, container)) throw new HttpError(404, `container ${container} does not exist`);
  const timeout = query.getAll('timeout').at(-1) ?? '0';
  if (!/^[+-]?\d+$/.test(timeout)) throw new HttpError(404, 'cannot parse value of timeout parameter');
  try {
    return { items: [await write(view, view.checkpoints, pod, container, Number(timeout))] };
  } catch (error) {
    const what = `checkpointing of ${namespace}/${name}/${container} failed`;
    throw new HttpError(500, `${what} (${(error as Error).message})`);
  }
}

async function write(
  view: KubeletView,
  directory: string,
  pod: Pod,
  name: string,
  timeoutSeconds: number,
): Promise<string> {
  const status = await view.container(pod, name);
  if (status?.state.type !== 'running') throw new Error(`container ${name} not found`);
  const stamp = new Date(view.world.clock.now()).toISOString().replace(/\.\d+/, '');
  const file = `checkpoint-${pod.metadata.name}_${pod.metadata.namespace}-${name}-${stamp}.tar`;
  // It has all that the container has in memory, secrets too.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const location = join(directory, file);
  await view.runtime.checkpointContainer(status.id, location, timeoutSeconds);
  return location;
}
