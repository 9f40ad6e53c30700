import type { ValidatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { column } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { policyTable } from '../columns.ts';
import type { CompileExpression } from '../expressions.ts';
import { makeStrategy, status } from './strategy.ts';

const validations = 'Validations indicates the number of validation rules defined in this configuration';

export function makeValidatingAdmissionPolicyRegistration(
  compile?: CompileExpression,
): KindRegistration<ValidatingAdmissionPolicy> {
  return {
    strategy: makeStrategy(compile),
    table: policyTable(column('Validations', 'integer', validations), (spec) => spec.validations?.length ?? 0),
    subresources: { status },
  };
}
