/**
 * The addresses and ports of Services. They come from finite pools, so that a write takes them first, and gives them
 * back when it fails:
 *
 *     beginCreate / beginUpdate   align clusterIP(s) → families → take addresses → take ports
 *     commit                      free what the old object had and the new one has not
 *     revert                      give back what was taken
 *     afterDelete                 free everything
 *
 * Addresses are recorded as IPAddress objects (addresses.ts), ports in one bitmap (ports.ts).
 */
import { StatusError } from '@keelson/api/errors';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { parseCIDRSloppy } from '@keelson/api/ip';
import type { IsEnabled } from '../../../../gates.ts';
import type { StrategyContext, WriteHook } from '../../../strategy.ts';
import { ClusterIPAllocator } from './addresses.ts';
import { allocateAll, allocateChanges, releaseAll } from './clusterips.ts';
import type { AllocationDeps, Families } from './deps.ts';
import { completeFamilies, initFamilies } from './families.ts';
import { allocatePorts, allPortsOf, changePorts } from './nodeports.ts';
import { alignClusterIPs, keepAllocatedValues } from './patch.ts';
import { PortOperation } from './portoperation.ts';
import { NodePortAllocator } from './ports.ts';

export class ServiceAllocation {
  readonly #deps: AllocationDeps;
  readonly #isEnabled: IsEnabled;
  readonly #ips: ClusterIPAllocator;
  readonly #ports: NodePortAllocator;
  readonly #families: Families;

  constructor(deps: AllocationDeps, isEnabled: IsEnabled) {
    this.#deps = deps;
    this.#isEnabled = isEnabled;
    this.#ips = new ClusterIPAllocator(deps);
    this.#ports = new NodePortAllocator(deps);
    this.#families = familiesOf(deps.clusterIPRanges);
  }

  /** What services lack that were stored before they had several addresses. */
  complete(service: Service): void {
    alignClusterIPs(service);
    completeFamilies(service, this.#families);
  }

  /** @throws StatusError 422, 500 */
  async beginCreate({ dryRun }: StrategyContext, service: Service): Promise<WriteHook> {
    alignClusterIPs(service);
    initFamilies(service, undefined, this.#families, this.#isEnabled);
    return this.#begin(dryRun, await allocateAll(this.#ips, service, dryRun), (operation) =>
      allocatePorts(service, operation),
    );
  }

  /** @throws StatusError 422, 500 */
  async beginUpdate({ dryRun }: StrategyContext, service: Service, old: Service): Promise<WriteHook> {
    keepAllocatedValues(service, old);
    alignClusterIPs(service, old);
    initFamilies(service, old, this.#families, this.#isEnabled);
    return this.#begin(dryRun, await allocateChanges(this.#ips, service, old, dryRun), (operation) =>
      changePorts(service, old, operation),
    );
  }

  async #begin(
    dryRun: boolean,
    addresses: WriteHook,
    allocate: (operation: PortOperation) => Promise<void>,
  ): Promise<WriteHook> {
    const operation = new PortOperation(this.#ports, dryRun);
    const revert = () =>
      this.#reporting(
        () => operation.revert(),
        () => addresses.revert?.(),
      );
    try {
      await allocate(operation);
    } catch (error) {
      await revert();
      throw error;
    }
    return {
      revert,
      commit: () =>
        this.#reporting(
          () => addresses.commit?.(),
          () => operation.commit(),
        ),
    };
  }

  /** Runs every step: what was to be freed and was not does not fail a write that is done. */
  async #reporting(...steps: readonly (() => void | Promise<void>)[]): Promise<void> {
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        this.#deps.report(error);
      }
    }
  }

  /** Also deletes the Endpoints of the service's name, so that a new service does not find them. */
  async afterDelete({ dryRun }: StrategyContext, service: Service): Promise<void> {
    if (dryRun) return;
    await this.#reporting(
      () => this.#deleteEndpoints(service),
      () => releaseAll(this.#ips, service),
      () => this.#ports.release(allPortsOf(service)),
    );
  }

  async #deleteEndpoints({ metadata: { namespace = '', name = '' } }: Service): Promise<void> {
    try {
      await this.#deps.client().delete({ apiVersion: 'v1', kind: 'Endpoints', metadata: { namespace, name } });
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }
}

function familiesOf(ranges: readonly string[]): Families {
  const [first, ...rest] = ranges.map((range) => {
    const cidr = parseCIDRSloppy(range);
    if (!cidr) throw new Error(`not a CIDR: ${range}`);
    return cidr.ip.family;
  });
  if (first === undefined) throw new Error('no range for cluster IPs');
  return [first, ...rest];
}
