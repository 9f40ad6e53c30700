/** How tokens of service accounts are used (pkg/serviceaccount/metrics.go). One that is remembered is not counted again. */
import { Counter, type CounterSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export class AccountTokenMetrics {
  /** Good, and not to be renewed yet; of those alone that say when they are to be. */
  readonly valid: CounterSeries;
  /** Good, but their holder should have renewed them. */
  readonly stale: CounterSeries;
  /** Without audiences, as those of secrets are: good or not. */
  readonly legacy: CounterSeries;
  readonly legacyManual: CounterSeries;
  readonly legacyGenerated: CounterSeries;
  readonly legacyInvalid: CounterSeries;

  constructor(registry: MetricsRegistry) {
    const counter = (name: string, help: string): CounterSeries =>
      registry.register(new Counter({ name: `serviceaccount_${name}_total`, help, stability: 'ALPHA' })).with();
    this.valid = counter('valid_tokens', 'Tokens that were shown before they should have been renewed.');
    this.stale = counter('stale_tokens', 'Tokens that were shown though they should have been renewed.');
    this.legacy = counter('legacy_tokens', 'Tokens of secrets that were shown.');
    this.legacyManual = counter('legacy_manual_token_uses', 'Those of secrets that somebody has made.');
    this.legacyGenerated = counter('legacy_auto_token_uses', 'Those of secrets that were made for an account.');
    this.legacyInvalid = counter('invalid_legacy_auto_token_uses', 'Those of secrets that are marked as invalid.');
  }
}
