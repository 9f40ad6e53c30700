import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '@keelson/api/generated/types/certificates/v1';
import { formatTime } from '@keelson/api/time';
import type { Strategy, StrategyContext, ViewSubresource } from '../../strategy.ts';
import type { DurationMetrics } from './durations.ts';
import { validateCertificateSigningRequest, validateCertificateSigningRequestUpdate } from './validation.ts';

type CSR = CertificateSigningRequest;

export const strategy: Strategy<CSR> = {
  validateName: () => [],
  prepareForCreate({ user }, obj) {
    const { username: _, uid: __, groups: ___, extra: ____, ...rest } = obj.spec;
    obj.spec = {
      ...rest,
      ...(user.name !== '' && { username: user.name }),
      ...(user.uid !== '' && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: [...user.groups] }),
      ...(Object.keys(user.extra).length > 0 && { extra: structuredClone(user.extra) as Record<string, string[]> }),
    };
    obj.status = {};
  },
  validate: (_ctx, obj) => validateCertificateSigningRequest(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.spec = old.spec;
    obj.status = old.status;
  },
  updateChecks: ['new metadata', 'kind', 'metadata'],
  validateUpdate: (_ctx, obj, old) => validateCertificateSigningRequestUpdate(obj, old, {}),
  selectableFields: ({ spec }) => ({ 'spec.signerName': spec.signerName }),
  resetFields: { 'certificates.k8s.io/v1': { 'f:spec': {}, 'f:status': {} } },
};

/** @param metrics undefined: nothing is counted */
export function makeStatus(metrics?: DurationMetrics): ViewSubresource<CSR> {
  return {
    type: 'view',
    strategy: {
      prepareForUpdate(ctx, obj, old) {
        obj.spec = old.spec;
        // Only who approves changes these; a difference in their number is an error of validation.
        keepConditions(obj, old, 'Approved');
        keepConditions(obj, old, 'Denied');
        setTimes(ctx, obj, old);
      },
      updateChecks: ['new metadata', 'kind', 'metadata'],
      validateUpdate: (_ctx, obj, old) =>
        validateCertificateSigningRequestUpdate(obj, old, { allowSettingCertificate: true }),
      beginUpdate: async ({ dryRun }, obj, old) => ({
        commit: () => (dryRun ? undefined : metrics?.written(obj, old)),
      }),
      resetFields: { 'certificates.k8s.io/v1': { 'f:spec': {}, 'f:status': { 'f:conditions': {} } } },
    },
  };
}

export const approval: ViewSubresource<CSR> = {
  type: 'view',
  noTable: true,
  strategy: {
    prepareForUpdate(ctx, obj, old) {
      setTimes(ctx, obj, old);
      const { conditions } = obj.status;
      obj.spec = old.spec;
      const { conditions: _, ...kept } = old.status;
      obj.status = { ...(conditions && { conditions }), ...kept };
    },
    updateChecks: ['new metadata', 'kind', 'metadata'],
    validateUpdate: (_ctx, obj, old) =>
      validateCertificateSigningRequestUpdate(obj, old, { allowSettingApprovalConditions: true }),
    resetFields: { 'certificates.k8s.io/v1': { 'f:spec': {}, 'f:status': { 'f:certificate': {} } } },
  },
};

function keepConditions(obj: CSR, old: CSR, type: string): void {
  const kept = (old.status.conditions ?? []).filter((c) => c.type === type);
  const conditions = obj.status.conditions ?? [];
  if (conditions.filter((c) => c.type === type).length !== kept.length) return;
  let next = 0;
  for (const [i, condition] of conditions.entries()) if (condition.type === type) conditions[i] = { ...kept[next++]! };
}

function setTimes({ now }: StrategyContext, obj: CSR, old: CSR): void {
  const time = formatTime(now);
  for (const condition of obj.status.conditions ?? []) {
    condition.lastUpdateTime ??= time;
    condition.lastTransitionTime ??= transitionTime(condition, old) ?? time;
  }
}

function transitionTime({ type, status }: CertificateSigningRequestCondition, old: CSR): string | undefined {
  const same = old.status.conditions?.find((c) => c.type === type && c.status === status && c.lastTransitionTime);
  return same?.lastTransitionTime ?? undefined;
}
