/**
 * How a text is found again in another package's comments, where its line breaks are spaces: by a fingerprint of its words,
 * with the gaps between words that were no single space noted apart.
 */
import { createHash } from 'node:crypto';

/** Single spaces between the words, none around them. */
export function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** 48 bits of SHA-256 over the words, in base64url. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(squeeze(text)).digest('base64url').slice(0, 8);
}

/** Pairs of a word's number and the white space before it, where that is not one space. */
export function gapsOf(text: string): (number | string)[] {
  const words = text.split(/\s+/);
  const gaps = text.match(/\s+/g) ?? [];
  const isLed = words[0] === '' ? 1 : 0;
  return gaps.flatMap((gap, i) => (gap === ' ' && i + 1 < words.length ? [] : [i + 1 - isLed, gap]));
}

/** The inverse: the text with its gaps. */
export function withGaps(squeezed: string, gaps: readonly (number | string)[]): string {
  const words = squeezed.split(' ');
  const at = new Map<number, string>();
  for (let i = 0; i < gaps.length; i += 2) at.set(gaps[i] as number, gaps[i + 1] as string);
  const tail = at.get(words.length) ?? '';
  return words.map((word, i) => `${at.get(i) ?? (i === 0 ? '' : ' ')}${word}`).join('') + tail;
}
