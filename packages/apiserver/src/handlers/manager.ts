/** Who is taken for the manager of the fields that a request writes (handlers/create.go managerOrUserAgent). */
import { headerOf } from '../http/answer.ts';
import type { Scope } from './scope.ts';

const MAX_CHARACTERS = 128;

/** The name that the client gave, else the first word of its user agent, printable and bounded. */
export function managerOf(scope: Scope, fieldManager: string): string {
  if (fieldManager !== '') return fieldManager;
  const agent = headerOf(scope.ctx.exchange.headers, 'user-agent').split('/')[0] ?? '';
  let name = '';
  let count = 0;
  for (const char of agent) {
    if (count === MAX_CHARACTERS) break;
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) continue;
    name += char;
    count++;
  }
  return name;
}
