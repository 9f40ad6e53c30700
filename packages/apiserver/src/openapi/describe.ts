/** The documentation of single fields of built-in types: what describes the columns of tables. */
import { loadOpenApiDataSync } from './data.ts';
import type { OpenApiData } from './notation.ts';

/** What was asked for; the rest is not kept. */
const known = new Map<string, string>();
let recent: WeakRef<OpenApiData> | undefined;

/**
 * The first question reads all texts (some 15 ms), which are forgotten again soon.
 * @param type `io.k8s.api.core.v1.Pod`
 * @returns '' where there is no text
 */
export function describeField(type: string, field: string): string {
  const key = `${type}.${field}`;
  let text = known.get(key);
  if (text === undefined) {
    const { schemas, texts } = data();
    text = texts[schemas[type]?.p?.[field]?.d ?? 0] ?? '';
    known.set(key, text);
  }
  return text;
}

function data(): OpenApiData {
  const held = recent?.deref();
  if (held) return held;
  const loaded = loadOpenApiDataSync();
  recent = new WeakRef(loaded);
  return loaded;
}
