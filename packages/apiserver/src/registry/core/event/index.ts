import type { Event } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { eventStrategy } from './strategy.ts';

const FIELD_LABELS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
  'metadata.namespace',
  'metadata.name',
];

/** @param ttlSeconds how long events are kept (kube-apiserver's --event-ttl) */
export function makeEventRegistration(ttlSeconds: number): KindRegistration<Event> {
  return { strategy: eventStrategy(ttlSeconds), table, fieldLabels: { supported: FIELD_LABELS }, isUncached: true };
}
