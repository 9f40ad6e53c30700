/**
 * What field management costs: managedFields of a create, of an update that changes one scalar, and an apply.
 *
 *   node bench/apply.ts
 */
import { FieldManager } from '../packages/api/src/apply/fieldmanager.ts';
import { applySchemaOf } from '../packages/api/src/apply/schema.ts';
import type { KubeObject } from '../packages/api/src/object.ts';
import { typeOfKind } from '../packages/api/src/schema.ts';

const probe = {
  httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' },
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
};
const container = (name: string) => ({
  name,
  image: `registry.example.com/team/${name}:1.2.3`,
  args: ['--leader-elect', '--v=2', '--config=/etc/config/config.yaml'],
  ports: [
    { name: 'http', containerPort: 8080, protocol: 'TCP' },
    { name: 'metrics', containerPort: 9090, protocol: 'TCP' },
  ],
  env: Array.from({ length: 8 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `some value ${i}` })),
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } },
  volumeMounts: [
    { name: 'config', mountPath: '/etc/config', readOnly: true },
    { name: 'data', mountPath: '/var/lib/data' },
    { name: 'kube-api-access', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
  ],
  livenessProbe: probe,
  readinessProbe: probe,
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  securityContext: { capabilities: { drop: ['ALL'] }, runAsNonRoot: true, allowPrivilegeEscalation: false },
});
const owner = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web-7d4b9c8f6d',
  uid: '11111111-1111-1111-1111-111111111111',
  controller: true,
  blockOwnerDeletion: true,
};
const pod: KubeObject = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'web-7d4b9c8f6d-abcde',
    namespace: 'default',
    labels: { app: 'web', 'pod-template-hash': '7d4b9c8f6d', 'app.kubernetes.io/part-of': 'shop' },
    annotations: { 'example.com/restartedAt': '2026-01-02T03:04:05Z' },
    ownerReferences: [owner],
  },
  spec: {
    volumes: [
      { name: 'config', configMap: { name: 'web', defaultMode: 420 } },
      { name: 'data', emptyDir: {} },
    ],
    containers: [container('web'), container('proxy')],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'web',
    serviceAccount: 'web',
    securityContext: { runAsUser: 1000 },
    schedulerName: 'default-scheduler',
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
  },
  status: { phase: 'Pending', qosClass: 'Burstable' },
};

const schema = applySchemaOf(typeOfKind('', 'v1', 'Pod')!);
const fields = new FieldManager({
  kind: { group: '', version: 'v1', kind: 'Pod' },
  empty: { metadata: {}, spec: { containers: null }, status: {} },
  versions: {
    schema: (apiVersion) => (apiVersion === 'v1' ? schema : undefined),
    convert: () => {
      throw new Error('there is one version');
    },
  },
  resetFields: { v1: { 'f:status': {} } },
});

function measure(name: string, run: () => unknown): void {
  const rounds = 5_000;
  const perRound = () => {
    const start = performance.now();
    for (let i = 0; i < rounds; i++) run();
    return ((performance.now() - start) / rounds) * 1000;
  };
  perRound();
  const samples = Array.from({ length: 7 }, perRound).sort((a, b) => a - b);
  console.log(`${name.padEnd(24)} ${samples[3]!.toFixed(1).padStart(8)} µs`);
}

/** As it comes from the store or the wire: nothing is shared with another object. */
const reread = (object: KubeObject): KubeObject => JSON.parse(JSON.stringify(object)) as KubeObject;
const now = '2026-01-02T03:04:05Z';
const created = fields.update(undefined, pod, 'kube-controller-manager', now);
const live = reread({ ...created, metadata: { ...created.metadata, uid: 'u' } });
const next = reread({ ...live, spec: { ...(live.spec as object), activeDeadlineSeconds: 5 } });
const same = reread(live);
const config = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'i:2' }] },
};

const sizes = [pod, created.metadata.managedFields].map((v) => JSON.stringify(v).length);
console.log(`a pod of ${sizes[0]} bytes with ${sizes[1]} bytes of managedFields`);
measure('create', () => fields.update(undefined, pod, 'm', now));
measure('update of one scalar', () => fields.update(live, next, 'm', now));
measure('update of nothing', () => fields.update(live, same, 'm', now));
measure('apply', () => fields.apply(live, config, 'applier', true, now));
