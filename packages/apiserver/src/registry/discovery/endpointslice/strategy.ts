import { semanticEqual } from '@keelson/api/codec/equality';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { IsEnabled } from '../../../gates.ts';
import { startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts';
import { addressWarnings, warningsOnCreate } from './warnings.ts';

export const makeStrategy = (isEnabled: IsEnabled): Strategy<EndpointSlice> => ({
  defaults(obj) {
    for (const port of obj.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate(_ctx, obj) {
    startGeneration(obj);
    dropTopology(obj);
  },
  validate: (_ctx, obj) => validateEndpointSlice(obj, isEnabled),
  warningsOnCreate: (_ctx, obj) => warningsOnCreate(obj),
  prepareForUpdate(_ctx, obj, old) {
    if (!sameButForMetadata(obj, old)) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
    if (!semanticEqual(obj.endpoints, old.endpoints)) dropTopology(obj);
  },
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateEndpointSliceUpdate(obj, old, isEnabled),
  warningsOnUpdate: (_ctx, obj) => addressWarnings(obj),
});

/** A change of labels counts as one of the slice: proxies select by them. */
function sameButForMetadata(
  { metadata, ...rest }: EndpointSlice,
  { metadata: before, ...old }: EndpointSlice,
): boolean {
  return semanticEqual(rest, old) && semanticEqual(metadata.labels ?? {}, before.labels ?? {});
}

/** v1 knows the field, but one cannot write it. */
function dropTopology({ endpoints }: EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology;
}
