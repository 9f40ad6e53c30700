/** Volumes that begin empty and end with their pod: on disk, in memory, or of huge pages (pkg/volume/emptydir). */
import { chmod, mkdir, stat } from 'node:fs/promises';
import type { EmptyDirVolumeSource, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { HUGE_PAGES, isHugePages } from '@keelson/api/resources/names';
import { limitsOfPod } from '../cgroups/limits.ts';
import { uidOf } from '../pods/spec.ts';
import { mountHugePages, mountOf, mountTmpfs } from './filesystem.ts';

const ANY_SIZE = 'HugePages';
const OF_SIZE = 'HugePages-';

/**
 * Makes the folder, and mounts there what its medium says; what is there already stays.
 * @param allocatableMemory of the node: no volume in memory is bigger. @throws Error
 */
export async function makeEmptyDir(
  pod: Pod,
  { medium = '', sizeLimit }: EmptyDirVolumeSource,
  path: string,
  allocatableMemory: string | undefined,
): Promise<void> {
  const ofPages = medium === ANY_SIZE || medium.startsWith(OF_SIZE);
  if (medium !== '' && medium !== 'Memory' && !ofPages) {
    throw new Error(`unknown storage medium ${JSON.stringify(medium)}`);
  }
  await mkdir(path, { recursive: true });
  // What is mounted there from before may be sticky, and stays so.
  if (((await stat(path)).mode & 0o777) !== 0o777) await chmod(path, 0o777);
  if (medium === 'Memory') await mountTmpfs(path, sizeInMemory(pod, sizeLimit, allocatableMemory));
  if (ofPages) await mountPages(pod, medium, path);
}

/** Bytes: the least of what the node has for pods, what the pod may have, and what the volume may; undefined where none says. */
export function sizeInMemory(
  pod: Pod,
  sizeLimit: string | undefined,
  allocatableMemory: string | undefined,
): number | undefined {
  const { memory } = limitsOfPod(pod, { cpuQuota: false, processes: 0 });
  const sizes = [allocatableMemory, sizeLimit].map((text) => Number(Quantity.parse(text ?? '0').value()));
  const known = [...sizes, memory ?? 0].filter((bytes) => bytes > 0);
  return known.length > 0 ? Math.min(...known) : undefined;
}

async function mountPages(pod: Pod, medium: string, path: string): Promise<void> {
  const mounted = await mountOf(path);
  if (mounted?.type !== 'hugetlbfs') return mountHugePages(path, pageSizeOf(pod, medium).toString());
  if (medium === ANY_SIZE) return;
  const wanted = Quantity.parse(medium.slice(OF_SIZE.length));
  // The kernel leaves out the `i` of its units.
  const given = mounted.options.find((option) => option.startsWith('pagesize='))?.slice('pagesize='.length);
  if (given === undefined) throw new Error(`pod ${uidOf(pod)}: mounted dir ${path} pagesize is not determined`);
  const size = Quantity.parse(`${given}i`);
  if (size.cmp(wanted) === 0) return;
  const sizes = `pagesize '${size}' and requested medium size '${wanted}'`;
  throw new Error(`pod ${uidOf(pod)}: mounted dir ${path} ${sizes} differ`);
}

/** Size of the pages that the pod has asked for and the medium is of. @throws Error where there is not exactly one */
export function pageSizeOf({ spec }: Pod, medium: string): Quantity {
  const wanted = medium === ANY_SIZE ? undefined : Quantity.parse(medium.slice(OF_SIZE.length));
  const users: (ResourceRequirements | undefined)[] = [
    spec?.resources,
    ...[...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ resources }) => resources),
  ];
  const names = users.flatMap((resources) => Object.keys(resources?.requests ?? {}));
  const sizes = names
    .filter(isHugePages)
    .map((name) => Quantity.parse(name.slice(HUGE_PAGES.length)))
    .filter((size) => wanted === undefined || size.cmp(wanted) === 0);
  const [first, ...others] = sizes;
  if (!first) {
    throw new Error(`medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`);
  }
  if (others.some((size) => size.cmp(first) !== 0)) {
    throw new Error(`medium: ${medium} can't be used if container requests multiple huge page sizes`);
  }
  return first;
}
