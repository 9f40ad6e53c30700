import type { Event } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { eventStrategy } from './strategy.ts';

/** @param ttlSeconds how long events are kept (kube-apiserver's --event-ttl) */
export function makeEventRegistration(ttlSeconds: number): KindRegistration<Event> {
  return { strategy: eventStrategy(ttlSeconds), table };
}
