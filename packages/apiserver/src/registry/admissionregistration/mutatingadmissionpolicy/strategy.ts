import type { MutatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultMatchResources } from '../defaults.ts';
import type { CompileExpression } from '../expressions.ts';
import { groupStrategy } from '../strategy.ts';
import { validateMutatingAdmissionPolicy } from './validation.ts';

export function makeStrategy(compile: CompileExpression | undefined): Strategy<MutatingAdmissionPolicy> {
  return {
    ...groupStrategy('spec'),
    defaults({ spec }) {
      spec.failurePolicy ??= 'Fail';
      defaultMatchResources(spec.matchConstraints);
    },
    validate: (_ctx, obj) => validateMutatingAdmissionPolicy(obj, undefined, compile),
    validateUpdate: (_ctx, obj, old) => validateMutatingAdmissionPolicy(obj, old, compile),
  };
}
