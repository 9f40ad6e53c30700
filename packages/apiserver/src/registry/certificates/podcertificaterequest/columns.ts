import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { column, formatLabels, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const SPEC = 'certificates.v1beta1.PodCertificateRequestSpec';
const STATES = ['Issued', 'Denied', 'Failed'];

export const table: TableConvertor<PodCertificateRequest> = {
  columns: [
    nameColumn,
    column('PodName', 'string', `${SPEC}.podName`),
    column('ServiceAccountName', 'string', `${SPEC}.serviceAccountName`),
    column('NodeName', 'string', `${SPEC}.nodeName`),
    column('SignerName', 'string', `${SPEC}.signerName`),
    column('State', 'string', 'Is the request Pending, Issued, Denied, or Failed?'),
    column('UnverifiedUserAnnotations', 'string', `${SPEC}.unverifiedUserAnnotations`),
  ],
  row: ({ metadata, spec, status }) => ({
    cells: [
      metadata.name ?? '',
      spec.podName,
      spec.serviceAccountName,
      spec.nodeName,
      spec.signerName,
      status.conditions?.findLast((c) => STATES.includes(c.type))?.type ?? 'Pending',
      formatLabels(spec.unverifiedUserAnnotations),
    ],
  }),
};
