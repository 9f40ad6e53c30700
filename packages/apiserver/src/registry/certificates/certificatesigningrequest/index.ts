import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { DurationMetrics } from './durations.ts';
import { approval, makeStatus, strategy } from './strategy.ts';

/** @param metrics undefined: nothing is counted */
export function makeCertificateSigningRequestRegistration(
  metrics?: MetricsRegistry,
): KindRegistration<CertificateSigningRequest> {
  return {
    strategy,
    table,
    subresources: { approval, status: makeStatus(metrics && new DurationMetrics(metrics)) },
    fieldLabels: { supported: ['metadata.name', 'spec.signerName'] },
  };
}
