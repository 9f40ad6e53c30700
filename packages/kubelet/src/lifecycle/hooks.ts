/** postStart and preStop (pkg/kubelet/lifecycle/handlers.go). */
import type { LifecycleHandler, Pod } from '@keelson/api/generated/types/core/v1';
import { type EventRecorder, sleep, type World } from '@keelson/client';
import { formatPod, type PodContainer } from '../pods/spec.ts';
import { get, httpTarget } from '../probes/http.ts';
import type { Streams } from '../runtime/streams.ts';

export interface HookRequest {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly containerId: string;
  readonly handler: LifecycleHandler;
  readonly podIp: string;
}

export interface HookRunner {
  /** @throws Error with a message for the container's status; it may tell secrets, and is no event's */
  run(request: HookRequest, signal: AbortSignal): Promise<void>;
}

export interface HookOptions {
  readonly runtime: Pick<Streams, 'execSync'>;
  readonly world: World;
  readonly recorder: EventRecorder;
}

/** A hook has as long as its container; only connections are not waited for forever. */
const HTTP_TIMEOUT_MS = 30_000;

/** Runs the hooks of containers (pkg/kubelet/lifecycle/handlers.go). */
export function hookRunner({ runtime, world, recorder }: HookOptions): HookRunner {
  const exec = async (containerId: string, command: readonly string[]) => {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, 0);
    if (exitCode === 0) return;
    const output = Buffer.concat([stdout, stderr]).toString();
    throw new Error(
      `error: command '${command.join(' ')}' exited with ${exitCode}: ${output}, message: ${JSON.stringify(output)}`,
    );
  };
  const http = async ({ pod, container, handler, podIp }: HookRequest, signal: AbortSignal) => {
    const target = httpTarget(handler.httpGet!, container.spec, podIp, 'lifecycle');
    try {
      await get(target, HTTP_TIMEOUT_MS, signal);
    } catch (error) {
      if (!target.url.startsWith('https:') || !isPlainHttp(error)) throw error;
      const { authorization: _, ...headers } = target.headers;
      await get({ url: target.url.replace(/^https:/, 'http:'), headers }, HTTP_TIMEOUT_MS, signal);
      const { host } = new URL(target.url);
      const message = `request to HTTPS lifecycle hook ${host} got HTTP response, retry with HTTP succeeded`;
      recorder.event(pod, 'Warning', 'LifecycleHTTPFallback', message);
    }
  };
  const rest = (seconds: number, signal: AbortSignal) =>
    sleep(world.clock, seconds * 1000, signal).catch(() => {
      throw new Error('container terminated before sleep hook finished');
    });
  return {
    async run(request, signal) {
      const { handler, container, containerId, pod } = request;
      const told = (what: string) => (error: Error) => {
        const name = `Container "${container.spec.name}" in Pod "${formatPod(pod)}"`;
        throw new Error(`${what} for ${name} failed - error: ${error.message}`, { cause: error });
      };
      if (handler.exec) {
        const command = handler.exec.command ?? [];
        await exec(containerId, command).catch(told(`Exec lifecycle hook ([${command.join(' ')}])`));
      } else if (handler.httpGet) {
        await http(request, signal).catch(told(`HTTP lifecycle hook (${handler.httpGet.path ?? ''})`));
      } else if (handler.sleep) {
        await rest(handler.sleep.seconds, signal).catch(told(`Sleep lifecycle hook (${handler.sleep.seconds})`));
      } else {
        throw new Error(`Cannot run handler: invalid handler: ${JSON.stringify(handler)}`);
      }
    },
  };
}

/** Whether who was spoken to in TLS answered in plain HTTP. */
function isPlainHttp(error: unknown): boolean {
  const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
  return (
    cause?.code === 'EPROTO' ||
    cause?.code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    cause?.code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
  );
}
