/** Plugins in order (k8s.io/apiserver/pkg/admission/chain.go): the first refusal ends it. */
import type { AdmissionMetrics, StepType, Timer } from './metrics.ts';
import { type AdmissionAttributes, type AdmissionPlugin, resourceKey } from './plugin.ts';

/** One plugin's part of a step. */
interface Call {
  readonly run: (attributes: AdmissionAttributes) => Promise<void> | void;
  readonly timer: Timer | undefined;
}

interface Step {
  readonly calls: readonly Call[];
  readonly timer: Timer | undefined;
}

/** What an operation on a resource meets. */
interface Interested {
  readonly mutate: Step;
  readonly validate: Step;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #metrics: AdmissionMetrics | undefined;
  /** Who handles which operation on which resource, found out at the first request of a kind. */
  readonly #interested = new Map<string, Interested>();

  constructor(plugins: readonly AdmissionPlugin[], metrics?: AdmissionMetrics) {
    this.#plugins = plugins;
    this.#metrics = metrics;
  }

  /** @throws StatusError */
  async mutate(attributes: AdmissionAttributes): Promise<void> {
    const { mutate } = this.#interestedIn(attributes);
    if (mutate.calls.length > 0) await this.#timed(mutate.timer, this.#mutate(attributes, mutate.calls));
  }

  /** @throws StatusError */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { validate } = this.#interestedIn(attributes);
    if (validate.calls.length > 0) await this.#timed(validate.timer, this.#run(attributes, validate.calls));
  }

  async #mutate(attributes: AdmissionAttributes, calls: readonly Call[]): Promise<void> {
    const { round } = attributes;
    await this.#run(attributes, calls);
    if (!round.again) return;
    round.number = 1;
    await this.#run(attributes, calls);
  }

  async #run(attributes: AdmissionAttributes, calls: readonly Call[]): Promise<void> {
    for (const { run, timer } of calls) {
      // Most plugins have nothing to wait for.
      const startedAt = timer?.now();
      try {
        const pending = run(attributes);
        if (pending) await pending;
      } catch (error) {
        timer?.observe(startedAt!, true);
        throw error;
      }
      timer?.observe(startedAt!, false);
    }
  }

  async #timed(timer: Timer | undefined, step: Promise<void>): Promise<void> {
    const startedAt = timer?.now();
    try {
      await step;
    } catch (error) {
      timer?.observe(startedAt!, true);
      throw error;
    }
    timer?.observe(startedAt!, false);
  }

  #interestedIn({ operation, resource, subresource }: AdmissionAttributes): Interested {
    const name = resourceKey(resource);
    const key = `${operation} ${name}/${subresource}`;
    const known = this.#interested.get(key);
    if (known) return known;
    const handling = this.#plugins.filter((p) => p.handles(operation, name, subresource));
    const step = (type: StepType, method: 'mutate' | 'validate'): Step => ({
      calls: handling.flatMap((plugin) => {
        const run = plugin[method]?.bind(plugin);
        return run ? [{ run, timer: this.#metrics?.controllerTimer(plugin.name, type, operation) }] : [];
      }),
      timer: this.#metrics?.stepTimer(type, operation),
    });
    const found = { mutate: step('admit', 'mutate'), validate: step('validate', 'validate') };
    this.#interested.set(key, found);
    return found;
  }
}
