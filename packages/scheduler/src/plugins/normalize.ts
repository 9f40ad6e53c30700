import { MAX_SCORE } from '../framework/plugin.ts';

/** Scales scores so that the highest becomes 100; reversed, the lowest do. */
export function scaleToMax(scores: Float64Array, reversed = false): void {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  if (max === 0) {
    if (reversed) scores.fill(MAX_SCORE);
    return;
  }
  for (let i = 0; i < scores.length; i++) {
    const scaled = Math.trunc((MAX_SCORE * scores[i]!) / max);
    scores[i] = reversed ? MAX_SCORE - scaled : scaled;
  }
}
