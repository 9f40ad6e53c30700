/**
 * ServiceAccount: every pod has an account that exists, a token mounted and the account's pull secrets
 * (plugin/pkg/admission/serviceaccount).
 */
import { notFound } from '@keelson/api/errors';
import type {
  Container,
  Pod,
  ProjectedVolumeSource,
  ServiceAccount,
  VolumeMount,
} from '@keelson/api/generated/types/core/v1';
import { declaredContainers, isMirrorPod, secretNames } from '@keelson/api/resources/pod-parts';
import { asError } from '../aggregate.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  refuse,
  unaskable,
} from './plugin.ts';

const DEFAULT_NAME = 'default';
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const ENFORCE_MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';
/** One hour and seven seconds: by it the token endpoint knows a token that was mounted without being asked for. */
const TOKEN_SECONDS = 3607;
const MODE = 0o644;
/** The default account is made by a controller when the namespace is new: it is waited for. */
const DEFAULT_ATTEMPTS = 10;
const RETRY_MS = 150;

export function serviceAccount(world: AdmissionWorld): AdmissionPlugin {
  async function validate(a: AdmissionAttributes): Promise<void> {
    const pod = objectOf<Pod>(a);
    if (a.operation === 'CREATE' && isMirrorPod(pod)) {
      const problem = mirrorPodProblem(pod);
      if (problem) throw refuse(a, problem);
      return;
    }
    const ephemeral = a.operation === 'UPDATE' && a.subresource === 'ephemeralcontainers';
    if (a.operation !== 'CREATE' && !ephemeral) return;
    const account = await accountOf(world, a, pod);
    if (!enforcesMountable(account)) return;
    const problem = ephemeral ? envProblem(pod, account, 'ephemeral container') : referenceProblem(pod, account);
    if (problem) throw ephemeral ? new Error(problem) : refuse(a, problem);
  }

  return {
    name: 'ServiceAccount',
    handles: (operation, resource, subresource) =>
      resource === 'pods' &&
      (operation === 'CREATE' || operation === 'UPDATE') &&
      (subresource === '' || subresource === 'ephemeralcontainers'),
    async mutate(a) {
      const pod = objectOf<Pod>(a);
      if (a.operation !== 'CREATE') return;
      if (!isMirrorPod(pod)) {
        pod.spec.serviceAccountName ||= DEFAULT_NAME;
        // The old name of the field always says the same.
        pod.spec.serviceAccount = pod.spec.serviceAccountName;
        const account = await accountOf(world, a, pod);
        const automount = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
        if (automount) mountToken(pod, () => VOLUME_PREFIX + world.nameSuffix());
        if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
          pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ ...(name ? { name } : {}) }));
      }
      await validate(a);
    },
    validate,
  };
}

/** @throws StatusError 403 */
async function accountOf(world: AdmissionWorld, a: AdmissionAttributes, pod: Pod): Promise<ServiceAccount> {
  const name = pod.spec.serviceAccountName ?? '';
  if (name === '') throw refuse(a, `no service account specified for pod ${a.namespace}/${pod.metadata.name ?? ''}`);
  try {
    return await find(world, a.namespace, name);
  } catch (thrown) {
    throw refuse(a, `error looking up service account ${a.namespace}/${name}: ${asError(thrown).message}`);
  }
}

async function find({ objects, wait }: AdmissionWorld, namespace: string, name: string): Promise<ServiceAccount> {
  const cached = await objects.get('serviceaccounts', namespace, name);
  if (cached) return cached;
  const problem = unaskable(name);
  if (problem) throw new Error(problem);
  const attempts = name === DEFAULT_NAME ? DEFAULT_ATTEMPTS : 1;
  for (let i = 0; i < attempts; i++) {
    if (i > 0) await wait(RETRY_MS);
    const live = await objects.getLive('serviceaccounts', namespace, name);
    if (live) return live;
  }
  throw notFound({ group: '', resource: 'serviceaccount' }, name);
}

function mirrorPodProblem(pod: Pod): string | undefined {
  if (pod.spec.serviceAccountName) return 'a mirror pod may not reference service accounts';
  if (secretNames(pod).length > 0) return 'a mirror pod may not reference secrets';
  const projectsToken = pod.spec.volumes?.some((v) => v.projected?.sources?.some((s) => s.serviceAccountToken));
  return projectsToken ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined;
}

/** A container with a mount of its own at the place gets none; a volume of the right name is used. */
function mountToken(pod: Pod, newName: () => string): void {
  const existing = pod.spec.volumes?.find((v) => v.name.startsWith(VOLUME_PREFIX))?.name;
  const name = existing ?? newName();
  let mounted = false;
  for (const container of declaredContainers(pod.spec)) {
    if (container.volumeMounts?.some((m) => m.mountPath === MOUNT_PATH)) continue;
    const mount: VolumeMount = { name, readOnly: true, mountPath: MOUNT_PATH };
    container.volumeMounts = [...(container.volumeMounts ?? []), mount];
    mounted = true;
  }
  if (mounted && existing === undefined)
    pod.spec.volumes = [...(pod.spec.volumes ?? []), { name, projected: tokenVolume() }];
}

function tokenVolume(): ProjectedVolumeSource {
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: MODE,
  };
}

function enforcesMountable({ metadata }: ServiceAccount): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(metadata.annotations?.[ENFORCE_MOUNTABLE] ?? '');
}

function referenceProblem(pod: Pod, account: ServiceAccount): string | undefined {
  const mountable = new Set(account.secrets?.map((s) => s.name));
  const volume = pod.spec.volumes?.find((v) => v.secret && !mountable.has(v.secret.secretName));
  if (volume)
    return `volume with secret.secretName="${volume.secret?.secretName ?? ''}" ${notReferenced(account, 'secret')}`;
  const env = envProblem(pod, account, 'init container') ?? envProblem(pod, account, 'container');
  if (env) return env;
  const pullable = new Set(account.imagePullSecrets?.map((s) => s.name));
  const i = pod.spec.imagePullSecrets?.findIndex((s) => !pullable.has(s.name)) ?? -1;
  if (i < 0) return undefined;
  return `imagePullSecrets[${i}].name="${pod.spec.imagePullSecrets![i]!.name ?? ''}" ${notReferenced(account, 'imagePullSecret')}`;
}

type ContainerKind = 'init container' | 'container' | 'ephemeral container';

function envProblem(pod: Pod, account: ServiceAccount, kind: ContainerKind): string | undefined {
  const mountable = new Set(account.secrets?.map((s) => s.name));
  for (const c of containersOf(pod, kind)) {
    for (const { name, valueFrom } of c.env ?? []) {
      const secret = valueFrom?.secretKeyRef;
      if (secret && !mountable.has(secret.name))
        return `${kind} ${c.name} with envVar ${name} referencing secret.secretName="${secret.name ?? ''}" ${notReferenced(account, 'secret')}`;
    }
    for (const { secretRef } of c.envFrom ?? []) {
      if (secretRef && !mountable.has(secretRef.name))
        return `${kind} ${c.name} with envFrom referencing secret.secretName="${secretRef.name ?? ''}" ${notReferenced(account, 'secret')}`;
    }
  }
  return undefined;
}

function containersOf({ spec }: Pod, kind: ContainerKind): readonly Pick<Container, 'name' | 'env' | 'envFrom'>[] {
  if (kind === 'init container') return spec.initContainers ?? [];
  return (kind === 'container' ? spec.containers : spec.ephemeralContainers) ?? [];
}

function notReferenced(account: ServiceAccount, what: string): string {
  return `is not allowed because service account ${account.metadata.name} does not reference that ${what}`;
}
