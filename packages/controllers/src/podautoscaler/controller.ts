/** Scales workloads by what they take (pkg/controller/podautoscaler). */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import { parseApiVersion } from '@keelson/api/object';
import { Quantity } from '@keelson/api/quantity';
import { type LabelSelector, parseLabelSelector } from '@keelson/api/selectors/labels';
import { formatTime } from '@keelson/api/time';
import { type Again, hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { podInformer } from '../pods/informer.ts';
import { type Scaled, Scales } from '../scales.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import type { Tolerances } from './calculator.ts';
import { Conditions } from './conditions.ts';
import { AutoscalerCounts, type Fault } from './counts.ts';
import { type Evaluation, evaluate, MetricError, type Target } from './evaluate.ts';
import { limit, type Memory, scaled } from './limits.ts';
import { Metrics } from './metrics.ts';
import { mayLeaveZero, zeroSaying } from './zero.ts';

const STATUS = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus';

/** Reads `autoscaler`. */
export async function start(context: ControllerContext): Promise<Running> {
  const controller = new AutoscalerController(context);
  return runQueue(context, {
    queue: controller.queue,
    informers: controller.informers,
    workers: workersOf(context, 'horizontal-pod-autoscaler-controller', 5),
    reconcile: (key) => controller.reconcile(key),
  });
}

/** One look at an autoscaler. */
interface Look {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly conditions: Conditions;
  readonly now: number;
}

interface Wish {
  readonly replicas: number;
  readonly reason: string;
  readonly metrics: readonly (MetricStatus | undefined)[];
  /** Of the metrics that could not be used, the first. */
  readonly error?: MetricError | undefined;
}

/** What came of a look. */
interface Result {
  /** How many replicas more there are to be. */
  readonly by: number;
  readonly fault: Fault;
}

/** The autoscaler's spec makes no sense. */
class SpecError extends Error {}

class AutoscalerController {
  readonly queue: WorkQueue<string>;
  readonly #world;
  readonly #settings;
  readonly #client;
  readonly #recorder;
  readonly #autoscalers;
  readonly #pods;
  readonly #scales: Scales;
  readonly #metrics: Metrics;
  readonly #counts: AutoscalerCounts;
  readonly #memories = new Map<string, Memory>();
  /** What autoscalers' targets select, as last seen. */
  readonly #selectors = new Map<string, LabelSelector>();

  constructor({ client, informers, recorder, world, settings, metrics }: ControllerContext) {
    this.#world = world;
    this.#settings = settings.autoscaler;
    this.#client = client.resource('horizontalpodautoscalers.autoscaling');
    this.#recorder = recorder('horizontal-pod-autoscaler');
    this.#autoscalers = informers.informer('horizontalpodautoscalers.autoscaling');
    this.#pods = podInformer(informers);
    this.#scales = new Scales(client);
    this.#metrics = new Metrics(client);
    this.#counts = new AutoscalerCounts(metrics, () => this.#autoscalers.store.size);
    this.queue = new WorkQueue<string>(world, 'horizontalpodautoscaler');
    this.#autoscalers.addHandler({
      added: (autoscaler) => this.queue.add(storeKey(autoscaler)),
      updated: (old, autoscaler) => {
        if (old.metadata.generation !== autoscaler.metadata.generation) this.queue.add(storeKey(autoscaler));
      },
      deleted: (autoscaler) => {
        this.#memories.delete(storeKey(autoscaler));
        this.#selectors.delete(storeKey(autoscaler));
        this.#counts.forget(autoscaler.metadata.namespace!, autoscaler.metadata.name!);
      },
    });
  }

  get informers() {
    return [this.#autoscalers, this.#pods];
  }

  /** Again and again, whatever came of it. */
  async reconcile(key: string): Promise<Again | undefined> {
    const autoscaler = this.#autoscalers.store.get(key);
    if (!autoscaler) return undefined;
    const { clock } = this.#world;
    const now = clock.now();
    let result: Result;
    try {
      result = await this.#look(key, { autoscaler, conditions: new Conditions(autoscaler.status, now), now });
    } catch (error) {
      result = { by: 0, fault: error instanceof SpecError ? 'spec' : 'internal' };
      this.#world.log.debug({ autoscaler: key, error }, 'Could not scale');
    }
    this.#counts.looked(result.by, result.fault, clock.now() - now);
    return { afterMs: this.#settings.syncPeriodMs };
  }

  async #look(key: string, look: Look): Promise<Result> {
    const { autoscaler, conditions, now } = look;
    const { namespace, name } = autoscaler.metadata;
    const target = await this.#target(look);
    const current = target.scale.spec.replicas ?? 0;
    const memory = this.#memories.get(key);
    if (!memory) {
      this.#memories.set(key, { recommendations: [{ replicas: current, at: now }], ups: [], downs: [] });
    }
    const wish = await this.#wish(key, look, target);
    if (!this.#settings.scalesToZero) conditions.remove('ScaledToZero');
    const by = wish.replicas - current;
    if (by === 0) {
      this.#counts.desires(namespace!, name!, current);
      await this.#tell(look, current, current, wish.metrics, false);
      return { by, fault: wish.error ? 'internal' : 'none' };
    }
    await this.#rescale(look, target, wish);
    if (this.#settings.scalesToZero) conditions.set('ScaledToZero', zeroSaying(autoscaler, current, wish.replicas));
    this.#memories.set(key, scaled(autoscaler, this.#memories.get(key)!, current, wish.replicas, now));
    this.#counts.desires(namespace!, name!, wish.replicas);
    await this.#tell(look, current, wish.replicas, wish.metrics, true);
    return { by, fault: wish.error ? 'internal' : 'none' };
  }

  async #target(look: Look): Promise<Scaled> {
    const { autoscaler, conditions } = look;
    const { namespace } = autoscaler.metadata;
    const { apiVersion = '', kind, name } = autoscaler.spec.scaleTargetRef;
    try {
      const target = await this.#scales.get(groupOf(apiVersion), kind, namespace!, name);
      const message = "the HPA controller was able to get the target's current scale";
      conditions.set('AbleToScale', { status: 'True', reason: 'SucceededGetScale', message });
      return target;
    } catch (error) {
      const why = (error as Error).message;
      this.#recorder.event(autoscaler, 'Warning', 'FailedGetScale', why);
      const message = `the HPA controller was unable to get the target's current scale: ${why}`;
      conditions.set('AbleToScale', { status: 'False', reason: 'FailedGetScale', message });
      await this.#write(autoscaler, { ...autoscaler.status, conditions: conditions.list });
      throw error;
    }
  }

  /** What the target is to be scaled to, and why. */
  async #wish(key: string, look: Look, target: Scaled): Promise<Wish> {
    const { autoscaler, conditions, now } = look;
    const { minReplicas: min = 1, maxReplicas: max } = autoscaler.spec;
    const current = target.scale.spec.replicas ?? 0;
    const fromZero = current === 0 && this.#settings.scalesToZero && mayLeaveZero(autoscaler, min);
    if (current === 0 && !fromZero) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      conditions.set('ScalingActive', { status: 'False', reason: 'ScalingDisabled', message });
      return { replicas: 0, reason: '', metrics: [] };
    }
    if (current > max)
      return { replicas: max, reason: 'Current number of replicas above Spec.MaxReplicas', metrics: [] };
    if (current < min && !fromZero)
      return { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas', metrics: [] };
    const proposed = await this.#propose(key, look, target);
    const wanted = { current, desired: proposed.replicas, min, max };
    const memory = this.#memories.get(key)!;
    const limited = limit(autoscaler, wanted, memory, this.#settings.downscaleStabilizationMs, now);
    this.#memories.set(key, { ...memory, recommendations: limited.recommendations });
    conditions.set('AbleToScale', limited.ableToScale);
    conditions.set('ScalingLimited', limited.limited);
    const told = proposed.replicas > current ? `${proposed.name} above target` : 'All metrics below target';
    const lacks = fromZero && limited.replicas < min;
    const reason = lacks && proposed.replicas === current ? 'Current number of replicas below Spec.MinReplicas' : told;
    return { ...proposed, replicas: lacks ? min : limited.replicas, reason };
  }

  /** The largest of what the metrics propose. Some may be missing, as long as that scales nothing down. */
  async #propose(key: string, look: Look, target: Scaled): Promise<Omit<Wish, 'reason'> & { readonly name: string }> {
    const { autoscaler, conditions, now } = look;
    const { scale } = target;
    const specs = autoscaler.spec.metrics ?? [];
    const metrics: (MetricStatus | undefined)[] = specs.map(() => undefined);
    const errors: MetricError[] = [];
    let best: { replicas: number; name: string } | undefined;
    const fail = async (message: string): Promise<never> => {
      const current = scale.spec.replicas ?? 0;
      await this.#tell(look, current, autoscaler.status.desiredReplicas, metrics, false);
      this.#recorder.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', message);
      throw new Error(message);
    };
    const selected = this.#select(key, look, scale.status.selector ?? '');
    if ('error' in selected) return fail(selected.error);
    const context: Target = {
      autoscaler,
      specReplicas: scale.spec.replicas ?? 0,
      statusReplicas: scale.status.replicas,
      selector: scale.status.selector!,
      pods: selected.pods,
      tolerances: this.#tolerances(autoscaler),
      timing: this.#settings,
      now,
    };
    for (const [i, spec] of specs.entries()) {
      try {
        const { replicas, name, status } = await this.#evaluate(spec, context);
        metrics[i] = status;
        if (!best || replicas > best.replicas) best = { replicas, name };
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        this.#recorder.event(autoscaler, 'Warning', error.reason, error.why);
        errors.push(error);
      }
    }
    const [first] = errors;
    if (first && (!best || best.replicas < context.specReplicas)) {
      const { reason, why } = first;
      const message = `the HPA was unable to compute the replica count: ${why}`;
      conditions.set('ScalingActive', { status: 'False', reason, message });
      return fail(
        `invalid metrics (${errors.length} invalid out of ${specs.length}), first error is: ${first.message}`,
      );
    }
    const { replicas, name } = best ?? { replicas: 0, name: '' };
    const message = `the HPA was able to successfully calculate a replica count from ${name}`;
    conditions.set('ScalingActive', { status: 'True', reason: 'ValidMetricFound', message });
    return { replicas, name, metrics, error: first };
  }

  async #evaluate(spec: MetricSpec, target: Target): Promise<Evaluation> {
    const { clock } = this.#world;
    const startedAt = clock.now();
    const counted = (by: number, fault: Fault) => this.#counts.computed(spec.type, by, fault, clock.now() - startedAt);
    try {
      const evaluation = await evaluate(this.#metrics, spec, target);
      counted(evaluation.replicas - (target.autoscaler.status.currentReplicas ?? 0), 'none');
      return evaluation;
    } catch (error) {
      counted(0, 'internal');
      throw error;
    }
  }

  /** The pods of the target, if they are its alone. */
  #select(key: string, { autoscaler, conditions }: Look, text: string) {
    const refuse = (event: string, reason: string, error: string, message = error) => {
      this.#recorder.event(autoscaler, 'Warning', event, error);
      conditions.set('ScalingActive', { status: 'False', reason, message });
      return { error };
    };
    if (text === '') {
      const message = "the HPA target's scale is missing a selector";
      return refuse('SelectorRequired', 'InvalidSelector', 'selector is required', message);
    }
    let selector: LabelSelector;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      const why = (error as Error).message;
      const message = `couldn't convert selector into a corresponding internal selector object: ${why}`;
      return refuse('InvalidSelector', 'InvalidSelector', message);
    }
    this.#selectors.set(key, selector);
    const { namespace } = autoscaler.metadata;
    const all = this.#pods.store.list(namespace);
    const pods = all.filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
    const others = [...this.#selectors].filter(
      ([other, its]) =>
        other.startsWith(`${namespace}/`) && pods.some(({ metadata }) => its.matches(metadata.labels ?? {})),
    );
    if (others.length <= 1) return { pods };
    const names = others.map(([other]) => `{${other.split('/')[1]} ${namespace}}`).sort();
    const message = `pods by selector ${text} are controlled by multiple HPAs: [${names.join(' ')}]`;
    return refuse('AmbiguousSelector', 'AmbiguousSelector', message);
  }

  #tolerances({ spec }: HorizontalPodAutoscaler): Tolerances {
    const of = (given: string | undefined) =>
      given === undefined ? this.#settings.tolerance : Quantity.parse(given).toNumber();
    return { down: of(spec.behavior?.scaleDown?.tolerance), up: of(spec.behavior?.scaleUp?.tolerance) };
  }

  async #rescale(look: Look, target: Scaled, { replicas, reason, metrics }: Wish): Promise<void> {
    const { autoscaler, conditions } = look;
    try {
      await this.#update(look, target, replicas);
    } catch (error) {
      const why = (error as Error).message;
      const what = `New size: ${replicas}; reason: ${reason}; error: ${why}`;
      this.#recorder.event(autoscaler, 'Warning', 'FailedRescale', what);
      const message = `the HPA controller was unable to update the target scale: ${why}`;
      conditions.set('AbleToScale', { status: 'False', reason: 'FailedUpdateScale', message });
      const current = target.scale.spec.replicas ?? 0;
      await this.#tell(look, current, autoscaler.status.desiredReplicas, metrics, false);
      throw error;
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    conditions.set('AbleToScale', { status: 'True', reason: 'SucceededRescale', message });
    this.#recorder.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
  }

  async #update({ autoscaler }: Look, target: Scaled, replicas: number): Promise<void> {
    const { namespace } = autoscaler.metadata;
    const { apiVersion = '', kind, name } = autoscaler.spec.scaleTargetRef;
    let { resource, scale } = target;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#scales.update({ resource, scale: { ...scale, spec: { ...scale.spec, replicas } } });
        return;
      } catch (error) {
        if (!hasReason(error, 'Conflict') || attempt >= 5) throw error;
        ({ resource, scale } = await this.#scales.get(groupOf(apiVersion), kind, namespace!, name));
      }
    }
  }

  async #tell(
    { autoscaler, conditions, now }: Look,
    currentReplicas: number,
    desiredReplicas: number,
    metrics: readonly (MetricStatus | undefined)[],
    rescaled: boolean,
  ): Promise<void> {
    const { lastScaleTime } = autoscaler.status;
    const time = rescaled ? formatTime(new Date(now)) : lastScaleTime;
    await this.#write(autoscaler, {
      currentReplicas,
      desiredReplicas,
      ...(time === undefined ? {} : { lastScaleTime: time }),
      // A metric that could not be read keeps its place, empty.
      currentMetrics: metrics.length > 0 ? metrics.map((metric) => metric ?? { type: '' }) : null,
      conditions: conditions.list,
    });
  }

  async #write(autoscaler: HorizontalPodAutoscaler, status: HorizontalPodAutoscalerStatus): Promise<void> {
    if (sameAs(STATUS, autoscaler.status, status)) return;
    try {
      await this.#client.updateStatus({ ...autoscaler, status });
    } catch (error) {
      this.#recorder.event(autoscaler, 'Warning', 'FailedUpdateStatus', (error as Error).message);
      throw error;
    }
  }
}

/** @throws SpecError */
function groupOf(apiVersion: string): string {
  try {
    return parseApiVersion(apiVersion).group;
  } catch (error) {
    throw new SpecError((error as Error).message, { cause: error });
  }
}
