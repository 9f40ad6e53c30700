import { Path } from '@keelson/api/field';
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForCIDR } from '../../validation/ip.ts';
import { defaults } from './defaults.ts';
import { validateNode, validateNodeUpdate } from './validation.ts';

const GATED: readonly GatedFields<Node>[] = [
  ['NodeDeclaredFeatures', fieldsOf(({ status }) => [status], 'declaredFeatures')],
];

export const makeStrategy = (isEnabled: IsEnabled): Strategy<Node> => ({
  defaults,
  prepareForCreate(_ctx, obj) {
    delete obj.spec.configSource;
    delete obj.status.config;
    dropDisabledFields(GATED, isEnabled, obj, undefined);
  },
  validate: (_ctx, obj) => validateNode(obj, isEnabled),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
    if (!old.spec.configSource) delete obj.spec.configSource;
  },
  // Upstream looks at the whole new node before it compares.
  updateChecks: ['new metadata', 'change', 'metadata', 'kind'],
  validateChange: (obj) => validateNode(obj, isEnabled),
  validateUpdate: (_ctx, obj, old) => validateNodeUpdate(obj, old),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
  selectableFields: (obj) => ({ 'spec.unschedulable': String(obj.spec?.unschedulable ?? false) }),
  resetFields: { v1: { 'f:status': {} } },
});

export const makeStatus = (isEnabled: IsEnabled): ViewSubresource<Node> => ({
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      if (!old.status.config) delete obj.status.config;
      dropDisabledFields(GATED, isEnabled, obj, old);
    },
    validateUpdate: (_ctx, obj, old) => validateNodeUpdate(obj, old),
    resetFields: { v1: { 'f:spec': {} } },
  },
});

function warnings({ spec }: Node): string[] {
  return [
    ...(spec.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ...(spec.podCIDRs ?? []).flatMap((cidr, i) => warningsForCIDR(Path.of('spec', 'podCIDRs').index(i), cidr)),
  ];
}
