/** What is answered that is no resource: discovery, health, OpenAPI, metrics, and pages about the server. */
import { serveDebug } from '@keelson/component/debug/pages';
import { processStartSeconds } from '@keelson/component/metrics/process';
import { openIdDiscoveryOf } from '../authn/build.ts';
import { serveOpenId } from '../authn/serviceaccount/discovery.ts';
import type { TokenKeys } from '../authn/serviceaccount/token-keys.ts';
import type { ServerConfig } from '../config.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import { type PeersShown, serveDiscovery } from '../discovery/handler.ts';
import type { FlowControl } from '../flowcontrol/index.ts';
import type { HealthChecks } from '../health/checks.ts';
import { serveRootPaths, serveVersion, type VersionInfo } from '../health/root.ts';
import type { PathHandler } from '../http/answer.ts';
import type { OpenApiService } from '../openapi/service.ts';
import { flagz } from '../zpages/flagz.ts';
import { type Page, servePage } from '../zpages/page.ts';
import { statusz } from '../zpages/statusz.ts';
import type { Foundation } from './foundation.ts';

/** How the server calls itself on its pages. */
const NAME = 'apiserver';

/** What GET / lists besides groups, pages and health checks. */
const OTHER_PATHS = [
  '/.well-known/openid-configuration',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/version',
];

export interface PathsOptions {
  readonly config: ServerConfig;
  readonly foundation: Foundation;
  readonly version: VersionInfo;
  readonly discovery: ApiGroups;
  /** What other API servers serve. */
  readonly peers: PeersShown;
  readonly openapi: OpenApiService;
  readonly health: HealthChecks;
  readonly flow: FlowControl | undefined;
  readonly tokenKeys: TokenKeys | undefined;
}

/** @returns who are asked, in this order */
export function pathsOf(options: PathsOptions): PathHandler[] {
  const { config, foundation, version, discovery, peers, openapi, health, flow } = options;
  const { isEnabled, metrics, outside } = foundation;
  const openId = openIdDiscoveryOf(config, options.tokenKeys);
  const pages: Page[] = [];
  const others = () => [...OTHER_PATHS, ...pages.map(({ kind }) => `/${kind.toLowerCase()}`), ...health.paths()];
  if (isEnabled('ComponentFlagz') && config.flags) pages.push(flagz(NAME, config.flags));
  if (isEnabled('ComponentStatusz')) {
    const startedAt = new Date(processStartSeconds() * 1000);
    pages.push(statusz({ component: NAME, version, startedAt, now: outside.now, paths: others }));
  }
  return [
    (request) => serveDiscovery(discovery, request, peers),
    (request) => health.serve(request),
    (request) => serveVersion(version, request),
    (request) => openapi.serve(request),
    (request) => openId && serveOpenId(openId, request),
    (request) => metrics.serve(request),
    (request) => flow?.serve(request),
    (request, stream) =>
      config.profiling
        ? serveDebug({ ...request, ...stream }, { profiles: true, verbosity: config.verbosity })
        : undefined,
    ...pages.map(
      (page): PathHandler =>
        (request) =>
          servePage(page, request),
    ),
    (request) => serveRootPaths(discovery, others(), request),
  ];
}
