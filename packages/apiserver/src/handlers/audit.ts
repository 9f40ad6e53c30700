/** What handlers tell the audit event of a request of their answers, where its level asks for them. */

import { atOnce } from '@keelson/api/pieces';
import { isTooLargeForAudit } from '../audit/event.ts';
import { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';
import type { Body, ListMeta, Representation } from './representation.ts';
import { representationFor } from './representations.ts';
import type { Scope } from './scope.ts';

/** @param of the answer as JSON, whatever the client gets */
export function auditAnswer(scope: Scope, of: (json: Representation) => Body): void {
  const { audit } = scope.ctx;
  if (!audit?.wantsResponse) return;
  const body = of(inJson(scope));
  audit.responseObject(Buffer.isBuffer(body) ? body : atOnce(body));
}

/** @param estimate of its size in bytes: a large one is left out */
export function auditList(scope: Scope, items: readonly CachedObject[], meta: ListMeta, estimate: number): void {
  const { audit } = scope.ctx;
  if (!audit?.wantsResponse) return;
  if (isTooLargeForAudit(estimate)) audit.leaveOut();
  else audit.responseObject(listJson(inJson(scope), items, meta));
}

function inJson(scope: Scope): Representation {
  return representationFor({ ...scope, output: { ...scope.output, mediaType: 'application/json', pretty: false } });
}

function listJson(representation: Representation, items: readonly CachedObject[], meta: ListMeta): Buffer {
  const out = new ChunkWriter();
  for (const _ of representation.list(items, meta, out));
  return out.whole();
}
