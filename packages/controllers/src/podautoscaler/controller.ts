/** Scales workloads by what they take (pkg/controller/podautoscaler). */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import { parseApiVersion } from '@keelson/api/object';
import { Quantity } from '@keelson/api/quantity';
import { formatTime } from '@keelson/api/time';
import { type Again, retryOnConflict, storeKey, WorkQueue } from '@keelson/client';
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
import { Selections } from './selections.ts';
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
  readonly metrics: Measured['metrics'];
  /** Of the metrics that could not be used, the first. */
  readonly error?: MetricError | undefined;
}

/** What the metrics of an autoscaler say. */
interface Measured {
  /** In the order of the spec; undefined for what could not be used. */
  readonly metrics: readonly (MetricStatus | undefined)[];
  readonly errors: readonly MetricError[];
  /** What asks for most replicas. */
  readonly best: Evaluation | undefined;
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
  readonly #isEnabled;
  readonly #client;
  readonly #recorder;
  readonly #autoscalers;
  readonly #pods;
  readonly #scales: Scales;
  readonly #metrics: Metrics;
  readonly #counts: AutoscalerCounts;
  readonly #memories = new Map<string, Memory>();
  readonly #selections: Selections;

  constructor({ client, informers, recorder, world, settings, metrics }: ControllerContext) {
    this.#world = world;
    this.#settings = settings.autoscaler;
    this.#isEnabled = settings.isEnabled;
    this.#client = client.resource('horizontalpodautoscalers.autoscaling');
    this.#recorder = recorder('horizontal-pod-autoscaler');
    this.#autoscalers = informers.informer('horizontalpodautoscalers.autoscaling');
    this.#pods = podInformer(informers);
    this.#selections = new Selections(this.#pods.store);
    this.#scales = new Scales(client);
    this.#metrics = new Metrics(client);
    this.#counts = new AutoscalerCounts(metrics, () => this.#autoscalers.store.size);
    this.queue = new WorkQueue<string>(world, 'horizontalpodautoscaler');
    this.#autoscalers.addHandler({
      added: (autoscaler) => this.queue.add(storeKey(autoscaler)),
      updated: (old, autoscaler) => {
        if (old.metadata.generation !== autoscaler.metadata.generation) this.queue.add(storeKey(autoscaler));
      },
      deleted: (autoscaler) => this.#forget(autoscaler),
    });
  }

  #forget(autoscaler: HorizontalPodAutoscaler): void {
    const key = storeKey(autoscaler);
    this.#memories.delete(key);
    this.#selections.forget(key);
    this.#counts.forget(autoscaler.metadata.namespace!, autoscaler.metadata.name!);
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
    // It has gone while it was looked at.
    if (!this.#autoscalers.store.get(key)) this.#forget(autoscaler);
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
    if (!this.#isEnabled('HPAScaleToZero')) conditions.remove('ScaledToZero');
    const by = wish.replicas - current;
    if (by === 0) {
      this.#counts.desires(namespace!, name!, current);
      await this.#tell(look, current, current, wish.metrics, false);
      return { by, fault: wish.error ? 'internal' : 'none' };
    }
    await this.#rescale(look, target, wish);
    if (this.#isEnabled('HPAScaleToZero'))
      conditions.set('ScaledToZero', zeroSaying(autoscaler, current, wish.replicas));
    this.#memories.set(key, scaled(autoscaler, this.#memories.get(key)!, current, wish.replicas, now));
    this.#counts.desires(namespace!, name!, wish.replicas);
    await this.#tell(look, current, wish.replicas, wish.metrics, true);
    return { by, fault: wish.error ? 'internal' : 'none' };
  }

  async #target(look: Look): Promise<Scaled> {
    const { autoscaler, conditions } = look;
    try {
      const target = await this.#scaleOf(autoscaler);
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

  /** @throws SpecError, or what the server says */
  async #scaleOf({ metadata, spec }: HorizontalPodAutoscaler): Promise<Scaled> {
    const { apiVersion = '', kind, name } = spec.scaleTargetRef;
    return this.#scales.get(groupOf(apiVersion), kind, metadata.namespace!, name);
  }

  /** What the target is to be scaled to, and why. */
  async #wish(key: string, look: Look, target: Scaled): Promise<Wish> {
    const { autoscaler, conditions, now } = look;
    const { minReplicas: min = 1, maxReplicas: max } = autoscaler.spec;
    const current = target.scale.spec.replicas ?? 0;
    const fromZero = current === 0 && this.#isEnabled('HPAScaleToZero') && mayLeaveZero(autoscaler, min);
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
    const specReplicas = scale.spec.replicas ?? 0;
    const refuse = async (
      reason: string,
      why: string,
      message: string,
      metrics: Measured['metrics'],
    ): Promise<never> => {
      conditions.set('ScalingActive', { status: 'False', reason, message: why });
      await this.#tell(look, specReplicas, autoscaler.status.desiredReplicas, metrics, false);
      this.#recorder.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', message);
      throw new Error(message);
    };
    const selector = scale.status.selector ?? '';
    const selected = this.#selections.select(key, selector);
    if ('refusal' in selected) {
      const { event, reason, message, why = message } = selected.refusal;
      this.#recorder.event(autoscaler, 'Warning', event, message);
      return refuse(
        reason,
        why,
        message,
        specs.map(() => undefined),
      );
    }
    const { metrics, errors, best } = await this.#measure(specs, {
      autoscaler,
      specReplicas,
      statusReplicas: scale.status.replicas,
      selector,
      pods: selected.pods,
      tolerances: this.#tolerances(autoscaler),
      timing: this.#settings,
      now,
    });
    const [first] = errors;
    if (first && (!best || best.replicas < specReplicas)) {
      const message = `invalid metrics (${errors.length} invalid out of ${specs.length}), first error is: ${first.message}`;
      return refuse(first.reason, `the HPA was unable to compute the replica count: ${first.why}`, message, metrics);
    }
    const { replicas, name } = best ?? { replicas: 0, name: '' };
    const message = `the HPA was able to successfully calculate a replica count from ${name}`;
    conditions.set('ScalingActive', { status: 'True', reason: 'ValidMetricFound', message });
    return { replicas, name, metrics, error: first };
  }

  async #measure(specs: readonly MetricSpec[], target: Target): Promise<Measured> {
    const metrics: (MetricStatus | undefined)[] = specs.map(() => undefined);
    const errors: MetricError[] = [];
    let best: Evaluation | undefined;
    for (const [i, spec] of specs.entries()) {
      try {
        const evaluation = await this.#evaluate(spec, target);
        metrics[i] = evaluation.status;
        if (!best || evaluation.replicas > best.replicas) best = evaluation;
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        this.#recorder.event(target.autoscaler, 'Warning', error.reason, error.why);
        errors.push(error);
      }
    }
    return { metrics, errors, best };
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

  #tolerances({ spec }: HorizontalPodAutoscaler): Tolerances {
    const isHeeded = this.#isEnabled('HPAConfigurableTolerance');
    const of = (given: string | undefined) =>
      given === undefined || !isHeeded ? this.#settings.tolerance : Quantity.parse(given).toNumber();
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
    let latest: Scaled | undefined = target;
    await retryOnConflict(async () => {
      const { resource, scale } = latest ?? (await this.#scaleOf(autoscaler));
      latest = undefined;
      await this.#scales.update({ resource, scale: { ...scale, spec: { ...scale.spec, replicas } } });
    });
  }

  async #tell(
    { autoscaler, conditions, now }: Look,
    currentReplicas: number,
    desiredReplicas: number,
    metrics: Measured['metrics'],
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
