/** Where two answers differ. */
import { isDeepStrictEqual } from 'node:util';
import type { Answer } from './wire.ts';

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { reason: string; message: string; field: string }[] };
}

export interface Difference {
  /** Equal for what is probably the same mistake. */
  readonly outline: string;
  readonly details: readonly string[];
  /** The same findings, in another order. */
  readonly isOrder: boolean;
}

/** Nothing where they are equal. */
export function difference(want: Answer, got: Answer): Difference | undefined {
  const text = outlined(want, got);
  if (text === undefined) return undefined;
  const [wanted, given] = [causesOf(want), causesOf(got)];
  const [missing, extra] = [without(wanted, given), without(given, wanted)];
  const details = missing.length === 1 && extra.length === 1 ? aligned(missing[0]!, extra[0]!) : signed(missing, extra);
  const isOrder = text.startsWith('order');
  const first = wanted.findIndex((cause, i) => cause !== given[i]);
  return { outline: text, details: isOrder ? signed([wanted[first]!], [given[first]!]) : details, isOrder };
}

function signed(missing: readonly string[], extra: readonly string[]): string[] {
  return [...missing.map((text) => `- ${text}`), ...extra.map((text) => `+ ${text}`)];
}

/** From a little before the place where they begin to differ. */
function aligned(missing: string, extra: string): string[] {
  let at = 0;
  while (at < missing.length && missing[at] === extra[at]) at++;
  const from = Math.max(0, at - 60);
  const field = from === 0 ? '' : `${missing.slice(0, missing.indexOf(' '))} … `;
  return signed([field + missing.slice(from)], [field + extra.slice(from)]);
}

function outlined(want: Answer, got: Answer): string | undefined {
  if (isDeepStrictEqual(want, got)) return undefined;
  if (want.status !== got.status) return `${outline(want)}  BUT  ${outline(got)}`;
  if (want.status >= 400) {
    const [wanted, given] = [causesOf(want), causesOf(got)];
    const missing = generals(without(wanted, given));
    const extra = generals(without(given, wanted));
    if (missing.length + extra.length > 0)
      return [...missing.map((text) => `missing ${text}`), ...extra.map((text) => `extra ${text}`)].join(' | ');
    if (!isDeepStrictEqual(wanted, given)) return `order of ${wanted.map(general).join(' | ')}`;
  }
  return pathsThatDiffer(want, got).slice(0, 6).join(' | ');
}

function outline(answer: Answer): string {
  if (answer.status < 400) return String(answer.status);
  return `${answer.status} ${[...new Set(causesOf(answer).map(general))].join(' | ')}`;
}

function causesOf({ body, status }: Answer): string[] {
  if (status < 400) return [];
  const { details, message, reason } = body as Status;
  return (
    details?.causes?.map((cause) => `${cause.field}: ${cause.reason}: ${cause.message}`) ?? [`${reason}: ${message}`]
  );
}

/** Multisets. */
function without(all: readonly string[], less: readonly string[]): string[] {
  const rest = [...less];
  return all.filter((text) => {
    const at = rest.indexOf(text);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function generals(texts: readonly string[]): string[] {
  return [...new Set(texts.map(general))];
}

/** Without indices and values. */
function general(text: string): string {
  return text
    .replace(/\[[^\]]*\]/g, '[]')
    .replace(/Invalid value: (".*?[^\\]"|\S+?):/gs, 'Invalid value: …:')
    .replace(/"[^"]*"/g, '"…"')
    .slice(0, 250);
}

/** `/spec/x: want 1 got 2` */
export function pathsThatDiffer(want: unknown, got: unknown, at = ''): string[] {
  if (isDeepStrictEqual(want, got)) return [];
  if (typeof want !== 'object' || typeof got !== 'object' || want === null || got === null)
    return [`${at.replace(/\/\d+/g, '/#')}: want ${short(want)} got ${short(got)}`];
  const keys = new Set([...Object.keys(want), ...Object.keys(got)]);
  return [...keys].flatMap((key) =>
    pathsThatDiffer((want as Record<string, unknown>)[key], (got as Record<string, unknown>)[key], `${at}/${key}`),
  );
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
