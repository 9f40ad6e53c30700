/** What is counted of authorization, under upstream's names (k8s.io/apiserver/pkg/{authorization,endpoints/filters}). */
import { Counter, DEFAULT_BOUNDS, exponentialBounds, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Authorize, Decision } from './attributes.ts';

const CONDITION_BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];
const TYPE = 'Webhook';
const ATTEMPTS = { allow: 'allowed', deny: 'denied', 'no-opinion': 'no-opinion' } as const;

export class AuthorizationMetrics {
  readonly #decisions: Counter;
  readonly #evaluations: Counter;
  readonly #durations: Histogram;
  readonly #failOpen: Counter;
  readonly #conditionErrors: Counter;
  readonly #conditionExclusions: Counter;
  readonly #conditionSeconds: Histogram;
  readonly #attempts: Counter;
  readonly #attemptSeconds: Histogram;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const about = (name: string, help: string, labels: readonly string[]) =>
      ({ name: `apiserver_authorization_${name}`, help, stability: 'ALPHA', labels }) as const;
    const counter = (name: string, help: string, ...labels: readonly string[]): Counter =>
      registry.register(new Counter(about(name, help, labels)));
    const histogram = (bounds: readonly number[], name: string, help: string, ...labels: readonly string[]) =>
      registry.register(new Histogram(about(name, help, labels), bounds));
    this.#decisions = counter(
      'decisions_total',
      'Requests that an authorizer allowed or denied.',
      'type',
      'name',
      'decision',
    );
    this.#evaluations = counter('webhook_evaluations_total', 'Questions to webhooks.', 'name', 'result');
    this.#durations = histogram(
      DEFAULT_BOUNDS,
      'webhook_duration_seconds',
      'How long webhooks took.',
      'name',
      'result',
    );
    this.#failOpen = counter(
      'webhook_evaluations_fail_open_total',
      'Requests on which a webhook that failed counts as having no opinion.',
      'name',
      'result',
    );
    this.#conditionErrors = counter(
      'match_condition_evaluation_errors_total',
      'Requests whose match conditions could not be evaluated.',
      'type',
      'name',
    );
    this.#conditionExclusions = counter(
      'match_condition_exclusions_total',
      'Requests about which a webhook was not asked, since a match condition did not hold.',
      'type',
      'name',
    );
    this.#conditionSeconds = histogram(
      CONDITION_BOUNDS,
      'match_condition_evaluation_seconds',
      'How long match conditions took.',
      'type',
      'name',
    );
    this.#attempts = registry.register(
      new Counter({
        name: 'authorization_attempts_total',
        help: 'Requests by what authorization said of them.',
        stability: 'ALPHA',
        labels: ['result'],
      }),
    );
    this.#attemptSeconds = registry.register(
      new Histogram(
        {
          name: 'authorization_duration_seconds',
          help: 'How long authorization took.',
          stability: 'ALPHA',
          labels: ['result'],
        },
        exponentialBounds(0.001, 2, 15),
      ),
    );
  }

  /** Counts what an authorizer decides; having no opinion is no decision. */
  counted(type: string, name: string, authorize: Authorize): Authorize {
    const allowed = this.#decisions.with(type, name, 'allowed');
    const denied = this.#decisions.with(type, name, 'denied');
    const count = (decision: Decision): Decision => {
      if (decision.decision === 'allow') allowed.inc();
      else if (decision.decision === 'deny') denied.inc();
      return decision;
    };
    return (attributes) => {
      const decision = authorize(attributes);
      return decision instanceof Promise ? decision.then(count) : count(decision);
    };
  }

  /** @returns to be called with what became of a question */
  webhook(name: string): (result: 'success' | 'error' | 'timeout') => void {
    const startedAt = this.#now();
    return (result) => {
      this.#evaluations.with(name, result).inc();
      this.#durations.with(name, result).observe((this.#now() - startedAt) / 1000);
    };
  }

  failedOpen(name: string, result: 'error' | 'timeout'): void {
    this.#failOpen.with(name, result).inc();
  }

  /** @returns to be called when match conditions have been evaluated */
  condition(name: string): (outcome: 'excluded' | 'failed' | undefined) => void {
    const startedAt = this.#now();
    return (outcome) => {
      this.#conditionSeconds.with(TYPE, name).observe((this.#now() - startedAt) / 1000);
      if (outcome === 'failed') this.#conditionErrors.with(TYPE, name).inc();
      if (outcome === 'excluded') this.#conditionExclusions.with(TYPE, name).inc();
    };
  }

  /** Times the authorization of requests. */
  attempted(authorize: Authorize): Authorize {
    const count = (startedAt: number, decision: Decision): Decision => {
      const isError = decision.decision !== 'allow' && decision.error !== undefined;
      const result = isError ? 'error' : ATTEMPTS[decision.decision];
      this.#attempts.with(result).inc();
      this.#attemptSeconds.with(result).observe((this.#now() - startedAt) / 1000);
      return decision;
    };
    return (attributes) => {
      const startedAt = this.#now();
      const decision = authorize(attributes);
      return decision instanceof Promise ? decision.then((d) => count(startedAt, d)) : count(startedAt, decision);
    };
  }
}
