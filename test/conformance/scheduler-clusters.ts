/** Clusters made by chance, always the same, in which pods of all kinds want a node. */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import type { Draft, ResourceName } from '@keelson/client';

export interface TestedCluster {
  readonly name: string;
  readonly nodes: readonly Draft<Node>[];
  /** With their nodes. */
  readonly pods: readonly Draft<Pod>[];
  readonly others: readonly (TypedObject & { kind: ResourceName & string })[];
  readonly wanted: readonly Draft<Pod>[];
}

/** mulberry32 */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class Maker {
  readonly random: () => number;
  constructor(seed: number) {
    this.random = chance(seed);
  }
  int(n: number): number {
    return Math.floor(this.random() * n);
  }
  one<T>(of: readonly T[]): T {
    return of[this.int(of.length)]!;
  }
  maybe(probability: number): boolean {
    return this.random() < probability;
  }

  node(i: number): Draft<Node> {
    const labels: Record<string, string> = { 'kubernetes.io/hostname': `n${i}` };
    if (this.maybe(0.8)) labels['topology.kubernetes.io/zone'] = `z${this.int(3)}`;
    if (this.maybe(0.5)) labels.disk = this.one(['ssd', 'hdd']);
    if (this.maybe(0.5)) labels.cpus = String(this.int(32));
    const allocatable = {
      cpu: this.one(['2', '4', '8', '3900m']),
      memory: this.one(['4Gi', '8Gi', '16Gi', '7500Mi']),
      'ephemeral-storage': this.one(['10Gi', '100Gi']),
      pods: this.one(['3', '10', '110']),
      ...(this.maybe(0.3) ? { 'example.com/gpu': this.one(['1', '4']) } : {}),
    };
    const taints = [
      ...(this.maybe(0.15) ? [{ key: 'dedicated', value: this.one(['a', 'b']), effect: 'NoSchedule' }] : []),
      ...(this.maybe(0.25) ? [{ key: 'slow', effect: 'PreferNoSchedule' }] : []),
    ];
    const images = ['a', 'b', 'c'].flatMap((name, k) =>
      this.maybe(0.4) ? [{ names: [`example.com/${name}:v1`], sizeBytes: (k + 1) * 300_000_000 }] : [],
    );
    return {
      metadata: { name: `n${i}`, labels },
      spec: { ...(this.maybe(0.1) ? { unschedulable: true } : {}), ...(taints.length ? { taints } : {}) },
      status: { allocatable, capacity: allocatable, images, conditions: [{ type: 'Ready', status: 'True' }] },
    };
  }

  labels(): Record<string, string> {
    return { app: this.one(['web', 'db', 'cache']), tier: this.one(['front', 'back']) };
  }

  requests(): Record<string, string> {
    return {
      ...(this.maybe(0.7) ? { cpu: this.one(['100m', '500m', '1', '1500m', '3']) } : {}),
      ...(this.maybe(0.7) ? { memory: this.one(['128Mi', '512Mi', '1Gi', '3Gi', '1e9']) } : {}),
      ...(this.maybe(0.15) ? { 'ephemeral-storage': this.one(['1Gi', '20Gi']) } : {}),
    };
  }

  container(i: number) {
    const gpu = this.maybe(0.1) ? { 'example.com/gpu': '1' } : {};
    return {
      name: `c${i}`,
      image: `example.com/${this.one(['a', 'b', 'c', 'd'])}:v1`,
      resources: { requests: { ...this.requests(), ...gpu }, limits: gpu },
      ...(this.maybe(0.15) ? { ports: [{ containerPort: 80, hostPort: this.one([8080, 8081]) }] } : {}),
    };
  }

  term() {
    return {
      topologyKey: this.one(['kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'disk']),
      labelSelector: this.maybe(0.7)
        ? { matchLabels: { app: this.one(['web', 'db', 'cache']) } }
        : { matchExpressions: [{ key: 'tier', operator: this.one(['In', 'NotIn']), values: ['front'] }] },
      ...(this.maybe(0.2) ? { namespaceSelector: {} } : {}),
    };
  }

  podAffinity() {
    return {
      ...(this.maybe(0.3) ? { requiredDuringSchedulingIgnoredDuringExecution: [this.term()] } : {}),
      ...(this.maybe(0.5)
        ? {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1 + this.int(100), podAffinityTerm: this.term() },
            ],
          }
        : {}),
    };
  }

  nodeTerm() {
    return {
      matchExpressions: [
        this.one([
          { key: 'disk', operator: 'In', values: ['ssd'] },
          { key: 'disk', operator: 'NotIn', values: ['hdd'] },
          { key: 'disk', operator: 'Exists' },
          { key: 'cpus', operator: 'Gt', values: ['10'] },
          { key: 'cpus', operator: 'Lt', values: ['20'] },
        ]),
      ],
    };
  }

  affinity() {
    return {
      ...(this.maybe(0.3)
        ? {
            nodeAffinity: {
              ...(this.maybe(0.4)
                ? {
                    requiredDuringSchedulingIgnoredDuringExecution: {
                      nodeSelectorTerms: [this.nodeTerm(), this.nodeTerm()],
                    },
                  }
                : {}),
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1 + this.int(100), preference: this.nodeTerm() },
              ],
            },
          }
        : {}),
      ...(this.maybe(0.3) ? { podAffinity: this.podAffinity() } : {}),
      ...(this.maybe(0.3) ? { podAntiAffinity: this.podAffinity() } : {}),
    };
  }

  spread() {
    return {
      maxSkew: 1 + this.int(2),
      topologyKey: this.one(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']),
      whenUnsatisfiable: this.one(['DoNotSchedule', 'ScheduleAnyway']),
      labelSelector: { matchLabels: { app: this.one(['web', 'db', 'cache']) } },
      ...(this.maybe(0.2) ? { nodeTaintsPolicy: 'Honor' } : {}),
      ...(this.maybe(0.2) ? { nodeAffinityPolicy: 'Ignore' } : {}),
      ...(this.maybe(0.2) ? { matchLabelKeys: ['tier'] } : {}),
    };
  }

  pod(name: string, spec: object): Draft<Pod> {
    const init = this.maybe(0.2)
      ? [{ ...this.container(8), ports: [], ...(this.maybe(0.5) ? { restartPolicy: 'Always' } : {}) }]
      : [];
    return {
      metadata: { namespace: 'default', name, labels: this.labels() },
      spec: {
        containers: [this.container(0), ...(this.maybe(0.3) ? [{ ...this.container(1), ports: [] }] : [])],
        initContainers: init,
        ...(this.maybe(0.5) ? { affinity: this.affinity() } : {}),
        ...(this.maybe(0.4)
          ? {
              tolerations: [
                this.one([
                  { key: 'dedicated', operator: 'Exists' },
                  { key: 'slow', operator: 'Exists' },
                  { key: 'dedicated', value: 'a' },
                ]),
              ],
            }
          : {}),
        ...(this.maybe(0.15) ? { nodeSelector: { disk: 'ssd' } } : {}),
        ...spec,
      },
    };
  }

  wantedPod(i: number): Draft<Pod> {
    const constraints = this.maybe(0.35) ? [this.spread()] : [];
    const topologySpreadConstraints = constraints.map((constraint) => {
      const { matchLabelKeys, ...rest } = constraint;
      return rest.whenUnsatisfiable === 'DoNotSchedule' && this.maybe(0.3)
        ? { ...constraint, minDomains: 4 }
        : constraint;
    });
    return this.pod(`wanted-${i}`, topologySpreadConstraints.length ? { topologySpreadConstraints } : {});
  }
}

function cluster(seed: number): TestedCluster {
  const make = new Maker(seed);
  const nodes = Array.from({ length: 4 + make.int(10) }, (_, i) => make.node(i));
  const pods = Array.from({ length: make.int(30) }, (_, i) =>
    make.pod(`there-${i}`, { nodeName: make.one(nodes).metadata!.name! }),
  );
  const service = (app: string) => ({
    kind: 'services' as const,
    metadata: { namespace: 'default', name: `s-${app}`, labels: { test: 'yes' } },
    spec: { selector: { app }, ports: [{ port: 80 }] },
  });
  return {
    name: `cluster ${seed}`,
    nodes,
    pods,
    others: seed % 2 === 0 ? [service('web'), service('db')] : [],
    wanted: Array.from({ length: 25 }, (_, i) => make.wantedPod(i)),
  };
}

const byChance: readonly TestedCluster[] = Array.from({ length: Number(process.env.CLUSTERS ?? 6) }, (_, i) =>
  cluster(i + 1),
);

const yes = { labels: { test: 'yes' } };
const mine = (name: string, labels: Record<string, string> = {}) => ({ name, labels: { ...yes.labels, ...labels } });
const gibibyte = { storage: '1Gi' };

function volume(name: string, spec: object, labels: Record<string, string> = {}) {
  const accessModes = name === 'pv-used' ? ['ReadWriteOncePod'] : ['ReadWriteOnce'];
  const base = { capacity: gibibyte, accessModes, hostPath: { path: '/tmp' }, storageClassName: 'local' };
  return { kind: 'persistentvolumes' as const, metadata: mine(name, labels), spec: { ...base, ...spec } };
}

function claim(name: string, spec: object, annotations: Record<string, string> = {}) {
  const metadata = { namespace: 'default', ...mine(name), annotations };
  const base = { accessModes: ['ReadWriteOnce'], resources: { requests: gibibyte }, storageClassName: 'local' };
  return { kind: 'persistentvolumeclaims' as const, metadata, spec: { ...base, ...spec } };
}

const bound = { 'pv.kubernetes.io/bind-completed': 'yes' };
const onlyOn = (...values: string[]) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }],
    },
  },
});
const csi = (volumeHandle: string) => ({ hostPath: null, csi: { driver: 'csi.example.com', volumeHandle } });

function volumesCluster(): TestedCluster {
  const zones = ['z0', 'z1', 'z1', ''];
  const nodes = zones.map((zone, i) => {
    const labels = { 'kubernetes.io/hostname': `n${i}`, ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}) };
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
    return { metadata: { name: `n${i}`, labels }, spec: {}, status: { allocatable, capacity: allocatable } };
  });
  const using = (name: string, claims: readonly string[], spec: object = {}): Draft<Pod> => ({
    metadata: { namespace: 'default', name },
    spec: {
      containers: [{ name: 'c', image: 'image' }],
      volumes: claims.map((claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } })),
      ...spec,
    },
  });
  const storageClass = (name: string, more: object) => ({
    kind: 'storageclasses.storage.k8s.io' as const,
    metadata: mine(name),
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    ...more,
  });
  const exclusive = { accessModes: ['ReadWriteOncePod'] };
  const others = [
    storageClass('local', {}),
    storageClass('immediate', { volumeBindingMode: 'Immediate' }),
    storageClass('topology', {
      provisioner: 'csi.example.com',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'topology.kubernetes.io/zone', values: ['nowhere'] }] }],
    }),
    storageClass('full', { provisioner: 'full.example.com' }),
    { kind: 'csidrivers.storage.k8s.io' as const, metadata: mine('full.example.com'), spec: { storageCapacity: true } },
    ...nodes.map(({ metadata }, i) => ({
      kind: 'csinodes.storage.k8s.io' as const,
      metadata: mine(metadata.name),
      spec: {
        drivers: [
          {
            name: 'csi.example.com',
            nodeID: metadata.name,
            topologyKeys: null,
            allocatable: { count: i === 3 ? 2 : 1 },
          },
        ],
      },
    })),
    volume('pv-n1', onlyOn('n1')),
    volume('pv-nowhere', onlyOn('elsewhere')),
    volume('pv-zone', {}, { 'topology.kubernetes.io/zone': 'z0__z2' }),
    volume('pv-used', {}),
    volume('csi-a', csi('a')),
    volume('csi-b', csi('b')),
    volume('csi-c', csi('c')),
    claim('bound-n1', { volumeName: 'pv-n1' }, bound),
    claim('bound-nowhere', { volumeName: 'pv-nowhere' }, bound),
    claim('bound-zone', { volumeName: 'pv-zone' }, bound),
    claim('bound-missing', { volumeName: 'no-such-volume' }, bound),
    claim('used', { volumeName: 'pv-used', ...exclusive }, bound),
    claim('csi-a', { volumeName: 'csi-a' }, bound),
    claim('csi-b', { volumeName: 'csi-b' }, bound),
    claim('csi-c', { volumeName: 'csi-c' }, bound),
    claim('immediate', { storageClassName: 'immediate' }),
    claim('classless', { storageClassName: '' }),
    claim('unknown-class', { storageClassName: 'no-such-class' }),
    claim('too-large', { resources: { requests: { storage: '1Ti' } } }),
    claim('no-topology', { storageClassName: 'topology' }),
    claim('full', { storageClassName: 'full' }),
  ];
  const pods = [
    using('user', ['used'], { nodeName: 'n0' }),
    ...['n0', 'n1', 'n2', 'n3'].map((nodeName) => using(`csi-${nodeName}`, ['csi-a'], { nodeName })),
  ];
  const ephemeral = using('ephemeral', [], {
    volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: claim('x', {}).spec } } }],
  });
  const wanted = [
    ['bound-n1'],
    ['bound-nowhere'],
    ['bound-zone'],
    ['bound-missing'],
    ['used'],
    ['csi-b'],
    ['csi-a'],
    ['csi-b', 'csi-c'],
    ['immediate'],
    ['classless'],
    ['unknown-class'],
    ['too-large'],
    ['no-topology'],
    ['full'],
    ['no-such-claim'],
    ['bound-n1', 'bound-nowhere'],
    ['bound-nowhere', 'too-large'],
    ['immediate', 'used'],
  ].map((claims, i) => using(`volumes-${i}`, claims));
  return { name: 'volumes', nodes, pods, others, wanted: [...wanted, ephemeral] };
}

/** What pods as a whole can be refused for. */
function refusalsCluster(): TestedCluster {
  const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '110' }, capacity: { cpu: '4' } };
  const nodes = ['a', 'b'].map((name) => ({
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status,
  }));
  const pod = (name: string, spec: object): Draft<Pod> => ({
    metadata: { namespace: 'default', name, labels: { app: 'x' } },
    spec: { containers: [{ name: 'c', image: 'image' }], ...spec },
  });
  const byName = (...terms: string[][]) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: terms.map((names) => ({
            matchFields: names.map((name) => ({ key: 'metadata.name', operator: 'In', values: [name] })),
          })),
        },
      },
    },
  });
  const huge = { containers: [{ name: 'c', image: 'image', resources: { requests: { cpu: '100' } } }] };
  return {
    name: 'refusals',
    nodes,
    pods: [],
    others: [
      {
        kind: 'priorityclasses.scheduling.k8s.io' as const,
        metadata: mine('polite'),
        value: 10,
        preemptionPolicy: 'Never',
      } as TestedCluster['others'][number],
    ],
    wanted: [
      pod('conflict', byName(['a', 'b'])),
      pod('one', byName(['a'])),
      pod('one-or-other', byName(['a'], ['b'])),
      pod('nowhere', byName(['elsewhere'])),
      pod('one-and-huge', { ...byName(['a']), ...huge }),
      pod('huge-never', { ...huge, priorityClassName: 'polite' }),
    ],
  };
}

export const clusters: readonly TestedCluster[] = [volumesCluster(), refusalsCluster(), ...byChance];
