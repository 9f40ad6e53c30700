/** `/containerLogs/NAMESPACE/POD/CONTAINER` (getContainerLogs in pkg/kubelet/server/server.go). */
import type http from 'node:http';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { HttpError } from '@keelson/component/serving/server';
import { containerOf } from '../pods/spec.ts';
import type { KubeletView } from '../view.ts';
import { type LogOptions, readLog } from './logs.ts';

/** Something that a request names in its path. */
export interface Target {
  readonly pod: Pod;
  readonly container: string;
}

/** @param query upstream's PodLogOptions. @throws HttpError before anything is sent, for what is not there or makes no sense */
export async function sendContainerLogs(
  view: KubeletView,
  { pod, container }: Target,
  query: URLSearchParams,
  response: http.ServerResponse,
): Promise<void> {
  const { clock } = view.world;
  if (!containerOf(pod, container)) {
    const [what, where] = [JSON.stringify(container), JSON.stringify(pod.metadata.name)];
    throw new HttpError(404, `container ${what} not found in pod ${where}`);
  }
  const options = logOptions(query, clock.now());
  const previous = query.get('previous') === 'true';
  const status = await view.container(pod, container, previous);
  if (!status) throw new HttpError(400, noLogs(pod, container, previous));
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const following = {
    clock,
    signal: gone.signal,
    isRunning: async () => (await view.container(pod, container))?.state.type === 'running' && !previous,
  };
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  for await (const chunk of readLog(status.log, options, following)) {
    if (gone.signal.aborted) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function noLogs({ metadata: { name }, status }: Pod, container: string, previous: boolean): string {
  const [what, pod] = [JSON.stringify(container), JSON.stringify(name)];
  if (previous) return `previous terminated container ${what} in pod ${pod} not found`;
  const all = [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses].flatMap(
    (list) => list ?? [],
  );
  const known = all.find((each) => each.name === container);
  if (!known) return `container ${what} in pod ${pod} is not available`;
  const reason = known.state?.waiting?.reason;
  if (reason === 'ErrImagePull') return `container ${what} in pod ${pod} is waiting to start: image can't be pulled`;
  if (reason === 'ImagePullBackOff')
    return `container ${what} in pod ${pod} is waiting to start: trying and failing to pull image`;
  if (known.state?.terminated) return `container ${what} in pod ${pod} is terminated`;
  return reason === undefined
    ? `container ${what} in pod ${pod} is waiting to start - no logs yet`
    : `container ${what} in pod ${pod} is waiting to start: ${reason}`;
}

/** @throws HttpError 422 for what makes no sense */
function logOptions(query: URLSearchParams, now: number): LogOptions {
  const count = (name: string, least: number) => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const number = Number(text);
    if (!Number.isInteger(number) || number < least) throw new HttpError(422, '{"message": "Invalid request."}');
    return number;
  };
  const sinceSeconds = count('sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr')
    throw new HttpError(422, '{"message": "Invalid request."}');
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: count('tailLines', 0),
    limitBytes: count('limitBytes', 1),
    since: sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined,
    stream,
  };
}

function drained(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
}
