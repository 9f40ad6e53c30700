/** The pod of a manifest on the node (pkg/kubelet/config/common.go). */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { serializerFor } from '@keelson/api/codec/index';
import type { Container, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { structType } from '@keelson/api/schema';
import { CONFIG_HASH, CONFIG_SEEN, CONFIG_SOURCE } from '../pods/spec.ts';

/** What the API server does to a pod that it takes, for pods that it never sees. Without it a pod needs no more than names. */
export interface PodRules {
  /** Fills in what the manifest leaves out. */
  defaults(pod: Pod): void;
  /** @returns what is wrong with it */
  validate(pod: Pod): readonly string[];
  /** Whether it may want something of objects of the API, without which it is run (gate `PreventStaticPodAPIReferences`). */
  readonly mayReference: boolean;
}

export interface StaticPodSource {
  /** The manifest. */
  readonly file: string;
  readonly nodeName: string;
  /** RFC 3339. */
  readonly now: string;
  readonly rules?: PodRules | undefined;
}

/**
 * The pod of a manifest: bound to the node, named after it, with a uid that is of its contents.
 * @throws Error in upstream's words
 */
export function staticPod(manifest: Uint8Array, source: StaticPodSource): Pod {
  const pod = place(decode(manifest, source), source);
  const problems = source.rules?.validate(pod) ?? [];
  if (problems.length > 0) throw new Error(`invalid pod: [${problems.join(' ')}]`);
  const reference = source.rules?.mayReference ? undefined : objectReference(pod);
  if (reference !== undefined) throw new Error(`static pods may not reference ${reference}`);
  return pod;
}

function decode(manifest: Uint8Array, { file, rules }: StaticPodSource): Pod {
  let pod: Pod;
  try {
    const body = serializerFor('application/yaml').open(manifest);
    if (body.kind !== 'Pod' || body.apiVersion !== 'v1')
      throw new Error(`it is ${body.kind || 'of no kind'} of ${body.apiVersion || 'no version'}, not Pod of v1`);
    const { object } = body.decode(structType('io.k8s.api.core.v1.Pod'), { strict: false });
    pod = object as unknown as Pod;
  } catch (error) {
    throw new Error(`${file}: couldn't parse as pod(${(error as Error).message}), please check config file`);
  }
  if (!pod.metadata?.name) throw new Error('invalid pod: name is needed for the pod');
  pod.spec ??= { containers: [] };
  if (rules) rules.defaults(pod);
  else pod.spec = withDefaults(pod.spec);
  return pod;
}

function place(pod: Pod, { file, nodeName, now }: StaticPodSource): Pod {
  const { metadata, spec } = pod;
  const hash = createHash('md5')
    .update(`host:${nodeName}file:${basename(file)}${JSON.stringify(pod)}`)
    .digest('hex');
  const uid = metadata.uid || hash;
  const everywhere = { operator: 'Exists', effect: 'NoExecute' };
  const tolerations = spec.tolerations ?? [];
  const isTolerant = tolerations.some(
    ({ key, operator, effect }) => !key && operator === everywhere.operator && effect === everywhere.effect,
  );
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      uid,
      annotations: { ...metadata.annotations, [CONFIG_HASH]: uid, [CONFIG_SEEN]: now, [CONFIG_SOURCE]: 'file' },
    },
    spec: { ...spec, nodeName, tolerations: isTolerant ? tolerations : [...tolerations, everywhere] },
    status: { phase: 'Pending' },
  };
}

/** The least that a pod is run by. */
function withDefaults(spec: Pod['spec']): Pod['spec'] {
  return {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...spec,
    containers: (spec.containers ?? []).map(containerWithDefaults),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(containerWithDefaults) } : {}),
  };
}

function containerWithDefaults(container: Container): Container {
  const { image = '' } = container;
  const latest = !image.includes('@') && (/:latest$/.test(image) || !/:[^/]*$/.test(image));
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    ...container,
    resources: container.resources ?? {},
  };
}

/** Of which objects of the API a pod wants something: a static one runs without an API server. */
function objectReference({ spec }: Pod): string | undefined {
  const containers = declaredContainers(spec);
  const env = containers.flatMap(({ env = [], envFrom = [] }) => [...env.map((each) => each.valueFrom), ...envFrom]);
  const has = (name: string) => env.some((source) => source && name in source);
  if (spec.serviceAccountName) return 'serviceaccounts';
  if (spec.imagePullSecrets?.length || has('secretKeyRef') || has('secretRef')) return 'secrets';
  if (has('configMapKeyRef') || has('configMapRef')) return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const found = volumeReference(volume);
    if (found !== undefined) return found;
  }
  return undefined;
}

const VOLUMES = {
  configMap: 'configmaps (via configmap volumes)',
  secret: 'secrets (via secret volumes)',
  csi: 'csidrivers (via CSI volumes)',
  glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims',
  ephemeral: 'persistentvolumeclaims (via ephemeral volumes)',
  azureFile: 'secrets (via azureFile volumes)',
} as const satisfies Partial<Record<keyof Volume, string>>;

const PROJECTED = {
  configMap: 'configmaps (via projected volumes)',
  secret: 'secrets (via projected volumes)',
  serviceAccountToken: 'serviceaccounts (via projected volumes)',
  clusterTrustBundle: 'clustertrustbundles',
  podCertificate: 'podcertificates',
} as const;

function volumeReference(volume: Volume): string | undefined {
  const named = (names: Readonly<Record<string, string>>, source: object) =>
    Object.entries(names).find(([name]) => name in source)?.[1];
  const projected = (volume.projected?.sources ?? []).map((source) => named(PROJECTED, source));
  return named(VOLUMES, volume) ?? projected.find((found) => found !== undefined);
}
