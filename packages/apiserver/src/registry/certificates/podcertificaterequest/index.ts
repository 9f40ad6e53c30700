import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { statusView } from '../../statusview.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { validateIssue } from './issue.ts';
import { validatePodCertificateRequest, validatePodCertificateRequestUpdate } from './validation.ts';

export const registration: KindRegistration<PodCertificateRequest> = {
  strategy: {
    allowUnconditionalUpdate: false,
    defaults({ spec }) {
      spec.maxExpirationSeconds ??= 86400;
    },
    prepareForCreate(_ctx, obj) {
      obj.status = {};
    },
    validate: (_ctx, obj) => validatePodCertificateRequest(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    validateUpdate: (_ctx, obj, old) => validatePodCertificateRequestUpdate(obj, old),
    selectableFields: ({ spec }) => ({
      'spec.signerName': spec.signerName,
      'spec.podName': spec.podName,
      'spec.nodeName': spec.nodeName,
    }),
  },
  table,
  subresources: {
    status: statusView(['certificates.k8s.io/v1beta1'], {
      validateUpdate: (ctx, obj, old) => validateIssue(obj, old, ctx.now),
      resetFields: { 'certificates.k8s.io/v1beta1': { 'f:spec': {} } },
    }),
  },
  fieldLabels: { supported: ['metadata.name', 'spec.signerName', 'spec.podName', 'spec.nodeName'] },
};
