/** What every request meets, from the outside in (apiserver/pkg/server/config.go, DefaultBuildHandlerChain). */
import type { Logger } from '@keelson/component/logs/logger';
import type { Filter } from '../chain.ts';
import type { ServerConfig } from '../config.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { type AuditOptions, audit, auditEarlyRefusals } from './audit.ts';
import { cors } from './cors.ts';
import { errors } from './errors.ts';
import { goaway } from './goaway.ts';
import { hsts } from './hsts.ts';
import { notReady } from './notready.ts';
import { timeout } from './timeout.ts';

/** What the filters need that is made elsewhere. */
export interface FilterParts {
  readonly lifecycle: Lifecycle;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Undefined: nothing is recorded. */
  readonly auditing: AuditOptions | undefined;
  readonly authentication: Filter;
  readonly tracing: Filter | undefined;
  readonly impersonation: Filter;
  /** Whether /readyz was once well. */
  readonly hasBeenReady: () => boolean;
  /** Where requests wait that are too many. */
  readonly waiting: Filter;
  readonly authorization: Filter;
  /** Sends elsewhere what another API server serves. */
  readonly peers: Filter | undefined;
}

/** The first is the outermost. */
export function filtersOf(config: ServerConfig, parts: FilterParts): Filter[] {
  const { lifecycle, auditing } = parts;
  const { shutdownSendRetryAfter, hstsDirectives = [], goawayChance, allowsOrigin } = config;
  return [
    ...(shutdownSendRetryAfter ? [lifecycle.sendRetryAfter] : []),
    ...(hstsDirectives.length > 0 ? [hsts(hstsDirectives)] : []),
    ...(goawayChance ? [goaway(goawayChance, parts.random)] : []),
    lifecycle.track,
    errors(parts.logger),
    ...(auditing ? [auditEarlyRefusals(auditing)] : []),
    timeout(config.requestTimeoutSeconds),
    ...(allowsOrigin ? [cors(allowsOrigin)] : []),
    parts.authentication,
    // Who asks may say whether he is traced.
    ...(parts.tracing ? [parts.tracing] : []),
    ...(auditing ? [audit(auditing)] : []),
    parts.impersonation,
    ...(config.sendRetryAfterWhileNotReady ? [notReady(parts.hasBeenReady)] : []),
    parts.waiting,
    parts.authorization,
    ...(parts.peers ? [parts.peers] : []),
  ];
}
