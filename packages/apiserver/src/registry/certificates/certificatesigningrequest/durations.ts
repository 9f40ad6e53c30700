/** Whether signers grant the lifetimes that are asked for (pkg/registry/certificates/certificates/storage/metrics.go). */
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import { Counter, type CounterSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { readPem } from '../../validation/pem.ts';

/** Certificates begin a little before they are issued. */
const BACKDATING_SECONDS = 300;

export class DurationMetrics {
  readonly #requested: Counter;
  readonly #honored: Counter;

  constructor(registry: MetricsRegistry) {
    const counter = (which: string, help: string) =>
      registry.register(
        new Counter({
          name: `apiserver_certificates_registry_csr_${which}_duration_total`,
          help,
          stability: 'ALPHA',
          labels: ['signerName'],
        }),
      );
    this.#requested = counter('requested', 'Certificates issued for requests that asked for a duration, by signer.');
    this.#honored = counter('honored', 'Certificates issued with the duration that was asked for, by signer.');
  }

  /** Counts a certificate that is new in `obj`, if `old` asked for a duration. */
  written({ status: { certificate } }: CertificateSigningRequest, old: CertificateSigningRequest): void {
    const { signerName, expirationSeconds } = old.spec;
    if (expirationSeconds === undefined || old.status.certificate || !certificate) return;
    const count = (counter: Counter): CounterSeries => counter.with(shownSigner(signerName));
    count(this.#requested).inc();
    const seconds = lifetimeSeconds(Buffer.from(certificate, 'base64').toString('latin1'));
    if (Math.abs(expirationSeconds - seconds) < BACKDATING_SECONDS + expirationSeconds / 20) count(this.#honored).inc();
  }
}

/** Names that others make up are not told apart. */
function shownSigner(name: string): string {
  return name.startsWith('kubernetes.io/') ? name : 'other';
}

/** Of the first certificate. NaN where there is none that can be read: validation has seen to it that there is one. */
function lifetimeSeconds(pem: string): number {
  const block = readPem(pem).blocks.find(({ type }) => type === 'CERTIFICATE');
  if (!block) return Number.NaN;
  const { validFrom, validTo } = new X509Certificate(block.der);
  return (Date.parse(validTo) - Date.parse(validFrom)) / 1000;
}
