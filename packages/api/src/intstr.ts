/** Numbers or percentages: ports, maxSurge, minAvailable (k8s.io/apimachinery/pkg/util/intstr). */
import { quote } from './field.ts';
import type { IntOrString } from './scalars.ts';

/**
 * A count out of a number or a percentage of `total`.
 * @param roundUp where the percentage gives a fraction: up, else down
 * @throws Error with upstream's message where a string is no percentage
 */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const scaled = (percentOf(value) * total) / 100;
  return roundUp ? Math.ceil(scaled) : Math.floor(scaled);
}

/** `25%` → 25 */
function percentOf(value: string): number {
  const invalid = (why: string): Error => new Error(`invalid value for IntOrString: invalid type: ${why}`);
  if (!value.endsWith('%')) throw invalid('string is not a percentage');
  const digits = value.slice(0, -1);
  if (/^[+-]?\d+$/.test(digits)) return Number(digits);
  throw new Error(
    `invalid value for IntOrString: invalid value ${quote(value)}: strconv.Atoi: parsing ${quote(digits)}: invalid syntax`,
  );
}
