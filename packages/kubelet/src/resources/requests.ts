/** What a pod is to have, by its spec alone: what its containers happen to have does not count here. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { ResourceTotals } from '@keelson/api/resources/list';
import { podTotals } from '@keelson/api/resources/pod';

export function podRequests({ metadata, spec }: Pod): ResourceTotals {
  return podTotals({ metadata, spec, status: {} }, 'requests');
}

export function podLimits({ metadata, spec }: Pod): ResourceTotals {
  return podTotals({ metadata, spec, status: {} }, 'limits');
}

/** As the API has it. */
export function toList(amounts: ResourceTotals): Record<string, string> {
  return Object.fromEntries(Array.from(amounts, ([name, quantity]) => [name, quantity.toString()]));
}

export function amountsOf(list: Readonly<Record<string, string>> | undefined): ResourceTotals {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}
