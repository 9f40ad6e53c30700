/** Texts that came lately, and those before them: one of both is as good, and a map forgets much at once for less than a bit each time. */
const MANY = 2000;
let recent = new Map<string, string>();
let before = new Map<string, string>();

/** The same text, of which there is one string in memory if it has come lately: parsing makes a new one each time. */
export function sharedText(text: string): string {
  const found = recent.get(text);
  if (found !== undefined) return found;
  const shared = before.get(text) ?? text;
  if (recent.size === MANY) {
    before = recent;
    recent = new Map();
  }
  recent.set(shared, shared);
  return shared;
}

/** Makes the values of labels, say, texts that objects share. @returns what it was given */
export function withSharedTexts(values: Record<string, string>): Record<string, string> {
  for (const key in values) values[key] = sharedText(values[key]!);
  return values;
}
