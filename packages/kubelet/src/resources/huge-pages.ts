/** Huge pages, by sizes as the kernel names them (`2MB`), and what containers may have of them (kuberuntime_container_linux.go). */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { parseResources } from '@keelson/api/resources/list';
import { HUGE_PAGES, isHugePages } from '@keelson/api/resources/names';
import type { Amounts } from '@keelson/api/resources/pod';
import type { LinuxResources } from '../runtime/linux.ts';

/** @param sizes of the machine's pages: of those that nobody asks for a container has none */
export function hugePageLimits(
  { spec }: Pod,
  { resources }: Container,
  sizes: readonly string[],
): NonNullable<LinuxResources['hugepageLimits']> {
  const limits = new Map([spec.resources, resources].flatMap((each) => [...hugePagesOf(parseResources(each?.limits))]));
  return sizes.map((pageSize) => ({ pageSize, limit: Number(limits.get(pageSize) ?? 0n) }));
}

/** Bytes by size of a page. */
export function hugePagesOf(amounts: Amounts): ReadonlyMap<string, bigint> {
  const found = new Map<string, bigint>();
  for (const [name, amount] of amounts) {
    if (!isHugePages(name)) continue;
    found.set(pageSize(Quantity.parse(name.slice(HUGE_PAGES.length)).value()), amount.value());
  }
  return found;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** As the kernel names it: `2MB`. */
export function pageSize(bytes: bigint): string {
  let [rest, unit] = [bytes, 0];
  while (rest >= 1024n && unit < UNITS.length - 1) [rest, unit] = [rest / 1024n, unit + 1];
  return `${rest}${UNITS[unit]}`;
}
