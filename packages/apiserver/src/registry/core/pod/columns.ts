import type { ContainerState, ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import { age, ageColumn, type Cell, column, Elapsed, nameColumn, wideColumn } from '../../columns.ts';
import type { TableCells, TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Pod> = {
  columns: [
    nameColumn,
    column('Ready', 'string', 'The aggregate readiness state of this pod for accepting traffic.'),
    column('Status', 'string', 'The aggregate status of the containers in this pod.'),
    column(
      'Restarts',
      'string',
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    ),
    ageColumn,
    wideColumn('IP', 'string', 'core.v1.PodStatus.podIP'),
    wideColumn('Node', 'string', 'core.v1.PodSpec.nodeName'),
    wideColumn('Nominated Node', 'string', 'core.v1.PodStatus.nominatedNodeName'),
    wideColumn('Readiness Gates', 'string', 'core.v1.PodSpec.readinessGates'),
  ],
  row(pod) {
    const { ready, total, reason, restarts } = summarize(pod);
    return {
      cells: [
        pod.metadata.name ?? '',
        `${ready}/${total}`,
        reason,
        restartsCell(restarts),
        age(pod),
        pod.status.podIPs?.[0]?.ip || '<none>',
        pod.spec.nodeName || '<none>',
        pod.status.nominatedNodeName || '<none>',
        readinessGates(pod),
      ],
      ...finished(pod),
    };
  },
};

function finished({ status }: Pod): Pick<TableCells, 'conditions'> {
  const condition = (message: string) => ({
    conditions: [{ type: 'Completed', status: 'True', reason: status.phase!, message }],
  });
  if (status.phase === 'Succeeded') return condition('The pod has completed successfully.');
  return status.phase === 'Failed' ? condition('The pod failed.') : {};
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const passed = gates.filter(
    ({ conditionType }) => status.conditions?.find((c) => c.type === conditionType)?.status === 'True',
  );
  return `${passed.length}/${gates.length}`;
}

/** How often containers were restarted, and when the last of them ended ('' for never). */
class Restarts {
  count = 0;
  last = '';

  add(status: ContainerStatus): void {
    this.count += status.restartCount;
    const ended = status.lastState?.terminated?.finishedAt ?? '';
    if (ended > this.last) this.last = ended;
  }
}

function restartsCell({ count, last }: Restarts): Cell {
  return count === 0 || last === '' ? `${count}` : new Elapsed(Date.parse(last), `${count} (`, ' ago)');
}

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: Restarts;
}

function summarize(pod: Pod): Summary {
  const { spec, status } = pod;
  const init = summarizeInit(pod);
  let reason = status.reason || status.phase || '';
  if (status.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated'))
    reason = 'SchedulingGated';
  let { ready } = init;
  let restarts = init.restarts;
  if (init.reason !== undefined) reason = init.reason;
  if (init.reason === undefined || isTrue(pod, 'Initialized')) {
    const running = summarizeContainers(pod, reason, init.sidecarRestarts);
    ({ reason } = running);
    ready += running.ready;
    restarts = init.sidecarRestarts;
  }
  const terminal = status.phase === 'Failed' || status.phase === 'Succeeded';
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (!terminal) reason = 'Terminating';
  }
  const total = (spec.containers?.length ?? 0) + (spec.initContainers ?? []).filter(isSidecar).length;
  return { ready, total, reason, restarts };
}

/** The reason is undefined when initialization is over. */
function summarizeInit({ spec, status }: Pod): {
  ready: number;
  reason: string | undefined;
  restarts: Restarts;
  sidecarRestarts: Restarts;
} {
  const restarts = new Restarts();
  const sidecarRestarts = new Restarts();
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map((c) => c.name));
  let ready = 0;
  for (const [i, container] of (status.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(container.name);
    restarts.add(container);
    if (sidecar) sidecarRestarts.add(container);
    const { terminated, waiting } = container.state;
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) ready++;
      continue;
    }
    const why = terminated
      ? ending(terminated)
      : waiting?.reason && waiting.reason !== 'PodInitializing'
        ? waiting.reason
        : `${i}/${spec.initContainers?.length ?? 0}`;
    return { ready, reason: `Init:${why}`, restarts, sidecarRestarts };
  }
  return { ready, reason: undefined, restarts, sidecarRestarts };
}

function summarizeContainers(pod: Pod, before: string, restarts: Restarts): { ready: number; reason: string } {
  let reason = before;
  let errorReason = '';
  let ready = 0;
  for (const container of (pod.status.containerStatuses ?? []).toReversed()) {
    restarts.add(container);
    const { waiting, terminated, running } = container.state;
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) {
      reason = ending(terminated);
      if (terminated.exitCode !== 0) errorReason = reason;
    } else if (container.ready && running) ready++;
  }
  if (reason === 'Completed') {
    if (ready > 0 && isTrue(pod, 'Ready')) reason = 'Running';
    else if (errorReason !== '') reason = errorReason;
    else if (ready > 0) reason = 'NotReady';
  }
  return { ready, reason };
}

function ending({ reason, signal, exitCode }: NonNullable<ContainerState['terminated']>): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function isTrue({ status }: Pod, type: string): boolean {
  return (status.conditions ?? []).some((c) => c.type === type && c.status === 'True');
}
