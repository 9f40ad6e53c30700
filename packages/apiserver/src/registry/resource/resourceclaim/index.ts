import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import type { Authorize } from '../../../authz/attributes.ts';
import type { IsEnabled } from '../../../gates.ts';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import type { NamespaceLabels } from '../adminaccess.ts';
import { claimFromStored, claimToStored, convertsSpec, STORED_AS } from '../v1beta1.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

const table: TableConvertor<ResourceClaim> = {
  columns: [
    nameColumn,
    column('State', 'string', 'A summary of the current state (allocated, pending, reserved, etc.).'),
    ageColumn,
  ],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', stateOf(obj), age(obj)] }),
};

function stateOf({ metadata: { deletionTimestamp }, status }: ResourceClaim): string {
  const states = deletionTimestamp ? ['deleted'] : [];
  if (status.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []));
  else if (!deletionTimestamp) states.push('pending');
  return states.join();
}

/** @param authorize who says which parts of a status a user may write; absent: all of it */
export function makeResourceClaimRegistration(
  labelsOf: NamespaceLabels,
  isEnabled: IsEnabled,
  authorize?: Authorize,
): KindRegistration<ResourceClaim> {
  return {
    strategy: makeStrategy(labelsOf, isEnabled),
    table,
    subresources: { status: makeStatus(labelsOf, isEnabled, authorize) },
    storedAs: STORED_AS,
    conversions: { v1beta1: convertsSpec(claimToStored, claimFromStored) },
  };
}
