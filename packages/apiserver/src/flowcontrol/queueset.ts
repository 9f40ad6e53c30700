/**
 * The requests of one priority level: those that wait, in queues that are served fairly, and those that are served
 * (apiserver/pkg/util/flowcontrol/fairqueuing/queueset). Nothing here reads a clock or waits: every call says what time it
 * is, in milliseconds, and docs/fairness.md tells of virtual time.
 *
 *     start ─┬─▶ executing ──finish──┬─▶ done
 *            ├─▶ waiting ──▶ executing└─▶ lingering ──release──▶ done
 *            │      └─cancel─▶ done
 *            └─▶ refused
 *
 * Invariants: `#waiting`, `#seatsWaiting`, `#seatsInUse` and `#active` are sums over the queues. Nobody waits while the
 * queue that is next could be served.
 */
import { Integrator } from './integrator.ts';
import { Queue } from './queue.ts';
import { type FlowRequest, GUESS_SECONDS, type Outcome, type Refusal } from './request.ts';
import { Usage } from './usage.ts';

/** What a level does with requests that it has no seats for. */
export type Discipline =
  | { readonly kind: 'exempt' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'queue'; readonly queues: number; readonly handSize: number; readonly queueLengthLimit: number };

/** How many requests can wait. */
export function placesOf(discipline: Discipline): number {
  return discipline.kind === 'queue' ? discipline.queues * discipline.queueLengthLimit : 0;
}

export class QueueSet {
  /** Seats in use or waited for. */
  readonly demand: Integrator;
  readonly usage: Usage;
  readonly executing = new Set<FlowRequest>();
  readonly totals = { dispatched: 0, refused: 0, cancelled: 0 };
  #discipline: Discipline = { kind: 'reject' };
  #limit = 0;
  readonly #queues: Queue[] = [];
  #waiting = 0;
  #seatsWaiting = 0;
  #seatsInUse = 0;
  /** Queues that are not idle. */
  #active = 0;
  #enqueued = 0;
  #robin = 0;
  /** Progress: seat-seconds that each active queue has been given. A double holds decades of it to the microsecond. */
  #r = 0;
  #syncedAt: number;

  constructor(now: number) {
    this.demand = new Integrator(now);
    this.usage = new Usage(now);
    this.#syncedAt = now;
  }

  get queues(): readonly Queue[] {
    return this.#queues;
  }
  get waiting(): number {
    return this.#waiting;
  }
  get seatsInUse(): number {
    return this.#seatsInUse;
  }
  get progress(): number {
    return this.#r;
  }
  get idle(): boolean {
    return this.#waiting === 0 && this.executing.size === 0;
  }

  /**
   * Queues that are too many go when they are idle.
   * @param limit seats
   * @param denominator what use is a part of, where there is no limit
   */
  configure(discipline: Discipline, limit: number, now: number, denominator = 1): void {
    this.#sync(now);
    this.#discipline = discipline;
    this.#limit = limit;
    this.usage.waiting.limit(Math.max(1, placesOf(discipline)), now);
    const { executing, seats, demand } = this.usage;
    for (const each of [executing, seats, demand]) each.limit(limit > 0 ? limit : denominator, now);
    if (discipline.kind === 'queue') {
      while (this.#queues.length < discipline.queues) this.#queues.push(new Queue());
      while (this.#queues.length > discipline.queues && this.#queues.at(-1)!.idle) this.#queues.pop();
    }
    this.#dispatch(now);
  }

  start(request: FlowRequest, now: number): Outcome {
    this.#sync(now);
    const { kind } = this.#discipline;
    if (kind !== 'queue') {
      if (kind === 'reject' && !this.#fits(request.seats)) return this.#refuse(request, 'concurrency-limit');
      this.#begin(request, now);
      return 'executing';
    }
    const queue = this.#choose(request.flow.hand);
    request.queue = queue;
    request.arrivalR = this.#r;
    if (this.#waiting === 0 && this.#seatsInUse < this.#limit && this.#fits(request.seats)) {
      if (queue.idle || queue.nextStart < this.#r) queue.nextStart = this.#r;
      this.#begin(request, now);
      return 'executing';
    }
    const isFull = queue.waiting.length >= this.#discipline.queueLengthLimit;
    if (this.#seatsInUse >= this.#limit && isFull) return this.#refuse(request, 'queue-full');
    this.#enqueue(request, queue);
    this.#noteDemand(now);
    this.#dispatch(now);
    return this.executing.has(request) ? 'executing' : 'waiting';
  }

  /** Takes a request out that has waited too long. @returns whether it was waiting */
  cancel(request: FlowRequest, now: number): boolean {
    const { queue } = request;
    const at = queue?.waiting.indexOf(request) ?? -1;
    if (queue === undefined || at < 0) return false;
    this.#sync(now);
    queue.waiting.splice(at, 1);
    this.#leave(request, queue);
    if (queue.idle) this.#active--;
    queue.catchUp();
    this.totals.cancelled++;
    this.#refuse(request, 'time-out');
    this.#noteDemand(now);
    this.#dispatch(now);
    return true;
  }

  /** To be called once for what was executing. @returns after how long `release` is to be called; 0: it is done */
  finish(request: FlowRequest, now: number): number {
    this.#sync(now);
    const { queue } = request;
    this.executing.delete(request);
    this.usage.executing.add(-1, now);
    request.tally.executing--;
    if (queue !== undefined) {
      queue.executing--;
      if (queue.idle) this.#active--;
      queue.nextStart -= request.work.seats * (GUESS_SECONDS - (now - request.startedAt) / 1000);
      queue.catchUp();
    }
    if (request.lingerMs > 0) {
      this.#dispatch(now);
      return request.lingerMs;
    }
    this.#free(request, now);
    return 0;
  }

  /** Gives back the seats of what has lingered. */
  release(request: FlowRequest, now: number): void {
    this.#sync(now);
    this.#free(request, now);
  }

  #sync(now: number): void {
    const seconds = (now - this.#syncedAt) / 1000;
    this.#syncedAt = now;
    if (this.#active === 0 || seconds <= 0) return;
    this.#r += (seconds * Math.min(this.#seatsInUse + this.#seatsWaiting, this.#limit)) / this.#active;
  }

  /** What needs more seats than there are is served alone. */
  #fits(seats: number): boolean {
    return seats > this.#limit ? this.executing.size === 0 : this.#seatsInUse + seats <= this.#limit;
  }

  /** The queue of the hand with the least work, beginning with another card each time. */
  #choose(hand: readonly number[]): Queue {
    const offset = this.#enqueued++ % hand.length;
    let best = this.#queues[hand[offset]!]!;
    if (this.#waiting === 0) return best;
    for (let i = 1; i < hand.length; i++) {
      const queue = this.#queues[hand[(offset + i) % hand.length]!]!;
      if (queue.effortWaiting < best.effortWaiting) best = queue;
    }
    return best;
  }

  #enqueue(request: FlowRequest, queue: Queue): void {
    if (queue.idle) {
      this.#active++;
      queue.nextStart = this.#r;
    }
    queue.waiting.push(request);
    queue.effortWaiting += request.effort;
    queue.seatsWaiting += request.seats;
    this.#waiting++;
    this.#seatsWaiting += request.seats;
    request.tally.waiting++;
    request.tally.seatsWaiting += request.seats;
    queue.catchUp();
  }

  /** What `#enqueue` added up. */
  #leave(request: FlowRequest, queue: Queue): void {
    queue.effortWaiting = queue.waiting.length === 0 ? 0 : queue.effortWaiting - request.effort;
    queue.seatsWaiting -= request.seats;
    this.#waiting--;
    this.#seatsWaiting -= request.seats;
    request.tally.waiting--;
    request.tally.seatsWaiting -= request.seats;
  }

  #noteDemand(now: number): void {
    const seats = this.#seatsInUse + this.#seatsWaiting;
    this.demand.set(seats, now);
    this.usage.demand.set(seats, now);
    this.usage.waiting.set(this.#waiting, now);
  }

  #dispatch(now: number): void {
    while (this.#waiting > 0 && this.#seatsInUse < this.#limit && this.#dispatchNext(now));
  }

  /** @returns false when the next request needs more seats than are free: the others wait with it */
  #dispatchNext(now: number): boolean {
    const queue = this.#nextQueue();
    const request = queue.waiting[0]!;
    if (!this.#fits(request.seats)) {
      request.tally.noAccommodation++;
      return false;
    }
    this.#robin = this.#queues.indexOf(queue);
    queue.waiting.shift();
    this.#leave(request, queue);
    if (queue.idle) this.#active--;
    this.#begin(request, now);
    queue.catchUp();
    request.onTurn?.();
    return true;
  }

  #nextQueue(): Queue {
    let best: Queue | undefined;
    let bestEnd = Number.POSITIVE_INFINITY;
    const count = this.#queues.length;
    for (let i = 1; i <= count; i++) {
      const queue = this.#queues[(this.#robin + i) % count]!;
      const oldest = queue.waiting[0];
      if (oldest === undefined) continue;
      const end = queue.nextStart + oldest.effort;
      if (end < bestEnd) {
        bestEnd = end;
        best = queue;
      }
    }
    return best!;
  }

  #begin(request: FlowRequest, now: number): void {
    const { queue, work, tally } = request;
    const isExempt = this.#discipline.kind === 'exempt';
    if (!isExempt && work.finalSeats > this.#limit && this.#limit > 0) {
      request.seats = Math.max(work.seats, this.#limit);
      request.lingerMs = (work.finalSeats * work.lingerMs) / this.#limit;
    }
    request.startedAt = now;
    this.executing.add(request);
    this.#seatsInUse += request.seats;
    this.totals.dispatched++;
    tally.executing++;
    tally.seatsInUse += request.seats;
    tally.dispatched++;
    if (queue !== undefined) {
      if (queue.idle) this.#active++;
      queue.executing++;
      queue.seatsInUse += request.seats;
      queue.nextStart += request.effort;
    }
    this.usage.executing.add(1, now);
    this.usage.seats.add(request.seats, now);
    this.#noteDemand(now);
  }

  #free(request: FlowRequest, now: number): void {
    const { queue, seats } = request;
    this.#seatsInUse -= seats;
    request.tally.seatsInUse -= seats;
    this.usage.seats.add(-seats, now);
    this.#noteDemand(now);
    if (queue !== undefined) {
      queue.seatsInUse -= seats;
      const { kind } = this.#discipline;
      if (kind === 'queue' && queue.idle && this.#queues.length > this.#discipline.queues) this.#remove(queue);
    }
    if (this.#waiting > 0) this.#dispatch(now);
  }

  #remove(queue: Queue): void {
    const at = this.#queues.indexOf(queue);
    if (at < 0) return;
    this.#queues.splice(at, 1);
    if (this.#robin >= at && this.#robin > 0) this.#robin--;
  }

  #refuse(request: FlowRequest, reason: Refusal): Refusal {
    this.totals.refused++;
    request.tally.refused[reason]++;
    return reason;
  }
}
