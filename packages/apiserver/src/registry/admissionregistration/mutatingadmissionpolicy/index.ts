import type { MutatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { column } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { policyTable } from '../columns.ts';
import type { CompileExpression } from '../expressions.ts';
import { makeStrategy } from './strategy.ts';

const mutations = 'Mutation indicates the number of mutations rules defined in this configuration';

export function makeMutatingAdmissionPolicyRegistration(
  compile?: CompileExpression,
): KindRegistration<MutatingAdmissionPolicy> {
  return {
    strategy: makeStrategy(compile),
    table: policyTable(column('Mutations', 'integer', mutations), (spec) => spec.mutations?.length ?? 0),
  };
}
