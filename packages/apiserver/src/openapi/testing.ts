/** For tests. */
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { atOnce } from '@keelson/api/pieces';
import type { PathAnswer } from '../http/answer.ts';
import { toJson } from './json.ts';
import type { Lazy } from './lazy.ts';

/** A document as JSON; `null` where there is none. */
export function textOf(document: Lazy | undefined): string {
  return document ? Buffer.concat(atOnce(toJson(document))).toString() : 'null';
}

/** The text of an answer that is not compressed. */
export async function bodyOf(answer: PathAnswer | undefined): Promise<string> {
  const { body = '' } = answer ?? {};
  return typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : text(body satisfies Readable);
}
