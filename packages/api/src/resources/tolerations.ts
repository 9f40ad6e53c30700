/** Taints and who tolerates them (staging/src/k8s.io/api/core/v1/toleration.go). */
import type { Taint, Toleration } from '../generated/types/core/v1.ts';

export function tolerates({ effect, key, operator, value }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  if (operator === 'Lt' || operator === 'Gt') return isBeyond(taint.value ?? '', operator, value ?? '');
  return (!operator || operator === 'Equal') && (value ?? '') === (taint.value ?? '');
}

const INTEGER = /^(0|-?[1-9]\d*)$/;
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Whether a taint's value is less, or greater, than that of a toleration. What is no number is neither. */
function isBeyond(value: string, operator: 'Lt' | 'Gt', bound: string): boolean {
  if (![value, bound].every((text) => INTEGER.test(text) && BigInt(text) >= LEAST && BigInt(text) <= MOST))
    return false;
  return operator === 'Lt' ? BigInt(value) < BigInt(bound) : BigInt(value) > BigInt(bound);
}

export function toleratesTaint(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  if (tolerations) for (const toleration of tolerations) if (tolerates(toleration, taint)) return true;
  return false;
}

/** Whether a taint keeps the pod off: of those that do not only prefer it elsewhere. */
export function hasUntolerated(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined) {
  if (!taints) return false;
  for (const taint of taints) {
    if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') continue;
    if (!toleratesTaint(tolerations, taint)) return true;
  }
  return false;
}
