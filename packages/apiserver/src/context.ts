/** One request on its way through the filters to its handler. */
import type { AuditRecord } from './audit/event.ts';
import type { Exchange, ResponseHeaders } from './http/exchange.ts';
import type { UserInfo } from './registry/strategy.ts';
import type { RequestInfo } from './requestinfo.ts';

export interface RequestContext {
  readonly exchange: Exchange;
  readonly info: RequestInfo;
  readonly receivedAt: Date;
  /** Goes out as Audit-Id. */
  readonly auditId: string;
  /** Set by authentication, replaced by impersonation. */
  user: UserInfo;
  /** Who authenticated, where `user` is impersonated. */
  impersonator?: UserInfo;
  /** The verb that permitted it; empty for `impersonate` itself. */
  impersonationConstraint?: string;
  /** What is recorded of it; undefined: nothing. */
  audit?: AuditRecord;
  /**
   * To be awaited before an answer ends that the server makes itself, not of what others stream through it.
   * @param status of the answer
   */
  beforeAnswered?: (status: number) => Promise<void>;
  /** How priority and fairness has classified it: goes out with every answer. */
  flowHeaders?: ResponseHeaders;
  /** To be called when a watch has begun: what comes then costs little. */
  onInitialized?: () => void;
  /** When it is answered that it took too long, of `performance.now()`. */
  deadline?: number;
  /** Its answer is never compressed. */
  isPlain?: true;
  /** Texts for `Warning: 299` headers, in order, without doubles. */
  readonly warnings: string[];
  /** Annotations for the audit event. */
  readonly auditAnnotations: Record<string, string>;
}

export const NO_USER: UserInfo = { name: '', uid: '', groups: [], extra: {} };

/** Of all warnings so many characters are sent, and a text has one at least: what comes behind is not looked at. */
const MOST_WARNINGS = 4 * 1024 + 1;

/** None is sent twice. */
export function addWarning({ warnings }: Pick<RequestContext, 'warnings'>, text: string): void {
  if (warnings.length < MOST_WARNINGS && text !== '' && !warnings.includes(text)) warnings.push(text);
}
