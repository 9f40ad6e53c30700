import { managerOf as managerName } from '@keelson/api/apply/manager';
import { headerOf } from '../http/answer.ts';
import type { Scope } from './scope.ts';

/** Who is taken for the manager of the fields that a request writes. */
export function managerOf(scope: Scope, fieldManager: string): string {
  return managerName(fieldManager, headerOf(scope.ctx.exchange.headers, 'user-agent'));
}
