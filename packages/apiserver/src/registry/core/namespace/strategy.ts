import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { nameIsDNSLabel } from '@keelson/api/validation/names';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { defaults, labelWithName } from './defaults.ts';
import { validateNamespace, validateNamespaceFinalizeUpdate, validateNamespaceStatusUpdate } from './validation.ts';

const KUBERNETES_FINALIZER = 'kubernetes';

export const strategy: Strategy<Namespace> = {
  validateName: nameIsDNSLabel,
  returnDeletedObject: true,
  defaults,
  prepareForCreate(_ctx, obj) {
    obj.status = { phase: 'Active' };
    const finalizers = obj.spec.finalizers ?? [];
    if (!finalizers.includes(KUBERNETES_FINALIZER)) obj.spec.finalizers = [...finalizers, KUBERNETES_FINALIZER];
  },
  validate: (_ctx, obj) => validateNamespace(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.spec = old.spec;
    obj.status = old.status;
  },
  updateChecks: ['new metadata', 'metadata', 'kind'],
  validateUpdate: (_ctx, obj) => validateNamespace(obj),
  // A generated name is not known yet when defaults run.
  canonicalize: labelWithName,
  selectableFields: (obj) => ({ 'status.phase': obj.status?.phase ?? '' }),
  termination: {
    begin(obj) {
      obj.status.phase = 'Terminating';
    },
    isComplete: isEmpty,
    takesPolicy: true,
  },
  shouldDeleteDuringUpdate: isEmpty,
  resetFields: { v1: { 'f:status': {} } },
};

export const status: ViewSubresource<Namespace> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj) => validateNamespaceStatusUpdate(obj),
    resetFields: { v1: { 'f:spec': {} } },
  },
};

export const finalize: ViewSubresource<Namespace> = {
  type: 'view',
  noTable: true,
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    validateUpdate: (_ctx, obj) => validateNamespaceFinalizeUpdate(obj),
    resetFields: { v1: { 'f:status': {} } },
  },
};

/** Nobody who cares for the namespace's content is left to act. */
function isEmpty({ spec }: Namespace): boolean {
  return !spec.finalizers?.length;
}
