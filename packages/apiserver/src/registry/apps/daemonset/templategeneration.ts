/** How often the template of a daemon set has changed: a field of former versions, in v1 an annotation. */
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import { sortedByName } from '@keelson/api/resources/list';
import { parseInt64 } from '../annotations.ts';

export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

export function templateGeneration({ metadata }: DaemonSet): bigint {
  return parseInt64(metadata.annotations?.[TEMPLATE_GENERATION] ?? '0') ?? 0n;
}

export function setTemplateGeneration({ metadata }: DaemonSet, generation: bigint): void {
  metadata.annotations = sortedByName({ ...metadata.annotations, [TEMPLATE_GENERATION]: generation.toString() });
}
