import { run, type Template } from '../load/job.ts';
import { configMap, ensureConfigMaps, ensureNamespace, ensurePods, JSON_BODY, NAMESPACE, send } from './fixtures.ts';
import type { Session, Workload } from './workload.ts';

interface Change {
  readonly name: string;
  readonly what: string;
  readonly prepare: (session: Session) => Promise<void>;
  /** The request that makes object `{i}` something that it was not. @param value new in each round */
  readonly template: (value: string) => Template;
}

/** Every object is changed once in each round, so that every request is a write. */
function change({ name, what, prepare, template }: Change): Workload {
  return {
    name,
    what: `${what}, 64 in flight`,
    goal: { lmdb: 2, etcd: 1.3 },
    prepare,
    run: async ({ server, sizes, round }) => {
      const { seconds, count, latency } = await run({
        kind: 'requests',
        target: server,
        templates: [template(`${name}-${round}`)],
        count: objectsOf(sizes),
        connections: 8,
        streams: 8,
      });
      return [
        { name: '', value: count / seconds, unit: '/s', answers: count },
        { name: 'p50', value: latency.p50, unit: 'ms' },
        { name: 'p99', value: latency.p99, unit: 'ms' },
      ];
    },
  };
}

const objectsOf = ({ writes, pods }: Session['sizes']) => Math.min(writes, pods);
const path = (resource: string) => `/api/v1/namespaces/${NAMESPACE}/${resource}`;
const patchOf = (kind: string, body: object): Template => ({
  method: 'PATCH',
  path: `${path('pods')}/pod-{i}`,
  headers: { 'content-type': `application/${kind}+json` },
  body: JSON.stringify(body),
});
const withPods = ({ server, sizes }: Session) => ensurePods(server, sizes.pods);

const update = change({
  name: 'update',
  what: 'PUT of config maps',
  prepare: ({ server, sizes }) => ensureConfigMaps(server, sizes.writes),
  template: (value) => ({
    method: 'PUT',
    path: `${path('configmaps')}/config-{i}`,
    headers: JSON_BODY,
    body: JSON.stringify(configMap({ name: 'config-{i}' }, value)),
  }),
});

const jsonPatch = change({
  name: 'patch-json',
  what: 'JSON patch of pods of 4 KB',
  prepare: withPods,
  template: (value) => patchOf('json-patch', [{ op: 'add', path: '/metadata/labels/json', value }] as const),
});

const mergePatch = change({
  name: 'patch-merge',
  what: 'merge patch of pods of 4 KB',
  prepare: withPods,
  template: (value) => patchOf('merge-patch', { metadata: { labels: { merge: value } } }),
});

const strategicPatch = change({
  name: 'patch-strategic',
  what: 'strategic merge patch of pods of 4 KB',
  prepare: withPods,
  template: (value) => patchOf('strategic-merge-patch', { metadata: { labels: { strategic: value } } }),
});

const deployments = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const applied = (value: string): Template => ({
  method: 'PATCH',
  path: `${deployments}/web-{i}?fieldManager=bench&force=true`,
  headers: { 'content-type': 'application/apply-patch+yaml' },
  body: JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web-{i}', labels: { app: 'web' } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'web',
              image: `registry.example.com/team/web:${value}`,
              ports: [{ name: 'http', containerPort: 8080 }],
              env: [{ name: 'REGION', value: 'eu-central-1' }],
              resources: { requests: { cpu: '250m', memory: '256Mi' } },
            },
          ],
        },
      },
    },
  }),
});

const apply = change({
  name: 'apply',
  what: 'server-side apply of Deployments that are there',
  prepare: async ({ server, sizes }) => {
    await ensureNamespace(server);
    await send(server, [applied('first')], objectsOf(sizes));
  },
  template: applied,
});

export const changes: readonly Workload[] = [update, jsonPatch, mergePatch, strategicPatch, apply];
