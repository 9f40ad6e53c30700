/** What a webhook sends back: the review that it was sent, with its status (client-go/rest Result.Into). */
import { SERIALIZERS } from '@keelson/api/codec/index';
import { type Status, StatusError } from '@keelson/api/errors';
import { parseApiVersion, type TypedObject } from '@keelson/api/object';
import { structType } from '@keelson/api/schema';

/** One of Kubernetes' own. */
export interface ReviewKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const STATUS = structType('io.k8s.apimachinery.pkg.apis.meta.v1.Status');

/**
 * Kind and version may be left out, each field has the type that it has in Go: who trusts a webhook that says `"false"` would
 * take that for a yes.
 * @throws Error, DecodeError for what is no JSON, of another type or something else; StatusError for a Status
 */
export function reviewOf<T extends object>(body: Buffer, expected: ReviewKind): T {
  const said = SERIALIZERS['application/json'].open(body);
  const kind = said.kind || expected.kind;
  const apiVersion = said.apiVersion || `${expected.group}/${expected.version}`;
  const decode = (type: typeof STATUS) => said.decode(type, { strict: false }).object as TypedObject;
  if (kind === 'Status' && apiVersion === 'v1') throw statusOf(decode(STATUS) as Partial<Status>);
  const { group, version } = parseApiVersion(apiVersion);
  if (kind === expected.kind && group === expected.group && version === expected.version)
    return decode(structType(`io.k8s.api.${group.split('.', 1)[0]}.${version}.${kind}`)) as TypedObject as T;
  if (kind === expected.kind && group === expected.group)
    throw new Error(`converting (${version}.${kind}) to (${expected.version}.${kind}): unknown conversion`);
  throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`);
}

function statusOf({ code = 500, reason = '', message = '' }: Partial<Status>): StatusError {
  return new StatusError(code, reason, message);
}
