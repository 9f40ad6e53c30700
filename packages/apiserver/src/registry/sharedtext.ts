import { LRUCache } from 'lru-cache';

/** Of the values that came last, one string each. */
const known = new LRUCache<string, string>({ max: 2000 });

/** The same text, of which there is one string in memory if it has come lately: parsing makes a new one each time. */
export function sharedText(text: string): string {
  const found = known.get(text);
  if (found !== undefined) return found;
  known.set(text, text);
  return text;
}

/** Makes the values of labels, say, texts that objects share. @returns what it was given */
export function withSharedTexts(values: Record<string, string>): Record<string, string> {
  for (const key in values) values[key] = sharedText(values[key]!);
  return values;
}
