/** The audit event of one request, from its arrival to its end (audit.k8s.io/v1 Event; apiserver/pkg/audit/request.go). */
import { encodeJson } from '@keelson/api/codec/json';
import type { Status } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { formatMicroTime } from '@keelson/api/time';
import type { RequestContext } from '../context.ts';
import { headerOf } from '../http/answer.ts';
import type { UserInfo } from '../registry/strategy.ts';
import type { AuditDecision, Level, Stage } from './policy.ts';

const MAX_USER_AGENT = 1024;
/** Bodies that are larger are left out, and an annotation says so. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const TRUNCATED = 'audit.k8s.io/truncated';
const RANKS: Readonly<Record<Level, number>> = { None: 0, Metadata: 1, Request: 2, RequestResponse: 3 };

/** One stage of a request, as it is written. */
export interface AuditEvent {
  readonly level: Level;
  readonly stage: Stage;
  /** With line feed at the end. */
  json(): string;
  /** As an item of a list: without kind and version. */
  item(): string;
  /** Without request and response, however small. */
  withoutBodies(): AuditEvent;
  /** One line for people (`--audit-log-format=legacy`). */
  legacy(): string;
}

type ResponseStatus = Partial<Status> & { readonly metadata: object };

export class AuditRecord {
  readonly decision: AuditDecision;
  readonly #ctx: RequestContext;
  readonly #user: UserInfo;
  #status: ResponseStatus | undefined;
  readonly #object: { name?: string; uid?: string; namespace?: string; resourceVersion?: string } = {};
  #request: string | undefined;
  #response: string | undefined;
  #truncated = false;

  /** To be made before impersonation: it is about who really asks. */
  constructor(ctx: RequestContext, decision: AuditDecision) {
    this.#ctx = ctx;
    this.#user = ctx.user;
    this.decision = decision;
  }

  /** Whether anybody will see the answer's body. */
  get wantsResponse(): boolean {
    return this.#atLeast('RequestResponse');
  }

  /** Whether anybody will see the request's body. */
  get wantsRequest(): boolean {
    return this.#atLeast('Request');
  }

  /** What is to be written. */
  requestObject(object: KubeObject): void {
    const { name, uid, namespace, resourceVersion } = object.metadata ?? {};
    Object.assign(this.#object, {
      ...(name ? { name } : {}),
      ...(uid ? { uid } : {}),
      ...(namespace ? { namespace } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
    });
    if (this.#atLeast('Request')) this.#request = this.#body(encodeJson(object));
  }

  /** Options in the place of an object. */
  requestOptions(options: object): void {
    if (this.#atLeast('Request')) this.#request = this.#body(encodeJson(options));
  }

  /** A patch, as it came. */
  requestBody(body: Buffer): void {
    if (body.length > 0 && this.#atLeast('Request')) this.#request = this.#body(jsonOf(body));
  }

  /** @param json the object or list that is answered, as plain JSON */
  responseObject(json: Buffer): void {
    if (this.wantsResponse) this.#response = this.#body(json);
  }

  /** Instead of an answer that is too large. */
  leaveOut(): void {
    this.#truncated = true;
  }

  /** An answer that is a Status. */
  responseStatus(answer: Status): void {
    const { status, message, reason, details, code } = answer;
    this.#status = {
      metadata: {},
      ...(status ? { status } : {}),
      ...(message ? { message } : {}),
      ...(reason ? { reason } : {}),
      ...(details ? { details } : {}),
      code: code ?? 200,
    };
    if (this.wantsResponse) this.#response = JSON.stringify(answer);
  }

  /** @param message only where nothing else says what became of the request */
  responseCode(code: number, message?: string): void {
    this.#status = { ...this.#status, metadata: {}, ...(message ? { status: 'Success', message } : {}), code };
  }

  at(stage: Stage, now: Date): AuditEvent {
    const ctx = this.#ctx;
    const { info, exchange, receivedAt } = ctx;
    const fields: [string, unknown][] = [
      ['level', this.decision.level],
      ['auditID', ctx.auditId],
      ['stage', stage],
      ['requestURI', exchange.url],
      ['verb', info.verb],
      ['user', userOf(this.#user)],
      ['impersonatedUser', ctx.impersonator ? userOf(ctx.user) : undefined],
      ['authenticationMetadata', constraintOf(ctx)],
      ['sourceIPs', sourceIps(ctx)],
      ['userAgent', userAgent(ctx) || undefined],
      ['objectRef', this.#objectRef()],
      ['responseStatus', this.#status],
    ];
    const tail: [string, unknown][] = [
      ['requestReceivedTimestamp', formatMicroTime(receivedAt)],
      ['stageTimestamp', formatMicroTime(now)],
    ];
    const annotations = { ...ctx.auditAnnotations, ...(this.#truncated ? { [TRUNCATED]: 'true' } : {}) };
    const bodies = { request: this.#request, response: this.#response };
    const legacy = legacyLine(ctx, this.#user, stage, this.#status?.code);
    return eventOf(this.decision.level, stage, { fields, bodies, tail, annotations }, legacy);
  }

  #objectRef(): object | undefined {
    const { info } = this.#ctx;
    if (!info.isResourceRequest) return undefined;
    const { uid, resourceVersion } = this.#object;
    return {
      resource: info.resource || undefined,
      namespace: info.namespace || this.#object.namespace,
      name: info.name || this.#object.name,
      uid,
      apiGroup: info.apiGroup || undefined,
      apiVersion: info.apiVersion || undefined,
      resourceVersion,
      subresource: info.subresource || undefined,
    };
  }

  #atLeast(level: Level): boolean {
    return RANKS[this.decision.level] >= RANKS[level];
  }

  #body(json: Buffer): string | undefined {
    if (isTooLargeForAudit(json.length)) {
      this.leaveOut();
      return undefined;
    }
    const text = onOneLine(json.toString('utf8'));
    return this.decision.omitManagedFields ? withoutManagedFields(text) : text;
  }
}

interface Parts {
  readonly fields: readonly [string, unknown][];
  /** As JSON. */
  readonly bodies: { readonly request: string | undefined; readonly response: string | undefined };
  readonly tail: readonly [string, unknown][];
  readonly annotations: Readonly<Record<string, string>>;
}

function eventOf(level: Level, stage: Stage, parts: Parts, legacy: string): AuditEvent {
  const { fields, bodies, tail, annotations } = parts;
  const content = () => {
    const keys = Object.keys(annotations).sort();
    const sorted = Object.fromEntries(keys.map((key) => [key, annotations[key]]));
    return [
      ...members(fields),
      ...(bodies.request === undefined ? [] : [`"requestObject":${bodies.request}`]),
      ...(bodies.response === undefined ? [] : [`"responseObject":${bodies.response}`]),
      ...members([...tail, ['annotations', keys.length > 0 ? sorted : undefined]]),
    ].join(',');
  };
  return {
    level,
    stage,
    json: () => `{"kind":"Event","apiVersion":"audit.k8s.io/v1",${content()}}\n`,
    item: () => `{${content()}}`,
    withoutBodies: () => {
      const noted = { ...annotations, [TRUNCATED]: 'true' };
      const none = { request: undefined, response: undefined };
      return eventOf(level, stage, { fields, tail, bodies: none, annotations: noted }, legacy);
    },
    legacy: () => legacy,
  };
}

function members(fields: readonly [string, unknown][]): string[] {
  return fields.flatMap(([key, value]) => (value === undefined ? [] : `"${key}":${JSON.stringify(value)}`));
}

function userOf({ name, uid, groups, extra }: UserInfo): object {
  return {
    ...(name ? { username: name } : {}),
    ...(uid ? { uid } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

function constraintOf({ impersonationConstraint }: RequestContext): object | undefined {
  return impersonationConstraint ? { impersonationConstraint } : undefined;
}

/** Whom proxies name, nearest the client first, and who is connected. */
function sourceIps({ exchange }: RequestContext): string[] {
  const forwarded = headerOf(exchange.headers, 'x-forwarded-for')
    .split(',')
    .map((ip) => ip.trim());
  const ips = forwarded.filter((ip) => ip !== '');
  const real = headerOf(exchange.headers, 'x-real-ip').trim();
  if (real !== '' && !ips.includes(real)) ips.push(real);
  const remote = exchange.remoteAddress.replace(/^::ffff:/, '');
  if (remote !== '' && ips.at(-1) !== remote) ips.push(remote);
  return ips;
}

function userAgent({ exchange }: RequestContext): string {
  const text = headerOf(exchange.headers, 'user-agent');
  return text.length > MAX_USER_AGENT ? `${text.slice(0, MAX_USER_AGENT)}...TRUNCATED` : text;
}

function legacyLine(ctx: RequestContext, user: UserInfo, stage: Stage, code: number | undefined): string {
  const q = JSON.stringify;
  const groupsOf = ({ groups }: UserInfo): string => groups.map((group) => q(group)).join(',');
  const { info } = ctx;
  const as = ctx.impersonator ? ctx.user : undefined;
  const pairs = [
    `id=${q(ctx.auditId)}`,
    `stage=${q(stage)}`,
    `ip=${q(sourceIps(ctx)[0] ?? '<unknown>')}`,
    `method=${q(info.verb)}`,
    `user=${q(user.name || '<none>')}`,
    `groups=${q(user.name && user.groups.length > 0 ? groupsOf(user) : '<none>')}`,
    `as=${q(as?.name ?? '<self>')}`,
    `asgroups=${q(as ? groupsOf(as) : '<lookup>')}`,
    `user-agent=${q(userAgent(ctx))}`,
    `namespace=${q(info.namespace || '<none>')}`,
    `uri=${q(ctx.exchange.url)}`,
    `response="${code ?? '<deferred>'}"`,
  ];
  return `${ctx.receivedAt.toISOString()} AUDIT: ${pairs.join(' ')}\n`;
}

export function isTooLargeForAudit(bytes: number): boolean {
  return bytes > MAX_BODY_BYTES;
}

/** Without the blanks between its parts: each event is a line. */
function onOneLine(json: string): string {
  return /\s/.test(json) ? json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1') : json;
}

/** What is no JSON (a patch in YAML) becomes a string. */
function jsonOf(body: Buffer): Buffer {
  try {
    JSON.parse(body.toString('utf8'));
    return body;
  } catch {
    return Buffer.from(JSON.stringify(body.toString('utf8')));
  }
}

function withoutManagedFields(json: string): string {
  const object = JSON.parse(json) as Listed;
  for (const { metadata } of [object, ...(object.items ?? []), ...(object.rows ?? []).map((row) => row.object ?? {})]) {
    if (metadata) delete metadata.managedFields;
  }
  return JSON.stringify(object);
}

interface Owned {
  readonly metadata?: { managedFields?: unknown };
}
/** An object, a list, or a Table. */
interface Listed extends Owned {
  readonly items?: readonly Owned[];
  readonly rows?: readonly { readonly object?: Owned }[];
}
