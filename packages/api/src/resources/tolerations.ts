/** Taints and who tolerates them (staging/src/k8s.io/api/core/v1/toleration.go). */
import type { Taint, Toleration } from '../generated/types/core/v1.ts';

export function tolerates({ effect, key, operator, value }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (!operator || operator === 'Equal') && (value ?? '') === (taint.value ?? '');
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
