/** Takes victims away, beside the scheduling of other pods (pkg/scheduler/framework/preemption/executor.go). */

import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { hasReason, type Lister } from '@keelson/client';
import { patchPodStatus } from '../cycle/pod-status.ts';
import type { Nominations, Writer } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { Candidate } from './candidates.ts';

export interface EvictorOptions {
  readonly writer: Writer;
  readonly pods: Lister<Pod & TypedObject>;
  readonly nominations: Nominations;
}

export class Evictor {
  readonly #options: EvictorOptions;
  /** Pods that make room, with the key of their last victim once only that is left. */
  readonly #running = new Map<string, string | undefined>();

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /** Whether the pod still makes room, so that trying it would be in vain. */
  isRunning(uid: string): boolean {
    if (!this.#running.has(uid)) return false;
    const last = this.#running.get(uid);
    if (last === undefined) return true;
    const pod = this.#options.pods.get(last);
    return pod !== undefined && !pod.metadata.deletionTimestamp;
  }

  /** Returns at once. The pod is tried again when its last victim goes, or at once when one cannot be taken away. */
  begin(preemptor: PodInfo, { node, victims }: Candidate): void {
    const { writer } = this.#options;
    const leaving = this.#count(victims);
    if (leaving.length === 0) return;
    this.#running.set(preemptor.uid, undefined);
    const ended = writer.evicting();
    this.#run(preemptor, node, leaving).then(
      () => {
        this.#running.delete(preemptor.uid);
        ended(true);
      },
      (error) => {
        this.#running.delete(preemptor.uid);
        ended(false);
        writer.client.world.log.warn({ pod: preemptor.key, node, error }, 'Could not make room for a pod');
        writer.activate([preemptor]);
      },
    );
  }

  /** Resolves when the victims have been told to go. @throws what the server says */
  async evict(preemptor: PodInfo, { node, victims }: Candidate): Promise<void> {
    const leaving = this.#count(victims);
    if (leaving.length === 0) return;
    try {
      await this.#run(preemptor, node, leaving);
    } finally {
      this.#running.delete(preemptor.uid);
    }
  }

  /** @returns those that are not leaving yet */
  #count({ pods }: Candidate['victims']): PodInfo[] {
    this.#options.writer.preempted(pods.length);
    return pods.filter(({ pod }) => !pod.metadata.deletionTimestamp);
  }

  async #run(preemptor: PodInfo, node: string, victims: readonly PodInfo[]): Promise<void> {
    const { writer, nominations } = this.#options;
    const lower = nominations.on(node).filter(({ priority }) => priority < preemptor.priority);
    await writer.clearNominations(lower).catch((error) => {
      writer.client.world.log.warn({ node, error }, 'Could not take a nominated node away');
    });
    const last = victims.at(-1)!;
    await Promise.all(victims.slice(0, -1).map((victim) => this.#evict(preemptor, node, victim)));
    this.#running.set(preemptor.uid, last.key);
    await this.#evict(preemptor, node, last);
  }

  async #evict(preemptor: PodInfo, node: string, victim: PodInfo): Promise<void> {
    const { recorder, giveUp } = this.#options.writer;
    let note = `Preempted by pod ${preemptor.uid} on node ${node}`;
    if (giveUp(victim.uid, 'preempted')) note += ' (in kube-scheduler memory).';
    else if (!(await this.#delete(preemptor, victim))) return;
    recorder.event(victim.pod, 'Normal', 'Preempted', note, { action: 'Preempting', related: preemptor.pod });
  }

  /** @returns false when it was gone already */
  async #delete({ pod }: PodInfo, victim: PodInfo): Promise<boolean> {
    const { client } = this.#options.writer;
    const { namespace, name } = victim;
    const message = `${pod.spec.schedulerName}: preempting to accommodate a higher priority pod`;
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message };
    try {
      await patchPodStatus(client, victim.pod, { condition });
      await client.resource('pods').delete({ namespace, name });
      return true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }
}
