/** What a webhook sends back: the review that it was sent, with its status (client-go/rest Result.Into). */
import { StatusError } from '@keelson/api/errors';
import { parseApiVersion } from '@keelson/api/object';

export interface ReviewKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Kind and version may be left out. @throws Error for what is no JSON, or something else; StatusError for a Status */
export function reviewOf<T extends object>(body: Buffer, expected: ReviewKind): T {
  let review: T & { kind?: unknown; apiVersion?: unknown; message?: unknown; code?: unknown; reason?: unknown };
  try {
    review = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new Error(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
  if (typeof review !== 'object' || review === null || Array.isArray(review))
    throw new Error("couldn't get version/kind; json parse error: the answer is no object");
  const { kind = expected.kind, apiVersion = `${expected.group}/${expected.version}` } = review;
  if (kind === 'Status' && apiVersion === 'v1') throw statusOf(review);
  const { group, version } = parseApiVersion(String(apiVersion));
  if (kind === expected.kind && group === expected.group && version === expected.version) return review;
  if (kind === expected.kind && group === expected.group)
    throw new Error(`converting (${version}.${kind}) to (${expected.version}.${kind}): unknown conversion`);
  throw new Error(`no kind "${String(kind)}" is registered for version "${String(apiVersion)}"`);
}

function statusOf({ code, reason, message }: { code?: unknown; reason?: unknown; message?: unknown }): StatusError {
  return new StatusError(Number(code ?? 500), String(reason ?? ''), String(message ?? ''));
}
