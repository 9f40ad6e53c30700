/** That a container's image is there before it starts (pkg/kubelet/images/image_manager.go). */
import { aggregateText } from '@keelson/api/aggregate';
import type { ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { formatDuration } from '@keelson/component/go/duration';
import { Mutex } from '@keelson/component/promises';
import type { Image, ImageSpec, Images } from '../runtime/images.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import type { PullCredentials } from './credentials.ts';
import type { PullRecords } from './pull-records.ts';
import { parseReference, withDefaultTag } from './reference.ts';

export interface ImageManagerOptions {
  readonly runtime: Images;
  readonly world: World;
  readonly recorder: EventRecorder;
  /** What may open the repository to the pod; without any it is tried without. */
  credentials(pod: Pod, repository: string): Promise<readonly PullCredentials[]>;
  /** Keeps images that a secret has opened from pods without it; without records all pods may use what is there. */
  readonly records?: PullRecords | undefined;
  /** Whether pulls wait for each other. */
  readonly serialize: boolean;
  /** Told of each request, for metrics. */
  readonly ensured?: ((policy: string, found: Found) => void) | undefined;
}

/** What became known of an image before it was there, or was not to be had. */
export interface Found {
  present?: boolean;
  pullRequired?: boolean;
}

export interface ImageRequest {
  readonly pod: Pod;
  readonly reference: { readonly reference: ObjectReference };
  readonly image: string;
  readonly policy: string;
  readonly sandbox: SandboxConfig;
}

/** Why it is not there: the reason and the message of the container that waits for it. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason: string;
  /** When it is worth another try. */
  readonly retryAt: number | undefined;

  constructor(reason: string, message: string, retryAt?: number) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
  }
}

interface Failure {
  readonly pauseMs: number;
  readonly at: number;
  readonly message: string;
}

/** As the kubelet sets them: 10 s, doubling to 5 min, forgotten after twice as long. */
const FIRST_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 300_000;

export class ImageManager {
  readonly #options: ImageManagerOptions;
  /** By pod and image. */
  readonly #failures = new Map<string, Failure>();
  readonly #pulls = new Mutex();

  constructor(options: ImageManagerOptions) {
    this.#options = options;
  }

  /** @returns the reference to create a container with. @throws ImageError */
  async ensure(request: ImageRequest): Promise<string> {
    const found: Found = {};
    try {
      return await this.#ensure(request, found);
    } finally {
      this.#options.ensured?.(request.policy, found);
    }
  }

  async #ensure(request: ImageRequest, found: Found): Promise<string> {
    const { image, policy, reference, sandbox } = request;
    const { recorder } = this.#options;
    const spec = this.#spec(request);
    const present = policy === 'Always' ? undefined : await this.#inspect(spec, request);
    if (policy !== 'Always') found.present = present !== undefined;
    if (present && (await this.#mayUse(request, spec, present))) {
      found.pullRequired = false;
      const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
      recorder.event(reference, 'Normal', 'Pulled', message);
      return present.id;
    }
    if (present || policy !== 'Never') found.pullRequired = true;
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      recorder.event(reference, 'Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message);
    }
    return this.#pull(request, spec, sandbox);
  }

  async #mayUse({ pod }: ImageRequest, { image }: ImageSpec, { id }: Image): Promise<boolean> {
    const { records, credentials } = this.#options;
    if (!records) return true;
    return records.allows(image, id, () => credentials(pod, parseReference(image).repository));
  }

  /** Its failures count no more. */
  forget(podUid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${podUid}_`)) this.#failures.delete(key);
  }

  #spec({ image, reference, sandbox }: ImageRequest): ImageSpec {
    try {
      return { image: withDefaultTag(image), userSpecified: image, runtimeHandler: sandbox.runtimeHandler };
    } catch (error) {
      const message = `Failed to apply default image tag "${image}": ${(error as Error).message}`;
      this.#options.recorder.event(reference, 'Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message);
    }
  }

  async #inspect(spec: ImageSpec, { reference }: ImageRequest): Promise<Image | undefined> {
    try {
      return await this.#options.runtime.image(spec);
    } catch (error) {
      const message = `Failed to inspect image "": ${(error as Error).message}`;
      this.#options.recorder.event(reference, 'Warning', 'InspectFailed', message);
      throw new ImageError('ImageInspectError', message);
    }
  }

  async #pull(request: ImageRequest, spec: ImageSpec, sandbox: SandboxConfig): Promise<string> {
    const { pod, image, reference } = request;
    const { recorder, world } = this.#options;
    const key = `${pod.metadata.uid}_${image}`;
    const failure = this.#failures.get(key);
    if (failure && world.clock.now() - failure.at < failure.pauseMs) {
      const message = `Back-off pulling image "${image}"`;
      recorder.event(reference, 'Normal', 'BackOff', message);
      throw new ImageError('ImagePullBackOff', `${message}: ${failure.message}`, failure.at + failure.pauseMs);
    }
    recorder.event(reference, 'Normal', 'Pulling', `Pulling image "${image}"`);
    const began = world.clock.now();
    try {
      const { ref, tookMs, size } = await this.#inTurn(() => this.#pulled(pod, spec, sandbox));
      this.#failures.delete(key);
      const all = formatDuration(world.clock.now() - began);
      const message = `Successfully pulled image "${image}" in ${formatDuration(tookMs)} (${all} including waiting). Image size: ${size} bytes.`;
      recorder.event(reference, 'Normal', 'Pulled', message);
      return ref;
    } catch (error) {
      throw this.#failed(request, key, error as Error);
    }
  }

  async #pulled(pod: Pod, spec: ImageSpec, sandbox: SandboxConfig) {
    const { runtime, world, credentials, records } = this.#options;
    const { repository } = parseReference(spec.image);
    const all: readonly (PullCredentials | undefined)[] = await credentials(pod, repository);
    const began = world.clock.now();
    const errors: string[] = [];
    await records?.begin(spec.image);
    let refused = true;
    try {
      for (const one of all.length > 0 ? all : [undefined]) {
        try {
          const ref = await runtime.pullImage(spec, one, sandbox);
          const tookMs = world.clock.now() - began;
          const image = await runtime.image({ ...spec, image: ref });
          await records?.succeeded(spec.image, image?.id ?? ref, one);
          refused = false;
          return { ref, tookMs, size: image?.size ?? 0 };
        } catch (error) {
          if (all.length <= 1) throw error;
          errors.push((error as Error).message);
        }
      }
      throw new RuntimeError('Failed', aggregateText(errors));
    } finally {
      if (refused) await records?.failed(spec.image);
    }
  }

  #failed({ image, reference }: ImageRequest, key: string, error: Error): ImageError {
    const { recorder, world } = this.#options;
    recorder.event(reference, 'Warning', 'Failed', `Failed to pull image "${image}": ${error.message}`);
    const { reason, message } = explained(image, error);
    const now = world.clock.now();
    const before = this.#failures.get(key);
    const fresh = !before || now - before.at > 2 * MAX_PAUSE_MS;
    const pauseMs = fresh ? FIRST_PAUSE_MS : Math.min(MAX_PAUSE_MS, before.pauseMs * 2);
    this.#failures.set(key, { pauseMs, at: now, message: `${reason}: ${message}` });
    return new ImageError(reason, message, now + pauseMs);
  }

  #inTurn<T>(pull: () => Promise<T>): Promise<T> {
    return this.#options.serialize ? this.#pulls.run(pull) : pull();
  }
}

function explained(image: string, error: Error): { reason: string; message: string } {
  const code = error instanceof RuntimeError ? error.code : 'Failed';
  const rest = error.message.replace(/^\w+(?=: )/, '');
  if (code === 'RegistryUnavailable') {
    return { reason: code, message: `image pull failed for ${image} because the registry is unavailable${rest}` };
  }
  if (code === 'SignatureValidationFailed') {
    return { reason: code, message: `image pull failed for ${image} because the signature validation failed${rest}` };
  }
  return { reason: 'ErrImagePull', message: error.message };
}
