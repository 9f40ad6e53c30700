/** events.k8s.io/v1 is another spelling of core/v1's Event. Compare pkg/apis/events/v1/conversion.go. */
import type { KubeObject } from '@keelson/api/object';
import type { VersionConversion } from '../../strategy.ts';

/** Names in events.k8s.io and in core, in the order in which events.k8s.io writes them. */
const NAMES: readonly (readonly [events: string, core: string])[] = [
  ['metadata', 'metadata'],
  ['eventTime', 'eventTime'],
  ['series', 'series'],
  ['reportingController', 'reportingComponent'],
  ['reportingInstance', 'reportingInstance'],
  ['action', 'action'],
  ['reason', 'reason'],
  ['regarding', 'involvedObject'],
  ['related', 'related'],
  ['note', 'message'],
  ['type', 'type'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

export const conversion: VersionConversion = {
  toStorage(obj) {
    const event: KubeObject = { kind: 'Event', apiVersion: 'v1', metadata: obj.metadata };
    for (const [from, to] of NAMES) if (obj[from] !== undefined) event[to] = obj[from];
    // These two core writes even when they are empty.
    event.reportingComponent ??= '';
    event.reportingInstance ??= '';
    return event;
  },
  fromStorage(obj) {
    const event: KubeObject = { kind: 'Event', apiVersion: 'events.k8s.io/v1', metadata: obj.metadata };
    for (const [to, from] of NAMES) if (obj[from] !== undefined && obj[from] !== '') event[to] = obj[from];
    return event;
  },
};
