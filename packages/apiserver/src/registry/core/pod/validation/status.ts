/** What kubelets and schedulers may report of a pod (core/validation ValidatePodStatusUpdate). */

import {
  duplicate,
  type ErrorList,
  forbidden,
  internal,
  invalid,
  notSupported,
  Path,
  required,
  tooLong,
} from '@keelson/api/field';
import type {
  Container,
  ContainerStatus,
  LinuxContainerUser,
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
  ResourceStatus,
} from '@keelson/api/generated/types/core/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableName, invalidFor } from '../../../validation/fields.ts';
import { internalList } from '../../../validation/internal.ts';
import { validateLegacyIP } from '../../../validation/ip.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';
import { validateClaimStatuses } from './claimstatus.ts';
import { qualifiedName } from './names.ts';
import { type PodPolicy, podOptions } from './options.ts';
import { validateTransitions } from './restarts.ts';
import { validateID } from './securitycontext.ts';

const STATUS = Path.of('status');
const SYSTEM_CONDITIONS = ['PodScheduled', 'Ready', 'Initialized'];
const HEALTH = ['Healthy', 'Unhealthy', 'Unknown'];
const MAX_HEALTH_MESSAGE = 1024;

export function validatePodStatusUpdate(policy: PodPolicy, pod: Pod, old: Pod): ErrorList {
  const { spec, status } = pod;
  const options = podOptions(policy, old);
  const lists = [
    ['containerStatuses', spec.containers ?? []],
    ['initContainerStatuses', spec.initContainers ?? []],
    ['ephemeralContainerStatuses', undefined],
  ] as const;
  return [
    ...validatePodAnnotationUpdates(
      pod.metadata.annotations ?? {},
      old.metadata.annotations ?? {},
      spec,
      options,
      Path.of('metadata', 'annotations'),
    ),
    ...validateConditions(status.conditions ?? [], STATUS.child('conditions')),
    ...validateNomination(pod, old, policy),
    ...immutableName(status.qosClass ?? '', old.status.qosClass ?? '', STATUS.child('qosClass')),
    ...lists.flatMap(([key, containers]) =>
      validateTransitions(status[key], old.status[key], old.spec, containers, STATUS.child(key)),
    ),
    ...validateClaimStatuses(pod, STATUS),
    ...validatePodIPs(status, old.status, policy),
    ...validateHostIPs(status, old.status, policy),
    ...lists.flatMap(([key]) => validateUsers(status[key] ?? [], spec, STATUS.child(key))),
    ...lists.flatMap(([key, containers]) =>
      containers
        ? validateAllocated(status[key] ?? [], containers, STATUS.child(key))
        : validateNothingAllocated(status[key] ?? [], STATUS.child(key)),
    ),
  ];
}

function validateConditions(conditions: readonly PodCondition[], path: Path): ErrorList {
  return conditions.flatMap(({ type = '', observedGeneration = 0 }, i) => [
    ...nonNegativeGeneration(observedGeneration, path.index(i)),
    ...(SYSTEM_CONDITIONS.includes(type) ? [] : qualifiedName(type, path.index(i).child('Type'))),
  ]);
}

function nonNegativeGeneration(generation: number, path: Path): ErrorList {
  if (generation >= 0) return [];
  return [invalid(path.child('observedGeneration'), generation, 'must be a non-negative integer')];
}

function validateNomination({ status }: Pod, old: Pod, { isEnabled }: PodPolicy): ErrorList {
  const { nominatedNodeName: name = '', observedGeneration = 0 } = status;
  const at = STATUS.child('nominatedNodeName');
  const errors: ErrorList = [];
  if (name !== '' && name !== old.status.nominatedNodeName) {
    errors.push(...invalidFor(at, name, nameIsDNSSubdomain(name, false)));
    if (old.spec.nodeName && isEnabled('ClearingNominatedNodeNameAfterBinding'))
      errors.push(forbidden(at, 'may not be set on pods that are already bound to a node'));
  }
  return [...errors, ...nonNegativeGeneration(observedGeneration, STATUS)];
}

function validatePodIPs({ podIPs = [] }: PodStatus, old: PodStatus, policy: PodPolicy): ErrorList {
  const known = (old.podIPs ?? []).map(({ ip }) => ip ?? '');
  return validateIPs(
    'podIPs',
    podIPs.map(({ ip }) => ip ?? ''),
    known,
    policy,
    () => internalList('io.k8s.api.core.v1.PodIP', podIPs),
  );
}

function validateHostIPs({ hostIP = '', hostIPs = [] }: PodStatus, old: PodStatus, policy: PodPolicy): ErrorList {
  const first = hostIPs[0]?.ip ?? '';
  const at = STATUS.child('hostIPs').index(0).child('ip');
  const known = (old.hostIPs ?? []).map(({ ip }) => ip ?? '');
  return [
    ...(hostIPs.length > 0 && hostIP !== first ? [invalid(at, first, 'must be equal to `hostIP`')] : []),
    ...validateIPs(
      'hostIPs',
      hostIPs.map(({ ip }) => ip ?? ''),
      known,
      policy,
      () => internalList('io.k8s.api.core.v1.HostIP', hostIPs),
    ),
  ];
}

/** One address of each family at most. */
function validateIPs(
  key: 'podIPs' | 'hostIPs',
  ips: readonly string[],
  known: readonly string[],
  { isEnabled }: PodPolicy,
  shown: () => unknown,
): ErrorList {
  const at = STATUS.child(key);
  const errors = ips.flatMap((ip, i) => validateLegacyIP(at.index(i), ip, isEnabled, known));
  if (ips.length < 2) return errors;
  const parsed = ips.map(parseIPSloppy);
  const broken = parsed.findIndex((ip) => !ip);
  if (broken >= 0)
    errors.push(internal(at, `failed to check for dual stack with error:invalid IP[${broken}]: ${ips[broken]}`));
  const dualStack = broken < 0 && new Set(parsed.map((ip) => ip!.family)).size === 2;
  if (!dualStack || ips.length > 2)
    errors.push(invalid(at, shown(), 'may specify no more than one IP for each IP family'));
  return errors;
}

function validateUsers(statuses: readonly ContainerStatus[], { os }: PodSpec, path: Path): ErrorList {
  const system = os?.name ?? 'linux';
  return statuses.flatMap(({ user }, i) => {
    if (!user?.linux) return [];
    const at = path.index(i).child('user', 'linux');
    if (system === 'windows') return [forbidden(at, 'cannot be set for a windows pod')];
    return system === 'linux' ? validateLinuxUser(user.linux, at) : [];
  });
}

function validateLinuxUser({ uid, gid, supplementalGroups }: LinuxContainerUser, path: Path): ErrorList {
  return [
    ...validateID(uid, path.child('uid')),
    ...validateID(gid, path.child('gid')),
    ...(supplementalGroups ?? []).flatMap((group, i) => validateID(group, path.child('supplementalGroups').index(i))),
  ];
}

function validateNothingAllocated(statuses: readonly ContainerStatus[], path: Path): ErrorList {
  return statuses.flatMap(({ allocatedResourcesStatus }, i) =>
    allocatedResourcesStatus?.length
      ? [forbidden(path.index(i).child('allocatedResourcesStatus'), 'must not be specified in container status')]
      : [],
  );
}

function validateAllocated(
  statuses: readonly ContainerStatus[],
  containers: readonly Container[],
  path: Path,
): ErrorList {
  return statuses.flatMap(({ name, allocatedResourcesStatus }, i) => {
    const container = containers.find((c) => c.name === name);
    return (allocatedResourcesStatus ?? []).flatMap((resource, j) => {
      const at = path.index(i).child('allocatedResourcesStatus').index(j);
      return [
        ...(container ? validateAllocatedName(resource.name, container, at.child('name')) : []),
        ...validateHealth(resource, at.child('resources')),
      ];
    });
  });
}

/** A claim as `claim:name/request`, or a resource that the container requests. */
function validateAllocatedName(name: string, { resources }: Container, path: Path): ErrorList {
  if (name.startsWith('claim:')) {
    const claims = (resources?.claims ?? []).map((c) => `claim:${c.name}${c.request ? `/${c.request}` : ''}`);
    if (claims.includes(name)) return [];
    return [
      invalid(
        path,
        name,
        "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
      ),
    ];
  }
  if (resources?.requests?.[name] !== undefined) return [];
  return [invalid(path, name, "must match one of the container's resource requests")];
}

function validateHealth({ resources }: ResourceStatus, path: Path): ErrorList {
  const ids = new Set<string>();
  return (resources ?? []).flatMap(({ resourceID, health = '', message }, i) => {
    const at = path.index(i);
    const errors: ErrorList = HEALTH.includes(health) ? [] : [notSupported(at.child('health'), health, HEALTH)];
    if (message === '') errors.push(required(at.child('message'), 'must be non-empty if specified'));
    if (Buffer.byteLength(message ?? '') > MAX_HEALTH_MESSAGE)
      errors.push(tooLong(at.child('message'), MAX_HEALTH_MESSAGE));
    if (ids.has(resourceID)) errors.push(duplicate(at.child('resourceID'), resourceID));
    ids.add(resourceID);
    return errors;
  });
}
