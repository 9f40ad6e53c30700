import type { ClusterTrustBundle } from '@keelson/api/generated/types/certificates/v1beta1';
import { column, nameColumn } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { trustBundleNameProblems } from '../../validation/signers.ts';
import { validateClusterTrustBundle, validateClusterTrustBundleUpdate } from './validation.ts';

export const registration: KindRegistration<ClusterTrustBundle> = {
  strategy: {
    allowUnconditionalUpdate: false,
    validateName: (name, prefix, { spec }) => trustBundleNameProblems(name, spec.signerName ?? '', prefix),
    validate: (_ctx, obj) => validateClusterTrustBundle(obj),
    updateChecks: ['new metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClusterTrustBundleUpdate(obj, old),
    selectableFields: ({ spec }) => ({ 'spec.signerName': spec.signerName ?? '' }),
  },
  table: {
    columns: [nameColumn, column('SignerName', 'string', 'certificates.v1beta1.ClusterTrustBundleSpec.signerName')],
    row: ({ metadata, spec }) => ({ cells: [metadata.name ?? '', spec.signerName || '<none>'] }),
  },
  fieldLabels: { supported: ['metadata.name', 'spec.signerName'] },
};
