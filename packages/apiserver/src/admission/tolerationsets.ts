/** Tolerations, where one may say as much as several (pkg/util/tolerations). */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { Toleration } from '@keelson/api/generated/types/core/v1';

/** Both lists, without those that another one covers. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    const later = all.slice(i + 1).filter((other) => !semanticEqual(other, toleration));
    if (![...merged, ...later].some((other) => covers(other, toleration))) merged.push(toleration);
  }
  return merged;
}

/** Whether whatever `narrow` tolerates, `wide` does too. */
export function covers(wide: Toleration, narrow: Toleration): boolean {
  if (semanticEqual(wide, narrow)) return true;
  const everyKey = !wide.key && wide.operator === 'Exists';
  if ((wide.key ?? '') !== (narrow.key ?? '') && !everyKey) return false;
  if (wide.effect && wide.effect !== narrow.effect) return false;
  if (wide.effect === 'NoExecute' && isShorter(wide.tolerationSeconds, narrow.tolerationSeconds)) return false;
  if (wide.operator === 'Exists') return true;
  if (wide.operator && wide.operator !== 'Equal') return false;
  return narrow.operator === 'Equal' && (wide.value ?? '') === (narrow.value ?? '');
}

/** Without a number it is forever. */
function isShorter(wide: number | null | undefined, narrow: number | null | undefined): boolean {
  if (wide === undefined || wide === null) return false;
  return narrow === undefined || narrow === null || narrow > wide;
}
