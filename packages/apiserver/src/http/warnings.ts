/** `Warning` headers (k8s.io/apiserver/pkg/endpoints/filters/warning.go, k8s.io/apimachinery/pkg/util/net NewWarningHeader). */

/** When all together are longer, each is cut. */
const MAX_TOTAL = 4 * 1024;
const MAX_ITEM = 256;

/**
 * A header for each text, in order; lengths are in characters. A text with control characters is left out.
 * @param texts without doubles
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const headers: string[] = [];
  let written = 0;
  for (const text of texts) {
    const header = headerOf(text);
    if (header === undefined) continue;
    written += lengthOf(text);
    if (written > MAX_TOTAL) return cut(texts.slice(0, texts.indexOf(text) + 1), texts);
    headers.push(header);
  }
  return headers;
}

/** Those until the limit was met are all sent, those that follow as long as there is room. */
function cut(known: readonly string[], texts: readonly string[]): string[] {
  const headers: string[] = [];
  let written = 0;
  for (const [i, text] of texts.entries()) {
    if (i >= known.length && written >= MAX_TOTAL) break;
    const short = lengthOf(text) > MAX_ITEM ? [...text].slice(0, MAX_ITEM).join('') : text;
    const header = headerOf(short);
    if (header === undefined) continue;
    written += lengthOf(short);
    headers.push(header);
  }
  return headers;
}

function headerOf(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  return Buffer.from(`299 - "${text.replace(/["\\]/g, '\\$&')}"`).toString('latin1');
}

function lengthOf(text: string): number {
  return text.length <= MAX_ITEM ? text.length : [...text].length;
}
