/** /flagz: the flags that the server runs with (apiserver/pkg/server/flagz). */
import type { Page } from './page.ts';

/** @param flags their values as text, by name */
export function flagz(component: string, flags: Readonly<Record<string, string>>): Page {
  const sorted = Object.keys(flags).sort();
  return {
    kind: 'Flagz',
    component,
    text: () => sorted.map((name) => `${name}=${flags[name]}\n`).join(''),
    fields: () => ({ flags: Object.fromEntries(sorted.map((name) => [name, flags[name]])) }),
  };
}
