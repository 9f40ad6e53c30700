/**
 * Subresources that lead to somebody else: the kubelet of a pod (log, exec, attach, portforward), or the server that a
 * pod, service or node is (proxy). docs/request-path.md tells where they leave the way of other requests.
 */
import { badRequest, forbidden, qualified, StatusError } from '@keelson/api/errors';
import type { PodAttachOptions, PodExecOptions, PodPortForwardOptions } from '@keelson/api/generated/types/core/v1';
import type { KubeObject } from '@keelson/api/object';
import type { AdmissionChain } from '../admission/chain.ts';
import type { Authorize } from '../authz/attributes.ts';
import type { RequestContext } from '../context.ts';
import { attributesOf } from '../filters/authorization.ts';
import type { IsEnabled } from '../gates.ts';
import { mutate, validate } from '../handlers/admit.ts';
import { headerOf } from '../http/answer.ts';
import { checkRouteAccepts, MEDIA_TYPES, type Negotiated, negotiate, notAcceptable } from '../http/negotiate.ts';
import type { ServedResource, Subresource } from '../registry/resource.ts';
import { checkForm, formOf, restrictionsFor } from '../table/form.ts';
import type { Forwarding } from './forward.ts';
import { forward } from './forward.ts';
import { serveLog } from './log.ts';
import { attachOptions, checkLogOptions, execOptions, logOptions, portForwardOptions } from './options.ts';
import { logLocation, portForwardLocation, type StreamLocation, streamLocation } from './pods.ts';
import { nodeTarget, type ProxyLocator, podTarget, serviceTarget, type Target } from './proxied.ts';
import { joined } from './rewrite.ts';
import { translate, wantsTranslation } from './translate.ts';
import { tunnel, wantsTunnel } from './tunnel.ts';
import { forwardUpgrade, upgradeOf } from './upgrade.ts';

export interface ConnectDeps {
  readonly locator: ProxyLocator;
  readonly forwarding: Forwarding;
  readonly authorize: Authorize;
  readonly isEnabled: IsEnabled;
  /** A stream begins. @param byKubelet whether the kubelet takes websockets itself */
  readonly streamed: (subresource: string, byKubelet: boolean) => void;
}

export interface ConnectScope {
  readonly ctx: RequestContext;
  readonly served: ServedResource;
  readonly subresource: Subresource | undefined;
  readonly admission: AdmissionChain;
}

type Connect = (scope: ConnectScope, deps: ConnectDeps) => Promise<void>;

const KUBELET_SPEAKS = 'ExtendWebSocketsToKubelet';

/** By resource and subresource. */
const CONNECTS: Readonly<Record<string, Connect>> = {
  'pods/log': log,
  'pods/exec': (scope, deps) => stream(scope, deps, 'exec', execOptions),
  'pods/attach': (scope, deps) => stream(scope, deps, 'attach', attachOptions),
  'pods/portforward': portForward,
  'pods/proxy': (scope, deps) => proxy(scope, deps, ({ namespace, name }) => podTarget(deps.locator, namespace, name)),
  'services/proxy': (scope, deps) =>
    proxy(scope, deps, ({ namespace, name }) => serviceTarget(deps.locator, namespace, name)),
  'nodes/proxy': (scope, deps) => proxy(scope, deps, ({ name }) => nodeTarget(deps.locator, name)),
};

/** Ends when the stream ends. @throws StatusError */
export async function connect(scope: ConnectScope, deps: ConnectDeps): Promise<void> {
  const { ctx, served, subresource } = scope;
  if (ctx.info.name === '') throw badRequest('name must be provided');
  const serve = CONNECTS[`${qualified(served.definition)}/${subresource?.name}`];
  if (!serve) throw new Error(`nobody serves ${ctx.info.path}`);
  await serve(scope, deps);
}

async function log({ ctx }: ConnectScope, { locator, forwarding, isEnabled }: ConnectDeps): Promise<void> {
  const selectsLogStreams = isEnabled('PodLogsQuerySplitStreams');
  const { query, namespace, name } = ctx.info;
  const accept = headerOf(ctx.exchange.headers, 'accept');
  checkRouteAccepts(accept, ['text/plain', ...MEDIA_TYPES]);
  const output = negotiate(accept, restrictionsFor(MEDIA_TYPES, false));
  if (!output) throw notAcceptable(MEDIA_TYPES);
  const asked = logOptions(query);
  const options = selectsLogStreams ? { ...asked, stream: asked.stream ?? 'All' } : asked;
  checkLogOptions(name, options, selectsLogStreams);
  const backend = await logLocation(locator, namespace, name, options);
  checkHasNoMetadata(output);
  await serveLog(ctx, backend, forwarding);
}

/** A stream may be asked for as metadata, but has none. @throws StatusError 406, 500 */
function checkHasNoMetadata({ convert }: Negotiated): void {
  if (convert === undefined) return;
  checkForm(formOf(convert)!, false, 'rest.LocationStreamer');
  throw new StatusError(500, '', 'object does not implement the Object interfaces');
}

/** exec and attach: several streams over one connection. */
async function stream(
  scope: ConnectScope,
  deps: ConnectDeps,
  verb: 'exec' | 'attach',
  read: (query: URLSearchParams) => PodExecOptions | PodAttachOptions,
): Promise<void> {
  const { ctx } = scope;
  const { namespace, name } = ctx.info;
  const options = await admitted(scope, () => read(ctx.info.query));
  await mayCreate(scope, deps);
  const { backend, features } = await streamLocation(deps.locator, namespace, name, verb, options);
  const upgrade = ctx.exchange.upgrade?.();
  if (
    translates(deps, 'TranslateStreamCloseWebsocketRequests', verb, features) &&
    upgrade &&
    wantsTranslation(upgrade)
  ) {
    return translate(ctx, upgrade, backend, options, deps.forwarding);
  }
  await forwardUpgrade(ctx, backend, deps.forwarding);
}

async function portForward(scope: ConnectScope, deps: ConnectDeps): Promise<void> {
  const { ctx } = scope;
  const { namespace, name } = ctx.info;
  const options = await admitted<PodPortForwardOptions>(scope, () => portForwardOptions(ctx.info.query));
  await mayCreate(scope, deps);
  const { backend, features } = await portForwardLocation(deps.locator, namespace, name, options);
  const isTranslated = translates(deps, 'PortForwardWebsockets', 'portforward', features);
  const upgrade = upgradeOf(ctx);
  if (isTranslated && wantsTunnel(upgrade)) {
    return tunnel(ctx, upgrade, backend, deps.forwarding);
  }
  await forwardUpgrade(ctx, backend, deps.forwarding);
}

/** Whether websockets are spoken here, with the gate: newer kubelets speak all their protocols themselves and say so. */
function translates(
  { streamed, isEnabled }: ConnectDeps,
  gate: 'PortForwardWebsockets' | 'TranslateStreamCloseWebsocketRequests',
  verb: 'exec' | 'attach' | 'portforward',
  features: StreamLocation['features'],
): boolean {
  if (!isEnabled(gate)) return false;
  const byKubelet = isEnabled(KUBELET_SPEAKS) && features.includes(KUBELET_SPEAKS);
  streamed(verb, byKubelet);
  return !byKubelet;
}

async function proxy(
  scope: ConnectScope,
  deps: ConnectDeps,
  locate: (info: RequestContext['info']) => Promise<Target>,
): Promise<void> {
  const { ctx, subresource } = scope;
  const path = proxiedPath(ctx);
  await admitted(scope, () => ({ kind: subresource!.kind, apiVersion: 'v1', ...(path === '' ? {} : { path }) }));
  const backend = { ...(await locate(ctx.info)), path: joined('', path), query: '' };
  if (ctx.exchange.upgrade) return forwardUpgrade(ctx, backend, deps.forwarding);
  await forward(ctx, backend, deps.forwarding);
}

/** What follows `proxy`, with its slashes: '' is not '/'. */
function proxiedPath({ info }: RequestContext): string {
  const rest = info.parts.slice(3).join('/');
  const path = rest === '' || rest.startsWith('/') ? rest : `/${rest}`;
  return info.path.endsWith('/') && !path.endsWith('/') ? `${path}/` : path;
}

/** Options are what admission sees of a CONNECT. @throws StatusError 400 for options that can't be read or a dry run */
async function admitted<T extends object>(scope: ConnectScope, read: () => T): Promise<T> {
  const { info } = scope.ctx;
  if (info.query.has('dryRun')) throw badRequest('dryRun is not supported');
  const options = read();
  const subject = {
    operation: 'CONNECT' as const,
    name: info.name,
    object: options as object as KubeObject,
    dryRun: false,
  };
  await mutate(scope, subject);
  await validate(scope, subject);
  return options;
}

/**
 * Websockets begin with GET, which authorization took for reading: whoever runs something in a pod must be allowed to
 * create, however he asks. @throws StatusError 403
 */
async function mayCreate(scope: ConnectScope, { authorize, isEnabled }: ConnectDeps): Promise<void> {
  const { ctx, served } = scope;
  if (!isEnabled('AuthorizePodWebsocketUpgradeCreatePermission') || ctx.info.verb === 'create') return;
  const { decision, reason } = await authorize({ ...attributesOf(ctx), verb: 'create' });
  if (decision !== 'allow') throw forbidden(served.definition, ctx.info.name, reason);
}
