import type { Node } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

export const makeNodeRegistration = (isEnabled: IsEnabled): KindRegistration<Node> => ({
  strategy: makeStrategy(isEnabled),
  table,
  subresources: { status: makeStatus(isEnabled) },
  fieldLabels: { supported: ['metadata.name', 'spec.unschedulable'] },
});
