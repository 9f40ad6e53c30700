/** The conditions of a status: what each of them says, and since when. */
import { formatTime } from './time.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string | null;
}

/**
 * Puts a condition in the place of the one of its type, or at the end. The time of its last transition stays as long as its
 * status does (apimachinery/pkg/api/meta SetStatusCondition).
 * @returns a new list, or the same where it says so already
 */
export function withCondition<C extends Condition>(
  conditions: C[],
  condition: Omit<C, 'lastTransitionTime'> & Pick<Condition, 'type' | 'status'>,
  now: Date,
): C[] {
  const before = conditions.find(({ type }) => type === condition.type);
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
  const isSaid = since && Object.entries(condition).every(([field, value]) => before?.[field as keyof C] === value);
  if (isSaid) return conditions;
  const next = { ...condition, lastTransitionTime: since ?? formatTime(now) } as unknown as C;
  return before ? conditions.map((each) => (each === before ? next : each)) : [...conditions, next];
}
