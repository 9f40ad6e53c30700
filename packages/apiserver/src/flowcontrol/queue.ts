/** One of a level's queues (apiserver/pkg/util/flowcontrol/fairqueuing/queueset/types.go). */
import type { FlowRequest } from './request.ts';

export class Queue {
  readonly waiting: FlowRequest[] = [];
  executing = 0;
  seatsInUse = 0;
  seatsWaiting = 0;
  /** Seat-seconds of what waits. */
  effortWaiting = 0;
  /** The virtual time at which the next request would begin. */
  nextStart = 0;

  get idle(): boolean {
    return this.executing === 0 && this.waiting.length === 0;
  }

  /** A queue that did not use its share while it had nothing to do gets no credit for that. */
  catchUp(): void {
    const oldest = this.waiting[0];
    if (oldest !== undefined && this.nextStart < oldest.arrivalR) this.nextStart = oldest.arrivalR;
  }
}
