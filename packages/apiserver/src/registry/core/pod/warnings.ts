/** What is accepted in pods and templates, but should not be (k8s.io/kubernetes/pkg/api/pod/warnings.go). */

import { semanticEqual } from '@keelson/api/codec/equality';
import { Path, quote } from '@keelson/api/field';
import type { PodAffinity, PodSpec, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { ResourceList } from '@keelson/api/resources/list';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { warningsForIP } from '../../validation/ip.ts';
import { APPARMOR_PREFIX, profileOfAnnotation } from './apparmor.ts';
import { warningsForNodes } from './nodewarnings.ts';
import { warningsForPorts } from './portwarnings.ts';
import type { SpecAndMeta } from './validation/options.ts';
import { SECCOMP_CONTAINER, SECCOMP_POD } from './validation/profiles.ts';
import { containersWithPath } from './validation/visit.ts';
import { warningsForVolumes } from './volumewarnings.ts';

const ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

export function warningsForPod(pod: SpecAndMeta): string[] {
  return warningsFor(pod, Path.root, false);
}

/** @param path of the template */
export function warningsForTemplate(template: PodTemplateSpec | undefined, path: Path): string[] {
  return template ? warningsFor(template, path, true) : [];
}

function warningsFor(pod: SpecAndMeta, path: Path, isTemplate: boolean): string[] {
  const { metadata, spec } = pod;
  const specAt = path.child('spec');
  const annotationsAt = path.child('metadata', 'annotations');
  const { annotations = {} } = metadata;
  return [
    ...warningsForNodes(spec, specAt),
    ...Object.entries(ANNOTATIONS).flatMap(([key, text]) =>
      annotations[key] === undefined ? [] : [`${annotationsAt.key(key)}: ${text}`],
    ),
    ...warningsForVolumes(spec.volumes ?? [], specAt.child('volumes')),
    ...warningsForDuplicates(spec, specAt),
    ...warningsForFractions(spec.overhead, specAt.child('overhead')),
    ...(annotations[SECCOMP_POD] !== undefined && !spec.securityContext?.seccompProfile
      ? [seccompWarning(annotationsAt.key(SECCOMP_POD))]
      : []),
    ...warningsForContainers(pod, specAt, annotationsAt, isTemplate),
    ...warningsForPorts(spec, specAt),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [
          `${specAt.child('terminationGracePeriodSeconds')}: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...warningsForAffinity(spec.affinity?.podAffinity, specAt.child('affinity', 'podAffinity')),
    ...warningsForAffinity(spec.affinity?.podAntiAffinity, specAt.child('affinity', 'podAntiAffinity')),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) =>
      warningsForIP(specAt.child('dnsConfig', 'nameservers').index(i), ip),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, i) =>
      warningsForIP(specAt.child('hostAliases').index(i).child('ip'), ip),
    ),
  ];
}

function seccompWarning(path: Path): string {
  return `${path}: non-functional in v1.27+; use the "seccompProfile" field instead`;
}

function warningsForDuplicates({ hostAliases, imagePullSecrets }: PodSpec, path: Path): string[] {
  const secretsAt = path.child('imagePullSecrets');
  const names = (imagePullSecrets ?? []).map(({ name }) => name ?? '');
  return [
    ...repeated((hostAliases ?? []).map(({ ip }) => ip)).map(
      ([i, ip]) => `${path.child('hostAliases').index(i).child('ip')}: duplicate ip ${quote(ip)}`,
    ),
    ...repeated(names).map(([i, name]) => `${secretsAt.index(i).child('name')}: duplicate name ${quote(name)}`),
    ...names.flatMap((name, i) =>
      name === '' ? [`${secretsAt.index(i).child('name')}: invalid empty name ${quote(name)}`] : [],
    ),
  ];
}

/** Every value that stands in the list before, with its index. */
function repeated(values: readonly string[]): [index: number, value: string][] {
  return [...repeatsIn(values)].map((i) => [i, values[i]!]);
}

function warningsForFractions(list: ResourceList | undefined, path: Path): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => warningForFraction(list, name, path));
}

function warningForFraction(list: ResourceList | undefined, name: string, path: Path): string[] {
  const amount = list?.[name];
  if (amount === undefined || Quantity.parse(amount).milliValue() % 1000n === 0n) return [];
  return [`${path.key(name)}: fractional byte value ${quote(amount)} is invalid, must be an integer`];
}

function warningsForContainers(
  { metadata, spec }: SpecAndMeta,
  path: Path,
  annotationsAt: Path,
  isTemplate: boolean,
): string[] {
  const { annotations = {} } = metadata;
  return containersWithPath(spec, path).flatMap(([container, at]) => {
    const { name, securityContext, resources, env = [] } = container;
    const warnings: string[] = [];
    if (!securityContext?.seccompProfile && annotations[SECCOMP_CONTAINER + name] !== undefined)
      warnings.push(seccompWarning(annotationsAt.key(SECCOMP_CONTAINER + name)));
    const profile = annotations[APPARMOR_PREFIX + name];
    // Pods are warned of when the profile is copied to the field.
    if (isTemplate && profile !== undefined && !securityContext?.appArmorProfile) {
      const ofPod = spec.securityContext?.appArmorProfile;
      if (!ofPod || !semanticEqual(ofPod, profileOfAnnotation(profile)))
        warnings.push(
          `${annotationsAt.key(APPARMOR_PREFIX + name)}: deprecated since v1.30; use the "appArmorProfile" field instead`,
        );
    }
    for (const resource of ['memory', 'ephemeral-storage'])
      for (const kind of ['limits', 'requests'] as const)
        warnings.push(...warningForFraction(resources?.[kind], resource, at.child('resources', kind)));
    return [...warnings, ...warningsForEnv(env, at.child('env'))];
  });
}

/** A later variable of the same name is fine when it refers to the former. */
function warningsForEnv(env: readonly { name: string; value?: string; valueFrom?: object }[], path: Path): string[] {
  return repeated(env.map(({ name }) => name)).flatMap(([i, name]) => {
    const { value = '', valueFrom } = env[i]!;
    const reference = `$(${name})`;
    const extends_ = !valueFrom && value !== reference && value.includes(reference);
    if (extends_) return [];
    return [`${path.index(i)}: hides previous definition of ${quote(name)}, which may be dropped when using apply`];
  });
}

function warningsForAffinity(affinity: PodAffinity | undefined, path: Path): string[] {
  const warning = (at: Path) => `${at.child('labelSelector')}: a null labelSelector results in matching no pod`;
  const needed = path.child('requiredDuringSchedulingIgnoredDuringExecution');
  const preferred = path.child('preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ labelSelector }, i) =>
      labelSelector ? [] : [warning(needed.index(i))],
    ),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ podAffinityTerm }, i) =>
      podAffinityTerm.labelSelector ? [] : [warning(preferred.index(i).child('podAffinityTerm'))],
    ),
  ];
}
