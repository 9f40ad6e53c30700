/** What the tables of kinds with a pod template share (k8s.io/kubernetes/pkg/printers/internalversion). */
import type { Container, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { type Column, wideColumn } from './columns.ts';

export const containersColumn: Column = wideColumn('Containers', 'string', 'Names of each container in the template.');
export const imagesColumn: Column = wideColumn(
  'Images',
  'string',
  'Images referenced by each container in the template.',
);

/** Names and images of the containers, each joined by commas. */
export function containerCells(template: PodTemplateSpec | undefined): [names: string, images: string] {
  const containers: readonly Container[] = template?.spec.containers ?? [];
  return [containers.map((c) => c.name ?? '').join(','), containers.map((c) => c.image ?? '').join(',')];
}
