/** What is counted of webhooks, policies and their conditions, under upstream's names (k8s.io/apiserver/pkg/admission/metrics). */
import { Counter, Histogram, type HistogramSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import type { Operation } from './plugin.ts';
import { PodSecurityMetrics } from './podsecurity/metrics.ts';

export type Step = 'admit' | 'validating';
export type StepType = 'admit' | 'validate';
export type WebhookError = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error';

const STEP_BOUNDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
/** Beyond it codes are all the same, since webhooks make them up. */
const MAX_CODE = 600;

export class AdmissionMetrics {
  readonly #steps: Histogram;
  readonly #controllers: Histogram;
  readonly #durations: Histogram;
  readonly #requests: Counter;
  readonly #rejections: Counter;
  readonly #failOpen: Counter;
  readonly #conditionErrors: Counter;
  readonly #conditionExclusions: Counter;
  readonly #conditionSeconds: Histogram;
  readonly #validations: Checks;
  readonly #mutations: Checks;
  readonly podSecurity: PodSecurityMetrics;
  /** Milliseconds of a clock that never goes backwards. */
  readonly now: () => number;

  constructor(registry: MetricsRegistry, now: () => number) {
    this.now = now;
    const counter = (name: string, help: string, labels: readonly string[]): Counter =>
      registry.register(new Counter({ name: `apiserver_admission_${name}`, help, stability: 'ALPHA', labels }));
    const durations = (name: string, help: string, labels: readonly string[]): Histogram => {
      const description = { name: `apiserver_admission_${name}_admission_duration_seconds`, help, labels } as const;
      return registry.register(new Histogram({ ...description, stability: 'STABLE' }, STEP_BOUNDS));
    };
    this.#steps = durations('step', 'How long admission took.', ['type', 'operation', 'rejected']);
    this.#controllers = durations('controller', 'How long plugins took.', ['name', 'type', 'operation', 'rejected']);
    const byCondition = ['name', 'kind', 'type', 'operation'];
    this.#durations = registry.register(
      new Histogram(
        {
          name: 'apiserver_admission_webhook_admission_duration_seconds',
          help: 'How long webhooks took to review requests.',
          stability: 'STABLE',
          labels: ['name', 'type', 'operation', 'rejected'],
        },
        [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
      ),
    );
    this.#requests = counter('webhook_request_total', 'Reviews that were asked of webhooks.', [
      'name',
      'type',
      'operation',
      'code',
      'rejected',
    ]);
    this.#rejections = counter('webhook_rejection_count', 'Requests that were refused because of a webhook.', [
      'name',
      'type',
      'operation',
      'error_type',
      'rejection_code',
    ]);
    this.#failOpen = counter('webhook_fail_open_count', 'Reviews that failed and were done without.', ['name', 'type']);
    this.#conditionErrors = counter(
      'match_condition_evaluation_errors_total',
      'Match conditions that could not be evaluated.',
      byCondition,
    );
    this.#conditionExclusions = counter(
      'match_condition_exclusions_total',
      'Reviews that match conditions made unnecessary.',
      byCondition,
    );
    this.#conditionSeconds = registry.register(
      new Histogram(
        {
          name: 'apiserver_admission_match_condition_evaluation_seconds',
          help: 'How long match conditions took to evaluate.',
          stability: 'ALPHA',
          labels: byCondition,
        },
        [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25],
      ),
    );
    this.#validations = new Checks(registry, 'apiserver_validating_admission_policy', 'BETA', ['enforcement_action']);
    this.podSecurity = new PodSecurityMetrics(registry, Number(KUBERNETES_VERSION.minor));
    this.#mutations = new Checks(registry, 'apiserver_mutating_admission_policy', 'ALPHA');
  }

  stepTimer(type: StepType, operation: Operation): Timer {
    return new Timer(this.now, (rejected) => this.#steps.with(type, operation, String(rejected)));
  }
  controllerTimer(plugin: string, type: StepType, operation: Operation): Timer {
    return new Timer(this.now, (rejected) => this.#controllers.with(plugin, type, operation, String(rejected)));
  }
  /** A webhook has answered, or failed to. @param code 0: it was not even asked */
  reviewed(name: string, step: Step, operation: Operation, ms: number, code: number, rejected: boolean): void {
    this.#requests.with(name, step, operation, bounded(code), String(rejected)).inc();
    this.#durations.with(name, step, operation, String(rejected)).observe(ms / 1000);
  }
  rejected(name: string, step: Step, operation: Operation, error: WebhookError, code: number): void {
    this.#rejections.with(name, step, operation, error, bounded(code)).inc();
  }
  failedOpen(name: string, step: Step): void {
    this.#failOpen.with(name, step).inc();
  }
  conditionFailed(subject: ConditionSubject, operation: Operation): void {
    this.#conditionErrors.with(subject.name, subject.kind, subject.type, operation).inc();
  }
  conditionExcluded(subject: ConditionSubject, operation: Operation): void {
    this.#conditionExclusions.with(subject.name, subject.kind, subject.type, operation).inc();
  }
  conditionsTook(subject: ConditionSubject, operation: Operation, ms: number): void {
    this.#conditionSeconds.with(subject.name, subject.kind, subject.type, operation).observe(ms / 1000);
  }
  /** An expression of a ValidatingAdmissionPolicy was evaluated. */
  validated({ policy, binding, error, ms }: PolicyCheck, enforcement: 'deny' | 'warn' | 'audit' | 'allow'): void {
    this.#validations.observe(ms, policy, binding, error, enforcement);
  }
  /** An expression of a MutatingAdmissionPolicy was evaluated. */
  mutated({ policy, binding, error, ms }: PolicyCheck): void {
    this.#mutations.observe(ms, policy, binding, error);
  }
}

/** Measures what is done again and again. */
export class Timer {
  readonly now: () => number;
  readonly #find: (rejected: boolean) => HistogramSeries;
  readonly #series: { rejected?: HistogramSeries; accepted?: HistogramSeries } = {};

  /** @param find the series, which is only there once something was observed in it */
  constructor(now: () => number, find: (rejected: boolean) => HistogramSeries) {
    this.now = now;
    this.#find = find;
  }

  observe(startedAt: number, rejected: boolean): void {
    const outcome = rejected ? 'rejected' : 'accepted';
    this.#series[outcome] ??= this.#find(rejected);
    this.#series[outcome].observe((this.now() - startedAt) / 1000);
  }
}

/** Whose match conditions they are. */
export interface ConditionSubject {
  readonly name: string;
  readonly kind: 'webhook' | 'policy';
  readonly type: 'admit' | 'validate' | 'validating';
}

export interface PolicyCheck {
  readonly policy: string;
  readonly binding: string;
  readonly error: 'compile_error' | 'invalid_error' | 'out_of_budget' | 'no_error';
  readonly ms: number;
}

class Checks {
  readonly #total: Counter;
  readonly #seconds: Histogram;

  constructor(registry: MetricsRegistry, prefix: string, stability: 'ALPHA' | 'BETA', more: readonly string[] = []) {
    const labels = ['policy', 'policy_binding', 'error_type', ...more];
    const help = 'Expressions of policies that were evaluated.';
    this.#total = registry.register(new Counter({ name: `${prefix}_check_total`, help, stability, labels }));
    this.#seconds = registry.register(
      new Histogram(
        { name: `${prefix}_check_duration_seconds`, help: 'How long expressions of policies took.', stability, labels },
        [0.0000005, 0.001, 0.01, 0.1, 1],
      ),
    );
  }
  observe(ms: number, ...labels: readonly string[]): void {
    this.#total.with(...labels).inc();
    this.#seconds.with(...labels).observe(ms / 1000);
  }
}

function bounded(code: number): string {
  return String(Math.min(code, MAX_CODE));
}
