/** A priority level in use, and what its configuration means. */
import type { PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import { canDeal } from './dealer.ts';
import { DroppedRequests } from './dropped.ts';
import { type Demand, type Limits, NO_DEMAND } from './limits.ts';
import { type Discipline, QueueSet } from './queueset.ts';

export const EXEMPT = 'exempt';

export class PriorityLevel {
  readonly name: string;
  object: PriorityLevelConfiguration;
  discipline: Discipline;
  readonly queues: QueueSet;
  readonly dropped = new DroppedRequests();
  /** Of one request; 0: no bound of the level's own. */
  maxSeats = 0;
  limits: Limits = { nominal: 0, min: 0, max: 0 };
  /** What it has now, what it borrowed counted in. */
  seats = 0;
  /** What it would be given if there were enough. */
  target = 0;
  demand: Demand = NO_DEMAND;
  /** It is configured no more, and goes when its requests have ended. */
  quiescing = false;

  constructor(object: PriorityLevelConfiguration, discipline: Discipline, now: number) {
    this.name = object.metadata.name ?? '';
    this.object = object;
    this.discipline = discipline;
    this.queues = new QueueSet(now);
  }

  get isExempt(): boolean {
    return this.discipline.kind === 'exempt';
  }
}

/** Undefined for a configuration that makes no sense, which is treated as if there were none. */
export function disciplineOf({ metadata, spec }: PriorityLevelConfiguration): Discipline | undefined {
  const isExempt = spec.type === 'Exempt';
  if (isExempt !== (metadata.name === EXEMPT) || isExempt !== isSet(spec.exempt)) return undefined;
  if ((spec.type === 'Limited') !== isSet(spec.limited)) return undefined;
  if (isExempt) return { kind: 'exempt' };
  const response = spec.limited?.limitResponse;
  const queuing = response?.queuing;
  if (response === undefined || (response.type === 'Reject') !== !isSet(queuing)) return undefined;
  if (!queuing) return { kind: 'reject' };
  const { queues, handSize, queueLengthLimit } = queuing;
  if (queues <= 0) return { kind: 'reject' };
  return canDeal(queues, handSize) ? { kind: 'queue', queues, handSize, queueLengthLimit } : undefined;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
