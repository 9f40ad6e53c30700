import type { DeviceTaintRule } from '@keelson/api/generated/types/resource/v1beta2';
import { formatTime } from '@keelson/api/time';
import { age, ageColumn, column, nameColumn, since } from '../../columns.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import { resetIn, statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { defaultTaint } from '../taints.ts';
import { validateRule, validateRuleStatus } from './validation.ts';

const table: TableConvertor<DeviceTaintRule> = {
  columns: [
    nameColumn,
    column('Key', 'string', 'resource.v1.DeviceTaint.key'),
    column('Value', 'string', 'resource.v1.DeviceTaint.value'),
    column('Effect', 'string', 'resource.v1.DeviceTaint.effect'),
    column('TimeAdded', 'string', 'resource.v1.DeviceTaint.timeAdded'),
    ageColumn,
  ],
  row(obj) {
    const { key, value = '', effect, timeAdded } = obj.spec.taint;
    return {
      cells: [obj.metadata.name ?? '', key, value, effect, timeAdded ? since(timeAdded) : '', age(obj)],
    };
  },
};

const API_VERSIONS = ['resource.k8s.io/v1alpha3', 'resource.k8s.io/v1beta2'];

export const registration: KindRegistration<DeviceTaintRule> = {
  strategy: {
    returnDeletedObject: true,
    defaults: ({ spec }, _version, now) => defaultTaint(spec.taint, now),
    prepareForCreate(_ctx, obj) {
      obj.status = {};
      startGeneration(obj);
    },
    validate: (_ctx, obj) => validateRule(obj),
    prepareForUpdate({ now }, obj, old) {
      obj.status = old.status;
      const { taint } = obj.spec;
      const { taint: before } = old.spec;
      // The time tells when this effect came, not when the rule did.
      if (taint.effect !== before.effect && taint.timeAdded === before.timeAdded) taint.timeAdded = formatTime(now);
      bumpGeneration(obj, old, 'spec');
    },
    validateUpdate: (_ctx, obj, old) => validateRule(obj, old),
    resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
  },
  table,
  subresources: {
    status: {
      ...statusView(API_VERSIONS, {
        validateUpdate: (_ctx, obj) => validateRuleStatus(obj),
      }),
      noTable: true,
    },
  },
};
