/** What a controller revision holds: the template that a set once had (pkg/controller/history, getPatch of the sets). */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { formatJson } from '@keelson/api/patch/goformat';
import type { Json } from '@keelson/api/scalars';
import { structType } from '@keelson/api/schema';
import { fnv32, safeEncode } from '../hash.ts';

/** On pods: which revision they are of. On revisions of daemon sets: the same value. */
export const REVISION_LABEL = 'controller-revision-hash';
const NAME_MAX_LENGTH = 223;

/** A strategic merge patch that brings the template back; its keys are sorted, as upstream stores it. */
export function dataOf(template: PodTemplateSpec): Json {
  return JSON.parse(formatJson({ spec: { template: { ...template, $patch: 'replace' } } })) as Json;
}

/** The template that a revision brings back; undefined for data of another making. */
export function templateIn({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const { spec } = (data ?? {}) as { spec?: { template?: PodTemplateSpec & { $patch?: string } } };
  if (!spec?.template) return undefined;
  const { $patch: _, ...template } = spec.template;
  return template;
}

/** Whether a revision is of the template: by what it means, not by its bytes. */
export function isOf(revision: ControllerRevision, template: PodTemplateSpec): boolean {
  const held = templateIn(revision);
  return held !== undefined && semanticEqual(held, template, structType('io.k8s.api.core.v1.PodTemplateSpec'));
}

/** Of what a revision holds (HashControllerRevision). @param collisions how many names were taken before */
export function hashOfData(data: Json, collisions: number): string {
  return safeEncode(fnv32(Buffer.from(`${formatJson(data)}${collisions}`)));
}

/** `web-5d8c4`, shortened where the name is too long (ControllerRevisionName). */
export function revisionName(owner: string, hash: string): string {
  return `${owner.slice(0, NAME_MAX_LENGTH)}-${hash}`;
}

/** Oldest revision first. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (first !== second) return first < second ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

export function nextRevision(revisions: readonly ControllerRevision[]): number {
  return Math.max(0, ...revisions.map(({ revision }) => revision)) + 1;
}
