/** Events of many nodes, told a few at a time, so that they do not stand in the way of what pods wait for. */
import type { Client, EventRecorder } from '@keelson/client';
import { ApiEventRecorder } from '@keelson/client';

/** More than that are dropped. */
const MAX_QUEUED = 20_000;
const AT_ONCE = 4;

export class SharedEvents {
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #recorders = new Set<ApiEventRecorder>();
  #running = 0;

  /** @param client acts as the node */
  recorder(client: Client, host: string): EventRecorder {
    let own: ApiEventRecorder | undefined;
    return {
      event: (...event) => {
        if (this.#queue.length >= MAX_QUEUED) return;
        this.#queue.push(() => {
          if (!own) {
            own = new ApiEventRecorder({ client, source: { component: 'kubelet', host }, api: 'v1' });
            this.#recorders.add(own);
          }
          own.event(...event);
          return own.flush();
        });
        if (this.#running < AT_ONCE) void this.#work();
      },
    };
  }

  stop(): void {
    this.#queue.length = 0;
    for (const recorder of this.#recorders) recorder.stop();
  }

  async #work(): Promise<void> {
    this.#running++;
    for (let tell = this.#queue.shift(); tell; tell = this.#queue.shift()) await tell();
    this.#running--;
  }
}
