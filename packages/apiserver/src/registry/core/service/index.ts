import type { Service } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import type { AllocationDeps } from './allocation/deps.ts';
import { ServiceAllocation } from './allocation/index.ts';
import { table } from './columns.ts';
import { makeStatus, serviceStrategy } from './strategy.ts';

export function makeServiceRegistration(deps: AllocationDeps, isEnabled: IsEnabled): KindRegistration<Service> {
  return {
    strategy: serviceStrategy(new ServiceAllocation(deps, isEnabled), isEnabled),
    table,
    subresources: { status: makeStatus(isEnabled) },
    fieldLabels: { supported: ['metadata.namespace', 'metadata.name', 'spec.clusterIP', 'spec.type'] },
  };
}
