/** For how long how many reads and writes of the whole server were waiting and served (…/server/filters/priority-and-fairness.go). */
import type { PriorityLevel } from './level.ts';
import { placesOf } from './queueset.ts';
import { TimedRatio } from './timedratio.ts';

const BOUNDS = [0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

export class Concurrency {
  readonly executing: { readonly reads: TimedRatio; readonly writes: TimedRatio };
  readonly waiting: { readonly reads: TimedRatio; readonly writes: TimedRatio };

  constructor(now: number) {
    const pair = () => ({ reads: new TimedRatio(BOUNDS, now), writes: new TimedRatio(BOUNDS, now) });
    this.executing = pair();
    this.waiting = pair();
  }

  /** The seats and the places in queues of all levels are what these are parts of. */
  limit(levels: readonly PriorityLevel[], now: number): void {
    const seats = levels.reduce((sum, { limits }) => sum + limits.nominal, 0);
    const places = levels.reduce((sum, { discipline }) => sum + placesOf(discipline), 0);
    for (const group of ['reads', 'writes'] as const) {
      this.executing[group].limit(Math.max(1, seats), now);
      this.waiting[group].limit(Math.max(1, places), now);
    }
  }
}
