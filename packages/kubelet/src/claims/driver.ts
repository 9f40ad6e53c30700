/** One process of a driver, and what it is asked for (pkg/kubelet/cm/dra/plugin/dra_plugin.go). */
import { RpcClient } from '@keelson/component/grpc/client';
import { RpcError } from '@keelson/component/grpc/errors';
import type { Service } from '@keelson/component/grpc/service';
import { type ClaimReference, type DeviceHealthMessage, type DraMethods, resourceHealth } from './messages.ts';

/** Half of the time after which a kubelet looks at a pod again. */
const TIMEOUT_MS = 45_000;

export interface DriverOptions {
  readonly name: string;
  /** Path of its socket. */
  readonly endpoint: string;
  readonly service: Service<DraMethods>;
  /** It is there, or it is not. */
  connected(is: boolean): void;
  /** @param code `OK` or what went wrong */
  called(method: string, code: string, ms: number): void;
}

export class Driver {
  readonly name: string;
  readonly endpoint: string;
  isConnected = false;
  readonly #options: DriverOptions;
  readonly #client: RpcClient;
  readonly #unfollow: () => void;

  /** Connects at once, and again whenever it goes. */
  constructor(options: DriverOptions) {
    this.#options = options;
    this.name = options.name;
    this.endpoint = options.endpoint;
    this.#client = new RpcClient(`unix:${options.endpoint}`);
    this.#unfollow = this.#client.follow((connected) => {
      this.isConnected = connected;
      options.connected(connected);
    });
  }

  /** @throws RpcError */
  prepare(claims: readonly ClaimReference[], signal: AbortSignal): Promise<DraMethods['NodePrepareResources'][1]> {
    return this.#call('NodePrepareResources', claims, signal);
  }

  /** @throws RpcError */
  unprepare(claims: readonly ClaimReference[]): Promise<DraMethods['NodeUnprepareResources'][1]> {
    return this.#call('NodeUnprepareResources', claims);
  }

  /** All its devices, each time that one is another. @throws RpcError where it does not tell of them, or goes */
  async *health(signal: AbortSignal): AsyncGenerator<readonly DeviceHealthMessage[]> {
    for await (const { devices } of this.#client.stream(resourceHealth, 'NodeWatchResources', {}, signal))
      yield devices;
  }

  close(): void {
    this.#unfollow();
    this.#client.close();
  }

  async #call<Name extends keyof DraMethods>(
    name: Name,
    claims: readonly ClaimReference[],
    signal?: AbortSignal,
  ): Promise<DraMethods[Name][1]> {
    const { service, called } = this.#options;
    const startedAt = performance.now();
    let code = 'OK';
    try {
      return await this.#client.call(
        service,
        name,
        { claims },
        { timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) },
      );
    } catch (error) {
      code = error instanceof RpcError ? error.codeName : 'Unknown';
      throw error;
    } finally {
      called(service.method(name).path, code, performance.now() - startedAt);
    }
  }
}
