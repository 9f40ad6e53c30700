/**
 * Leader election on a Lease (client-go/tools/leaderelection): of many candidates one leads, as long as it renews the lease in
 * time. Whoever sees no change of the lease for its whole duration, by a clock of its own, may take it: clocks of different
 * machines are never compared.
 *
 *     candidate ── the lease is free, or was not renewed ──▶ leader ── not renewed within renewDeadline ──▶ lost
 *         ▲  │                                                 │
 *         └──┘ every retryPeriod, lengthened by chance         └── cancelled ──▶ released
 */

import { hasReason } from '@keelson/api/errors';
import type { Lease, LeaseSpec } from '@keelson/api/generated/types/coordination/v1';
import { formatMicroTime } from '@keelson/api/time';
import type { EventRecorder } from '../events/recorder.ts';
import type { Client } from '../rest/client.ts';
import type { ResourceClient } from '../rest/resource.ts';
import { pause } from '../world.ts';

export interface ElectionOptions {
  readonly client: Client;
  readonly namespace: string;
  /** Of the lease. */
  readonly name: string;
  /** Of the candidate; no two have the same. */
  readonly identity: string;
  /** Others may take over a lease that was not renewed for so long. */
  readonly leaseDurationMs?: number | undefined;
  /** The leader steps down when it could not renew for so long. */
  readonly renewDeadlineMs?: number | undefined;
  readonly retryPeriodMs?: number | undefined;
  /** Gives the lease up when it is cancelled, after `lead` has ended, so that nobody has to wait for it to expire. */
  readonly release?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly recorder?: EventRecorder | undefined;
  /** Told of each leader that is seen, the candidate itself among them. */
  readonly onLeader?: ((identity: string) => void) | undefined;
}

const JITTER = 1.2;

export class LeaderElector {
  readonly #options: ElectionOptions;
  readonly #leases: ResourceClient<Lease>;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  #lease: Lease | undefined;
  /** When the lease was last seen to change, by the clock of this process. */
  #observedAt = 0;
  #reported = '';

  /** @throws Error for durations with which a leader could be overtaken before it steps down */
  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#leases = options.client.resource('leases.coordination.k8s.io');
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (this.#leaseDurationMs <= this.#renewDeadlineMs)
      throw new Error('leaseDuration must be greater than renewDeadline');
    if (this.#renewDeadlineMs <= JITTER * this.#retryPeriodMs) {
      throw new Error('renewDeadline must be greater than retryPeriod*JitterFactor');
    }
    if (options.identity === '') throw new Error('the candidate has no identity');
  }

  /** The holder that was last seen; empty when there is none. */
  get leader(): string {
    return this.#lease?.spec.holderIdentity ?? '';
  }

  get leads(): boolean {
    return this.leader === this.#options.identity;
  }

  /**
   * Waits for the lead, and leads.
   * @param lead runs while the candidate leads; its signal is aborted when that is over
   * @returns why it is over: the caller's signal, or a lease that could not be renewed. Who has lost does best to end its process
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<'cancelled' | 'lost'> {
    this.#tell(false);
    if (!(await this.#acquire(signal))) return 'cancelled';
    this.#record('became leader');
    this.#tell(true);
    const over = new AbortController();
    const leading = lead(over.signal).catch((error) => {
      if (!over.signal.aborted) this.#log.error({ error }, 'The leader failed');
    });
    const outcome = await this.#renewUntilOver(signal);
    this.#record('stopped leading');
    this.#tell(false);
    over.abort(new Error(outcome === 'lost' ? 'the lead was lost' : 'cancelled'));
    if (outcome === 'cancelled' && this.#options.release) {
      await leading;
      await this.#release();
    }
    return outcome;
  }

  #tell(leads: boolean): void {
    const { client, name } = this.#options;
    client.world.metrics?.leads(name, leads);
  }

  get #log() {
    return this.#options.client.world.log;
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#options.client.world;
    while (!signal.aborted) {
      if (await this.#tryToLead(signal)) return true;
      await pause(clock, this.#retryPeriodMs * (1 + JITTER * random()), signal);
    }
    return false;
  }

  async #renewUntilOver(signal: AbortSignal): Promise<'cancelled' | 'lost'> {
    const { clock } = this.#options.client.world;
    await pause(clock, this.#retryPeriodMs, signal);
    while (!signal.aborted) {
      const deadline = new AbortController();
      const cancel = clock.after(this.#renewDeadlineMs, () => deadline.abort(new Error('renewDeadline')));
      const both = AbortSignal.any([signal, deadline.signal]);
      let renewed = false;
      while (!renewed && !both.aborted) {
        renewed = await this.#tryToLead(both);
        if (!renewed) await pause(clock, this.#retryPeriodMs, both);
      }
      cancel();
      if (!renewed && !signal.aborted) return 'lost';
      await pause(clock, this.#retryPeriodMs, signal);
    }
    return 'cancelled';
  }

  /** Takes or renews the lease, if it may. */
  async #tryToLead(signal: AbortSignal): Promise<boolean> {
    try {
      const leads = (await this.#renewQuickly(signal)) || (await this.#takeOrRenew(signal));
      this.#report();
      return leads;
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ error, lease: this.#options.name }, 'Could not take or renew the lease');
      this.#report();
      return false;
    }
  }

  /** A leader writes without reading, since nobody else should have written. */
  async #renewQuickly(signal: AbortSignal): Promise<boolean> {
    if (!this.#lease || !this.leads || !this.#isValid()) return false;
    try {
      await this.#write(this.#lease, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug({ error }, 'Reading the lease again');
      return false;
    }
  }

  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, labels } = this.#options;
    let lease: Lease;
    try {
      lease = await this.#leases.get({ namespace, name }, { signal, ...this.#patience });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      const metadata = { namespace, name, ...(labels ? { labels: { ...labels } } : {}) };
      this.#observe(
        await this.#leases.create({ metadata, spec: this.#spec(undefined) }, { signal, ...this.#patience }),
      );
      return true;
    }
    if (JSON.stringify(lease.spec) !== JSON.stringify(this.#lease?.spec)) this.#observe(lease);
    else this.#lease = lease;
    if (this.leader !== '' && !this.leads && this.#isValid()) return false;
    await this.#write(lease, signal);
    return true;
  }

  async #write(lease: Lease, signal: AbortSignal): Promise<void> {
    const { labels } = this.#options;
    const metadata = labels ? { ...lease.metadata, labels: { ...lease.metadata.labels, ...labels } } : lease.metadata;
    const changed = { ...lease, metadata, spec: this.#spec(lease.spec) };
    this.#observe(await this.#leases.update(changed, { signal, ...this.#patience }));
  }

  #spec(before: LeaseSpec | undefined): LeaseSpec {
    const { identity, client } = this.#options;
    const now = formatMicroTime(new Date(client.world.clock.now()));
    const same = before?.holderIdentity === identity;
    const transitions = before?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.floor(this.#leaseDurationMs / 1000),
      acquireTime: (same && before.acquireTime) || now,
      renewTime: now,
      leaseTransitions: before && !same ? transitions + 1 : transitions,
    };
  }

  async #release(): Promise<void> {
    const { client, namespace, name } = this.#options;
    const now = formatMicroTime(new Date(client.world.clock.now()));
    try {
      const lease = await this.#leases.get({ namespace, name }, this.#patience);
      if (lease.spec.holderIdentity !== this.#options.identity) return;
      const { leaseTransitions = 0 } = lease.spec;
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now, leaseTransitions };
      this.#observe(await this.#leases.update({ ...lease, spec }, this.#patience));
      this.#report();
    } catch (error) {
      this.#log.warn({ error, lease: name }, 'Could not release the lease');
    }
  }

  get #patience() {
    return { timeoutMs: this.#renewDeadlineMs / 2 };
  }

  #observe(lease: Lease): void {
    this.#lease = lease;
    this.#observedAt = this.#options.client.world.clock.now();
  }

  #isValid(): boolean {
    const { leaseDurationSeconds = 0 } = this.#lease?.spec ?? {};
    return this.#observedAt + leaseDurationSeconds * 1000 > this.#options.client.world.clock.now();
  }

  #report(): void {
    if (this.leader === this.#reported) return;
    this.#reported = this.leader;
    this.#options.onLeader?.(this.leader);
  }

  #record(what: string): void {
    const { recorder, identity } = this.#options;
    if (!recorder || !this.#lease) return;
    const lease = { ...this.#lease, kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' };
    recorder.event(lease, 'Normal', 'LeaderElection', `${identity} ${what}`, { action: 'LeaderElection' });
  }
}
