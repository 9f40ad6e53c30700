/** Who asks, and what he may do. What is decided by is followed once the server starts. */
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { apiAudiencesOf } from '../authn/build.ts';
import { Impersonation } from '../authn/impersonation/index.ts';
import { startTokenKeys } from '../authn/serviceaccount/start.ts';
import type { TokenKeys } from '../authn/serviceaccount/token-keys.ts';
import { type Authentication, startAuthentication } from '../authn/start.ts';
import { type Authorization, buildAuthorization } from '../authz/build.ts';
import { followNodes } from '../authz/node/follow.ts';
import { NodeGraph } from '../authz/node/graph.ts';
import { nodeAuthorizer } from '../authz/node/index.ts';
import { followRbac } from '../authz/rbac/follow.ts';
import { RbacIndex } from '../authz/rbac/index.ts';
import { nodeRules } from '../bootstrap/rbac.ts';
import type { ServerConfig } from '../config.ts';
import { authentication } from '../filters/authentication.ts';
import { authorization } from '../filters/authorization.ts';
import { impersonation } from '../filters/impersonation.ts';
import type { FilterParts } from '../filters/order.ts';
import type { Resources } from '../resources.ts';
import type { Foundation } from './foundation.ts';
import type { Registry } from './registry.ts';

export interface Authority {
  /** The keys that tokens of service accounts are signed with. */
  readonly tokenKeys: TokenKeys | undefined;
  readonly authorization: Authorization;
  readonly rules: RbacIndex;
  /** Resolves when decisions are made by what is stored now. */
  follow(resources: Resources): Promise<void>;
  close(): void;
}

/** @throws Error for keys and webhooks that cannot be used */
export async function authorityOf(config: ServerConfig, { outside, isEnabled }: Foundation): Promise<Authority> {
  const rules = new RbacIndex();
  const nodes = new NodeGraph();
  const tokenKeys = config.serviceAccounts && (await startTokenKeys(config.serviceAccounts, outside));
  const provided = { RBAC: rules, Node: nodeAuthorizer(nodes, nodeRules(isEnabled), isEnabled) };
  const authorization = buildAuthorization(config.authorization, { ...outside, provided });
  return {
    tokenKeys,
    authorization,
    rules,
    follow: async (resources) => {
      const nodesToo = config.authorization.configuration.some(({ type }) => type === 'Node');
      await Promise.all([followRbac(rules, resources), nodesToo && followNodes(nodes, resources)]);
    },
    close: () => {
      authorization.close();
      tokenKeys?.close();
    },
  };
}

export function authenticatorsOf(
  config: ServerConfig,
  { outside, isEnabled }: Foundation,
  { tokenKeys }: Authority,
  { objects, client }: Registry,
): Authentication {
  const label = (secret: Secret, key: string, value: string) =>
    client.label(secret, key, value).catch((error: unknown) => {
      const { namespace, name } = secret.metadata;
      outside.logger.warn(
        { error: String(error), secret: `${namespace}/${name}`, key },
        'A secret of a token could not be labelled',
      );
    });
  return startAuthentication(config, { ...outside, isEnabled, objects, keys: tokenKeys, label });
}

/** The filters that a request gets through by who it is from. */
export function accessFilters(
  config: ServerConfig,
  { outside, isEnabled }: Foundation,
  { authenticate, metrics }: Authentication,
  { authorize, metrics: attempts }: Authorization,
): Pick<FilterParts, 'authentication' | 'impersonation' | 'authorization'> {
  const { now, logger } = outside;
  return {
    authentication: authentication({
      authenticate,
      audiences: apiAudiencesOf(config),
      metrics,
      logger,
      endsUnknown: isEnabled('UnauthenticatedHTTP2DOSMitigation'),
    }),
    impersonation: impersonation(
      new Impersonation(authorize, {
        now: () => now().getTime(),
        isConstrained: isEnabled('ConstrainedImpersonation'),
      }),
    ),
    authorization: authorization(attempts.attempted(authorize)),
  };
}
