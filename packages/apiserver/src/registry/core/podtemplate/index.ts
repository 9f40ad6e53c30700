import type { PodTemplate } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import type { PodPolicy } from '../pod/validation/options.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';

export function makePodTemplateRegistration(policy: PodPolicy): KindRegistration<PodTemplate> {
  return { strategy: makeStrategy(policy), table };
}
