/** What a pod is made of and what it names (pkg/api/v1/pod/util.go). */
import type { Container, EphemeralContainer, Pod, PodSpec, Volume } from '../generated/types/core/v1.ts';

export const MIRROR_POD = 'kubernetes.io/config.mirror';

export type AnyContainer = Container | EphemeralContainer;

/** Init and ordinary containers, in this order: those that a pod is made with. */
export function declaredContainers(spec: PodSpec | undefined): Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

/** Init, ordinary and ephemeral containers, in this order. */
export function allContainers(spec: PodSpec): AnyContainer[] {
  return [...declaredContainers(spec), ...(spec.ephemeralContainers ?? [])];
}

export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_POD] !== undefined;
}

/** Names of secrets that the pod refers to itself, each once, in order. */
export function secretNames(pod: Pod): string[] {
  return namesOf([
    ...(pod.spec.imagePullSecrets ?? []).map((s) => s.name),
    ...allContainers(pod.spec).flatMap(secretsOfContainer),
    ...(pod.spec.volumes ?? []).flatMap(secretsOfVolume),
  ]);
}

/** Names of config maps that the pod refers to, each once, in order. */
export function configMapNames(pod: Pod): string[] {
  return namesOf([
    ...allContainers(pod.spec).flatMap((c) => [
      ...(c.envFrom ?? []).map((e) => e.configMapRef?.name),
      ...(c.env ?? []).map((e) => e.valueFrom?.configMapKeyRef?.name),
    ]),
    ...(pod.spec.volumes ?? []).flatMap((v) =>
      v.projected ? (v.projected.sources ?? []).map((s) => s.configMap?.name) : [v.configMap?.name],
    ),
  ]);
}

function secretsOfContainer(c: AnyContainer): (string | undefined)[] {
  return [
    ...(c.envFrom ?? []).map((e) => e.secretRef?.name),
    ...(c.env ?? []).map((e) => e.valueFrom?.secretKeyRef?.name),
  ];
}

function secretsOfVolume(v: Volume): (string | undefined)[] {
  return [
    v.azureFile?.secretName,
    v.cephfs?.secretRef?.name,
    v.cinder?.secretRef?.name,
    v.flexVolume?.secretRef?.name,
    ...(v.projected?.sources ?? []).map((s) => s.secret?.name),
    v.rbd?.secretRef?.name,
    v.secret?.secretName,
    v.scaleIO?.secretRef?.name,
    v.iscsi?.secretRef?.name,
    v.storageos?.secretRef?.name,
    v.csi?.nodePublishSecretRef?.name,
  ];
}

function namesOf(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((n) => n !== undefined && n !== ''))] as string[];
}
