import type { MutatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { column } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { policyTable } from '../columns.ts';
import { strategy } from './strategy.ts';

const mutations = 'Mutation indicates the number of mutations rules defined in this configuration';

export const registration: KindRegistration<MutatingAdmissionPolicy> = {
  strategy,
  table: policyTable(column('Mutations', 'integer', mutations), (spec) => spec.mutations?.length ?? 0),
};
