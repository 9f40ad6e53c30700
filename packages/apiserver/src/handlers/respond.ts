/** The answer to a write: the object in the form asked for, or a Status. */
import type { Status } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { auditAnswer } from './audit.ts';
import { representationFor } from './representations.ts';
import type { Scope } from './scope.ts';
import { sendWhole } from './send.ts';
import { statusBody } from './status.ts';

/** @param body an object in the storage version, or a Status of success */
export async function sendObject(scope: Scope, status: number, body: KubeObject | Status): Promise<void> {
  const { ctx } = scope;
  if (isStatus(body)) {
    ctx.audit?.responseStatus(body);
    const { contentType, body: bytes } = statusBody(ctx, body, scope.output);
    return sendWhole(ctx, status, { 'content-type': contentType }, bytes);
  }
  auditAnswer(scope, (json) => json.object(body));
  const representation = representationFor(scope, 'object');
  await sendWhole(ctx, status, { 'content-type': representation.contentType }, representation.object(body));
}

function isStatus(body: KubeObject | Status): body is Status {
  return body.kind === 'Status' && body.apiVersion === 'v1';
}
