import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { approval, status, strategy } from './strategy.ts';

export const registration: KindRegistration<CertificateSigningRequest> = {
  strategy,
  table,
  subresources: { approval, status },
  fieldLabels: { supported: ['metadata.name', 'spec.signerName'] },
};
