/** Objects that workloads need, made once for each server. */
import type { Target } from '../load/connection.ts';
import { run, type Template } from '../load/job.ts';
import { pod as clusterPod } from '../objects.ts';
import { ask } from '../servers/server.ts';

export const JSON_BODY = { 'content-type': 'application/json' } as const;
export const NAMESPACE = 'bench';

/** Half a kilobyte of data. */
export function configMap(metadata: Readonly<Record<string, unknown>>, value: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value, text: 'x'.repeat(500) } };
}

/** What of a pod's spec selections go by. */
interface Placement {
  readonly nodeName?: string;
  readonly schedulerName?: string;
}

/** About 4 KB once it is stored: two containers, as of a Deployment. */
export function pod(metadata: Readonly<Record<string, unknown>>, placement: Placement = {}): object {
  const { labels, annotations } = clusterPod.metadata;
  const { containers, serviceAccountName: _, nodeName: __, ...spec } = clusterPod.spec;
  const [{ livenessProbe: _probe, securityContext: _context, ...first }] = containers as [(typeof containers)[0]];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { annotations, ...metadata, labels: { ...labels, ...(metadata.labels as object) } },
    spec: {
      ...spec,
      automountServiceAccountToken: false,
      containers: [first, { name: 'sidecar', image: 'registry.example.com/team/sidecar:v1.2.3' }],
      ...placement,
    },
  };
}

const createConfigMapIn = (namespace: string): Template => ({
  method: 'POST',
  path: `/api/v1/namespaces/${namespace}/configmaps`,
  headers: JSON_BODY,
  body: JSON.stringify(configMap({ name: 'config-{i}' }, 'first')),
});

export const createConfigMap: Template = createConfigMapIn(NAMESPACE);

const made = new WeakMap<Target, Map<string, Promise<void>>>();

/** Runs `make` for a server unless it was before. */
function once(target: Target, key: string, make: () => Promise<void>): Promise<void> {
  const known = made.get(target) ?? new Map<string, Promise<void>>();
  made.set(target, known);
  const promise = known.get(key) ?? make();
  known.set(key, promise);
  return promise;
}

/** A namespace with the service account that pods get. */
export function ensureNamespace(target: Target, namespace = NAMESPACE): Promise<void> {
  return once(target, namespace, async () => {
    const existing = await ask(target, `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
    if (existing.status === 200) return;
    const post = (path: string, body: object) =>
      send(target, [{ method: 'POST', path, headers: JSON_BODY, body: JSON.stringify(body) }], 1);
    await post('/api/v1/namespaces', { metadata: { name: namespace } });
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
  });
}

/** Pods `pod-0` … in a namespace, in chunks. */
export async function ensurePods(target: Target, count: number, namespace = NAMESPACE, from = 0): Promise<void> {
  await ensureNamespace(target, namespace);
  await once(target, `${namespace}/pods/${from}-${count}`, () =>
    send(target, podTemplates(namespace), count - from, from),
  );
}

/** One in a thousand pods is of kind `rare`, on node `node-rare`, placed by scheduler `rare`. */
function podTemplates(namespace: string): Template[] {
  const template = (kind: string, weight: number): Template => ({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    headers: JSON_BODY,
    body: JSON.stringify(pod({ name: 'pod-{i}', labels: { kind } }, { nodeName: `node-${kind}`, schedulerName: kind })),
    weight,
  });
  return [template('common', 999), template('rare', 1)];
}

export function ensureConfigMaps(target: Target, count: number, namespace = NAMESPACE): Promise<void> {
  return once(target, `${namespace}/configmaps/${count}`, async () => {
    await ensureNamespace(target, namespace);
    await send(target, [createConfigMapIn(namespace)], count);
  });
}

/** Requests as fast as the server answers, outside of any measurement. */
export async function send(target: Target, templates: readonly Template[], count: number, from = 0): Promise<void> {
  await run({ kind: 'requests', target, templates, count, from, connections: 4, streams: count < 100 ? 1 : 16 });
}
