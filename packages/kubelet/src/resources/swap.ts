/** Memory of containers that may be on disk (pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, KEP 2400). */
import type { Container, ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { qosClass } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import type { EventRecorder } from '@keelson/client';
import type { CgroupFiles } from '../cgroups/files.ts';
import { isUnified, MOUNT } from '../cgroups/tree.ts';
import type { Machine } from '../node/machine.ts';
import { isCritical } from '../pods/spec.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import { supportsNoswap } from '../volumes/filesystem.ts';

/** `LimitedSwap`: burstable containers may have as much of it as they ask for of the machine's memory. */
export type SwapBehavior = 'NoSwap' | 'LimitedSwap';

export interface SwapSettings {
  readonly behavior: SwapBehavior;
  /** The kubelet does not start on a machine with swap. */
  readonly failIfOn: boolean;
}

export const ANY_SWAP: SwapSettings = { behavior: 'NoSwap', failIfOn: false };

export interface SwapOptions {
  readonly settings: SwapSettings;
  readonly machine: Pick<Machine, 'memoryBytes' | 'swapBytes'>;
  readonly files: CgroupFiles;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  /** Of the kubelet's data. */
  readonly directory: string;
}

export class Swap {
  readonly #behavior: SwapBehavior;
  readonly #machine: SwapOptions['machine'];
  /** Version of the cgroups that can limit it; undefined where none can. */
  readonly #version: 1 | 2 | undefined;

  private constructor({ settings, machine }: SwapOptions, version: 1 | 2 | undefined) {
    this.#behavior = settings.behavior;
    this.#machine = machine;
    this.#version = version;
  }

  /** @throws Error for a machine that has swap, or cannot limit it, where that is not wanted */
  static async start(options: SwapOptions): Promise<Swap> {
    const { settings, files, recorder, node, directory } = options;
    const version = (await isUnified(files)) ? 2 : 1;
    if (settings.behavior === 'LimitedSwap' && version === 1) {
      throw new Error('swap feature is enabled and LimitedSwap but it is only supported with cgroupv2');
    }
    if (await isOn(files)) {
      if (settings.failIfOn) {
        const advice = 'please disable swap or set --fail-swap-on flag to false';
        throw new Error(`running with swap on is not supported, ${advice}`);
      }
      if (!(await supportsNoswap(directory))) {
        const what = 'Memory-backed volumes (e.g. secrets, emptyDirs, etc.) might be swapped to disk';
        const message = `The tmpfs noswap option is not supported. ${what} and should no longer be considered secure.`;
        recorder.event(node, 'Warning', 'PossibleMemoryBackedVolumesOnDisk', message);
      }
    }
    return new Swap(options, (await isLimitable(files, version)) ? version : undefined);
  }

  /** What the runtime is told of it. @param given of a container, whatever it may have of this */
  resourcesOf(pod: Pod, container: Container, given: LinuxResources): LinuxResources {
    switch (this.#version) {
      case undefined:
        return {};
      case 1:
        // Of memory and swap together: nothing beyond memory.
        return given.memoryLimit ? { memorySwapLimit: given.memoryLimit } : {};
      case 2:
        return { unified: { ...given.unified, 'memory.swap.max': String(this.#bytesOf(pod, container)) } };
    }
  }

  /** Why memory of a pod cannot be resized: what it may have of swap would be other, and would stay as it was. */
  resizeProblem(pod: Pod, current: Pod): string | undefined {
    const before = new Map(declaredContainers(current.spec).map((container) => [container.name, container]));
    const isRefused = declaredContainers(pod.spec).some((container) => {
      const old = before.get(container.name);
      if (!old || requestOf(old).cmp(requestOf(container)) === 0) return false;
      const policy = old.resizePolicy?.find(({ resourceName }) => resourceName === 'memory')?.restartPolicy;
      return policy !== 'RestartContainer' && (this.#mayUse(pod, container) || this.#mayUse(current, old));
    });
    return isRefused ? 'In-place resize of containers with swap is not supported.' : undefined;
  }

  #mayUse(pod: Pod, { resources }: Container): boolean {
    if (this.#behavior === 'NoSwap' || this.#version !== 2 || isCritical(pod)) return false;
    const [request, limit] = [resources?.requests?.memory, resources?.limits?.memory].map((text) =>
      Quantity.parse(text ?? '0'),
    ) as [Quantity, Quantity];
    // Equal are both, too, where it asks for none.
    return qosClass(pod) === 'Burstable' && request.cmp(limit) !== 0;
  }

  #bytesOf(pod: Pod, container: Container): number {
    const { memoryBytes, swapBytes } = this.#machine;
    const request = Number(requestOf(container).value());
    if (!this.#mayUse(pod, container) || request > memoryBytes) return 0;
    return Math.floor((request / memoryBytes) * swapBytes);
  }
}

function requestOf({ resources }: Container): Quantity {
  return Quantity.parse(resources?.requests?.memory ?? '0');
}

async function isOn(files: CgroupFiles): Promise<boolean> {
  const text = await files.read('/proc/swaps').catch(() => '');
  // The first line is a heading.
  return text.trim().split('\n').length > 1;
}

async function isLimitable(files: CgroupFiles, version: 1 | 2): Promise<boolean> {
  const own = /^0::(.*)$/m.exec(await files.read('/proc/self/cgroup').catch(() => ''))?.[1] ?? '';
  // The root has no such file.
  const file = version === 2 ? `${MOUNT}${own}/memory.swap.max` : `${MOUNT}/memory/memory.memsw.limit_in_bytes`;
  return files.read(file).then(
    () => true,
    () => false,
  );
}
