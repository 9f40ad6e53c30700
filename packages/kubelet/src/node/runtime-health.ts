import type { Runtime, RuntimeStatus } from '../runtime/runtime.ts';
import { notReadyBecause } from './description.ts';

/** What a runtime last said of itself. */
export class RuntimeHealth {
  readonly #runtime: Runtime;
  #status: RuntimeStatus;

  private constructor(runtime: Runtime, status: RuntimeStatus) {
    this.#runtime = runtime;
    this.#status = status;
  }

  /** @throws RuntimeError where nobody answers */
  static async of(runtime: Runtime): Promise<RuntimeHealth> {
    return new RuntimeHealth(runtime, await runtime.status());
  }

  get status(): RuntimeStatus {
    return this.#status;
  }

  /** Asks again. @returns whether the node is ready now and was not, or the other way round */
  async check(): Promise<boolean> {
    const before = notReadyBecause(this.#status);
    this.#status = await this.#runtime.status().catch(unreachable);
    return notReadyBecause(this.#status) !== before;
  }
}

function unreachable({ message }: Error): RuntimeStatus {
  const problem = { ok: false, reason: 'RuntimeUnavailable', message };
  return {
    conditions: [
      { type: 'RuntimeReady', ...problem },
      { type: 'NetworkReady', ...problem },
    ],
    handlers: [],
    supplementalGroupsPolicy: false,
  };
}
