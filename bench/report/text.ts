/** Results for people: a block for each workload as soon as it is done. */
import { ratio } from '../workloads/workload.ts';
import { median, type Results, type WorkloadResult } from './results.ts';

const NAME = 26;
const COLUMN = 17;

export function heading(results: Results): string {
  const { machine, servers, raw, load } = results;
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.kernel}; data on ${machine.filesystem}; Node.js ${machine.node}`,
    `load: ${load}, on the same machine`,
    ...servers.map(({ name, version, storage }) => `${name}: ${version}; ${storage}`),
    `raw: http2 echo ${number(raw.echo)}/s; TLS ${number(raw.transfer)} MB/s; fdatasync ${number(raw.fdatasync)}/s; memory ${number(raw.copy)} MB/s`,
  ].join('\n');
}

export function block(workload: WorkloadResult, servers: readonly string[]): string {
  const reference = servers.at(-1)!;
  const compared = servers.slice(0, -1);
  const head = ['', ...servers, ...compared.map((name) => `${name} is`)];
  const lines = workload.figures.map(({ name, unit, values }) => {
    const medians = servers.map((server) => median(values[server] ?? []));
    const ratios = medians.slice(0, -1).map((ours) => times(ratio(unit, ours, medians.at(-1)!)));
    return [name === '' ? 'rate' : name, ...medians.map((value) => `${number(value)} ${unit}`), ...ratios];
  });
  const pauses = Object.entries(workload.pauseMs).map(([name, ms]) => `${name} ${number(ms)} ms`);
  const cpu = Object.entries(workload.cpuSeconds).map(([name, seconds]) => `${name} ${number(seconds)} s`);
  return [
    `\n${workload.name}: ${workload.what}${goalText(workload, reference)}`,
    ...[head, ...lines].map((cells) =>
      cells.map((cell, i) => (i === 0 ? `  ${cell}`.padEnd(NAME) : cell.padStart(COLUMN))).join(''),
    ),
    `  CPU of the server: ${cpu.join(', ')}`,
    ...Object.entries(workload.failures).map(([name, why]) => `  ${name} FAILED: ${why}`),
    ...(pauses.length > 0 ? [`  event loop's longest pause: ${pauses.join(', ')}`] : []),
  ].join('\n');
}

function goalText({ goal }: WorkloadResult, reference: string): string {
  if (!goal) return '';
  const etcd = goal.etcd === undefined || goal.etcd === goal.lmdb ? '' : `, ${goal.etcd} × on etcd`;
  return ` (wanted: ${goal.lmdb} × ${reference}${etcd})`;
}

const times = (value: number) => (Number.isFinite(value) ? `${Number(value.toPrecision(3))} ×` : '–');

export function number(value: number): string {
  return Number.isNaN(value) ? '–' : Number(value.toPrecision(3)).toLocaleString('en');
}
