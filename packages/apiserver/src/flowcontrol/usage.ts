/** How much of a priority level was in use, for the metrics. */
import { TimedRatio } from './timedratio.ts';

const UTILIZATION = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1];

/** For how long how much of a level was in use. */
export class Usage {
  /** Requests in queues, as a part of those that they hold. */
  readonly waiting: TimedRatio;
  /** Requests that are served, as a part of the seats. */
  readonly executing: TimedRatio;
  readonly seats: TimedRatio;
  /** Seats in use or waited for. */
  readonly demand: TimedRatio;

  constructor(now: number) {
    this.waiting = new TimedRatio(UTILIZATION, now);
    this.executing = new TimedRatio(UTILIZATION, now);
    this.seats = new TimedRatio([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1], now);
    this.demand = new TimedRatio([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6], now);
  }
}
