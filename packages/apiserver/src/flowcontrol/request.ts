/** A request at a priority level: who asks for what, what it is expected to cost, and what it is counted among. */
import type { UserInfo } from '../registry/strategy.ts';
import type { RequestInfo } from '../requestinfo.ts';
import type { Queue } from './queue.ts';
import type { Work } from './work.ts';

/** Requests of one schema in one level, counted. */
export interface Tally {
  readonly schema: string;
  readonly level: string;
  waiting: number;
  seatsWaiting: number;
  executing: number;
  seatsInUse: number;
  dispatched: number;
  /** By reason. */
  readonly refused: Record<Refusal, number>;
  /** How often the next request could not be served although there were free seats. */
  noAccommodation: number;
}

export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out';
export type Outcome = 'executing' | 'waiting' | Refusal;

/** What a service is taken for until it is known how long it took. */
export const GUESS_SECONDS = 0.003;

/** Requests that compete as one: of a user, or in a namespace, as their schema says. */
export interface Flow {
  readonly distinguisher: string;
  /** Numbers of the queues that it may use; [] where there are no queues. */
  readonly hand: readonly number[];
}

/** Who asks for what: nothing here depends on it, dumps show it. */
export interface Asked {
  readonly user: UserInfo;
  readonly info: RequestInfo;
}

export class FlowRequest {
  readonly asked: Asked;
  readonly tally: Tally;
  readonly flow: Flow;
  readonly work: Work;
  /** When it came, and when its service began; 0: not yet. Milliseconds. */
  readonly arrivedAt: number;
  startedAt = 0;
  /** Taken while it is served and while it lingers. */
  seats: number;
  lingerMs: number;
  /** The level's progress when it came. */
  arrivalR = 0;
  queue: Queue | undefined;
  /** Called when it need wait no longer. */
  onTurn: (() => void) | undefined;

  constructor(asked: Asked, tally: Tally, flow: Flow, work: Work, now: number) {
    this.asked = asked;
    this.tally = tally;
    this.flow = flow;
    this.work = work;
    this.arrivedAt = now;
    this.seats = Math.max(work.seats, work.finalSeats);
    this.lingerMs = work.lingerMs;
  }

  /** Seat-seconds that it is expected to cost. */
  get effort(): number {
    return this.work.seats * GUESS_SECONDS + (this.work.finalSeats * this.work.lingerMs) / 1000;
  }
}
