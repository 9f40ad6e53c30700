/** Wiring and writes of disruption budgets; budget.ts decides (pkg/controller/disruption). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '@keelson/api/generated/types/policy/v1';
import { formatTime } from '@keelson/api/time';
import { type Again, hasReason, storeKey, WorkQueue } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { podInformer } from '../pods/informer.ts';
import { Scales } from '../scales.ts';
import { OwnWrites } from '../seen.ts';
import { goSelector, selectorOf } from '../selectors.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { disruptedPods, expectationOf, failedStatus, needsScale, statusOf, untilStale } from './budget.ts';
import { Owners } from './owners.ts';

const STATUS = 'io.k8s.api.policy.v1.PodDisruptionBudgetStatus';

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new DisruptionController(context);
  const { informers } = controller;
  return together([
    runQueue(context, {
      queue: controller.queue,
      informers,
      workers: workersOf(context, 'disruption-controller', 1),
      reconcile: (key) => controller.reconcile(key),
    }),
    runQueue(context, {
      queue: controller.stale,
      informers,
      workers: 1,
      reconcile: (key) => controller.clearStale(key),
    }),
  ]);
}

class DisruptionController {
  /** Budgets. */
  readonly queue: WorkQueue<string>;
  /** Pods that were to be disrupted. */
  readonly stale: WorkQueue<string>;
  readonly #clock;
  readonly #client;
  readonly #podClient;
  readonly #recorder;
  readonly #budgets;
  readonly #pods;
  readonly #owners: Owners;
  readonly #ownWrites = new OwnWrites();

  constructor({ client, informers, recorder, world }: ControllerContext) {
    this.#clock = world.clock;
    this.#client = client.resource('poddisruptionbudgets.policy');
    this.#podClient = client.resource('pods');
    this.#recorder = recorder('controllermanager');
    this.#budgets = informers.informer('poddisruptionbudgets.policy');
    this.#pods = podInformer(informers);
    this.#owners = new Owners(informers, new Scales(client));
    this.queue = new WorkQueue<string>(world, 'disruption');
    this.stale = new WorkQueue<string>(world, 'stale_pod_disruption');
    this.#listen();
  }

  get informers() {
    return [this.#budgets, this.#pods, ...Object.values(this.#owners.informers)];
  }

  #listen(): void {
    this.#budgets.addHandler({
      added: (budget) => this.queue.add(storeKey(budget)),
      updated: (_, budget) => this.queue.add(storeKey(budget)),
      deleted: (budget) => this.#ownWrites.forget(storeKey(budget)),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (_, pod) => this.#podChanged(pod),
      deleted: (pod) => this.#enqueueBudgetsOf(pod),
    });
  }

  #podChanged(pod: Pod): void {
    this.#enqueueBudgetsOf(pod);
    const ms = untilStale(pod, this.#clock.now());
    if (ms !== undefined) this.stale.addAfter(storeKey(pod), ms);
  }

  #enqueueBudgetsOf(pod: Pod): void {
    const { namespace, name, labels = {} } = pod.metadata;
    const budgets = this.#budgets.store.list(namespace).filter(({ spec }) => selectorOf(spec.selector).matches(labels));
    for (const budget of budgets) this.queue.add(storeKey(budget));
    if (budgets.length <= 1) return;
    const chosen = JSON.stringify(budgets[0]!.metadata.name);
    const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose ${chosen} arbitrarily.`;
    this.#recorder.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', message);
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const budget = this.#budgets.store.get(key);
    if (!budget || !this.#ownWrites.seenIn(budget)) return undefined;
    try {
      return await this.#update(budget);
    } catch (error) {
      if (hasReason(error, 'Conflict')) throw error;
      await this.#write(budget, failedStatus(budget, error as Error, this.#clock.now()));
      return undefined;
    }
  }

  async #update(budget: PodDisruptionBudget): Promise<Again | undefined> {
    const selector = selectorOf(budget.spec.selector);
    const pods = this.#pods.store
      .list(budget.metadata.namespace)
      .filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
    if (pods.length === 0) this.#recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const expectation = expectationOf(budget, pods.length, await this.#scaleOf(budget, pods));
    const now = this.#clock.now();
    const disrupted = disruptedPods(budget, pods, now);
    for (const pod of disrupted.notDeleted) {
      const { namespace } = budget.metadata;
      const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
      this.#recorder.event(pod, 'Warning', 'NotDeleted', message);
    }
    await this.#write(budget, statusOf(budget, pods, expectation, disrupted.pods, now));
    return disrupted.againMs === undefined ? undefined : { afterMs: disrupted.againMs + 1 };
  }

  async #scaleOf(budget: PodDisruptionBudget, pods: readonly Pod[]): Promise<number> {
    if (!needsScale(budget)) return 0;
    try {
      const { scale, unmanaged } = await this.#owners.scaleOf(pods);
      if (unmanaged.length > 0) this.#recorder.event(budget, 'Warning', 'UnmanagedPods', unmanagedMessage(budget));
      return scale;
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${(error as Error).message}`;
      this.#recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
      throw error;
    }
  }

  async #write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
    if (sameAs(STATUS, budget.status, status)) return;
    this.#ownWrites.wrote(await this.#client.updateStatus({ ...budget, status }));
  }

  /** A pod that was to be disrupted and was not tells so no more. */
  async clearStale(key: string): Promise<Again | undefined> {
    const pod = this.#pods.store.get(key);
    const ms = pod && untilStale(pod, this.#clock.now());
    if (!pod || ms === undefined) return undefined;
    if (ms > 0) return { afterMs: ms };
    const lastTransitionTime = formatTime(new Date(this.#clock.now()));
    const cleared = { type: 'DisruptionTarget', status: 'False', lastTransitionTime };
    const conditions = pod.status.conditions!.map((each) => (each.type === cleared.type ? cleared : each));
    await this.#podClient.updateStatus({ ...pod, status: { ...pod.status, conditions } });
    return undefined;
  }
}

function unmanagedMessage({ spec }: PodDisruptionBudget): string {
  return `Pods selected by this PodDisruptionBudget (selector: ${goSelector(spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}
