import type { ValidatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { keepMetadataForStatus } from '../../metadata.ts';
import type { FieldSet, Strategy, ViewSubresource } from '../../strategy.ts';
import { defaultMatchResources } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';

const shared = groupStrategy<ValidatingAdmissionPolicy>('spec');

export const strategy: Strategy<ValidatingAdmissionPolicy> = {
  ...shared,
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  prepareForCreate(ctx, obj) {
    obj.status = {};
    shared.prepareForCreate(ctx, obj);
  },
  prepareForUpdate(ctx, obj, old) {
    obj.status = old.status;
    shared.prepareForUpdate(ctx, obj, old);
  },
  resetFields: inEveryVersion({ 'f:status': {} }),
};

export const status: ViewSubresource<ValidatingAdmissionPolicy> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      keepMetadataForStatus(obj, old);
    },
    resetFields: inEveryVersion({ 'f:spec': {}, 'f:metadata': {} }),
  },
};

function inEveryVersion(fields: FieldSet): Readonly<Record<string, FieldSet>> {
  return Object.fromEntries(
    ['v1', 'v1beta1', 'v1alpha1'].map((version) => [`admissionregistration.k8s.io/${version}`, fields]),
  );
}
