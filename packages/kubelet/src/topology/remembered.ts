/** What the managers of CPUs and of memory remember of containers, from one kubelet to the next and while pods come and go. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { readIfExists } from '@keelson/component/files';
import { uidOf } from '../pods/spec.ts';

/**
 * What a kubelet before has left in its file; undefined where there is none.
 * @param what as upstream names the manager: `CPU`, `memory`. @throws Error where it cannot be used, in upstream's words
 */
export async function restoredFrom<T>(path: string, what: string, parse: (text: string) => T): Promise<T | undefined> {
  const text = await readIfExists(path);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    const advice = `please drain this node and delete the ${what} manager checkpoint file ${JSON.stringify(path)}`;
    const why = `could not restore state from checkpoint: ${(error as Error).message}`;
    const message = `start ${what.toLowerCase()} manager error: ${why}, ${advice} before restarting Kubelet`;
    throw new Error(message, { cause: error });
  }
}

/** Whether a container is one of these pods'. */
export function belongingTo(pods: readonly Pod[]): (uid: string, container: string) => boolean {
  const names = new Map(
    pods.map((pod) => {
      const containers = declaredContainers(pod.spec);
      return [uidOf(pod), new Set(containers.map(({ name }) => name))];
    }),
  );
  return (uid, container) => names.get(uid)?.has(container) ?? false;
}
