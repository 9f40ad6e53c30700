/** Results that cost few units may be large all the same: what would fill the memory is refused. */
import { failure } from './errors.ts';

const MAX_TEXT = 32 * 1024 * 1024;
const MAX_ITEMS = 4_000_000;

/** The length of a text that is about to be made. @throws EvaluationError */
export function checkText(length: number): number {
  if (length > MAX_TEXT) throw failure('result is too large');
  return length;
}

/** The length of a list that is about to be made. @throws EvaluationError */
export function checkItems(size: number): number {
  if (size > MAX_ITEMS) throw failure('result is too large');
  return size;
}
