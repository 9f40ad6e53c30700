/** /debug/api_priority_and_fairness/*: what waits and what is served, as tables (…/flowcontrol/apf_controller_debug.go). */

import { apiVersionOf } from '@keelson/api/object';
import { formatDuration } from '@keelson/component/go/duration';
import { type Answer, type PathRequest, textAnswer } from '../http/answer.ts';
import type { FlowController } from './controller.ts';
import type { PriorityLevel } from './level.ts';
import type { Queue } from './queue.ts';
import type { FlowRequest } from './request.ts';

const ROOT = '/debug/api_priority_and_fairness/';
const MIN_WIDTH = 8;

/** Undefined for other paths. Any method will do. */
export function serveDump(controller: FlowController, { path, query }: PathRequest): Answer | undefined {
  if (!path.startsWith(ROOT)) return undefined;
  const rows = rowsOf(
    path.slice(ROOT.length),
    [...controller.levels],
    (query.get('includeRequestDetails') ?? '') !== '',
  );
  if (rows === undefined) return undefined;
  const { status, body } = textAnswer(200, aligned(rows));
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

type Row = readonly (string | number | boolean)[];

function rowsOf(what: string, levels: readonly PriorityLevel[], details: boolean): Row[] | undefined {
  switch (what) {
    case 'dump_priority_levels':
      return [LEVEL_COLUMNS, ...[...levels].sort((a, b) => (a.name < b.name ? -1 : 1)).map(levelRow)];
    case 'dump_queues':
      return [QUEUE_COLUMNS, ...levels.flatMap((level) => level.queues.queues.map((q, i) => queueRow(level, q, i)))];
    case 'dump_requests':
      return [
        details ? [...REQUEST_COLUMNS, ...DETAIL_COLUMNS] : REQUEST_COLUMNS,
        ...levels.flatMap((level) => requestRows(level, details)),
      ];
  }
}

const LEVEL_COLUMNS = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
];

function levelRow({ name, queues, quiescing }: PriorityLevel): Row {
  const active = queues.queues.filter(({ waiting }) => waiting.length > 0).length;
  const { dispatched, refused, cancelled } = queues.totals;
  const running = queues.executing.size;
  return [name, active, queues.idle, quiescing, queues.waiting, running, dispatched, refused, 0, cancelled];
}

const QUEUE_COLUMNS = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
  'InitialSeatsSum',
  'MaxSeatsSum',
  'TotalWorkSum',
];

function queueRow({ name }: PriorityLevel, queue: Queue, index: number): Row {
  const { waiting, executing, seatsInUse, seatsWaiting, nextStart, effortWaiting } = queue;
  const initial = waiting.reduce((sum, { work }) => sum + work.seats, 0);
  const ss = (seatSeconds: number): string => `${seatSeconds.toFixed(8)}ss`;
  return [name, index, waiting.length, executing, seatsInUse, ss(nextStart), initial, seatsWaiting, ss(effortWaiting)];
}

const REQUEST_COLUMNS = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
  'StartTime',
];
const DETAIL_COLUMNS = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

function requestRows(level: PriorityLevel, details: boolean): Row[] {
  const { queues, executing } = level.queues;
  const waiting = queues.flatMap((queue, i) => queue.waiting.map((r, j) => requestRow(level, r, i, j, details)));
  const running = [...executing].map((r) => {
    const index = r.queue === undefined ? -1 : queues.indexOf(r.queue);
    return requestRow(level, r, index, -1, details);
  });
  return [...waiting, ...running];
}

function requestRow({ name }: PriorityLevel, r: FlowRequest, queue: number, index: number, details: boolean): Row {
  const { asked, flow, tally, work } = r;
  const row = [
    name,
    tally.schema,
    queue,
    index,
    flow.distinguisher,
    time(r.arrivedAt),
    work.seats,
    work.finalSeats,
    formatDuration(r.lingerMs),
    r.startedAt === 0 ? '0001-01-01T00:00:00Z' : time(r.startedAt),
  ];
  if (!details) return row;
  const { user, info } = asked;
  const apiVersion = apiVersionOf({ group: info.apiGroup, version: info.apiVersion });
  const { verb, path, namespace, resource, subresource } = info;
  return [...row, user.name, verb, path, namespace, info.name, apiVersion, resource, subresource];
}

/** RFC 3339 without zeros at the end. */
function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}

/** As Go's tabwriter sets them: every column but the last as wide as its widest cell, and a blank. */
function aligned(rows: readonly Row[]): string {
  const texts = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : String(cell))));
  const columns = texts[0]!.length;
  const widths = Array.from({ length: columns - 1 }, (_, i) =>
    texts.reduce((width, row) => Math.max(width, row[i]!.length + 1), MIN_WIDTH),
  );
  return texts.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}\n`).join('');
}
