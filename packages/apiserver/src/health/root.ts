/** GET / (the paths that there are) and GET /version. */
import { type EffectiveVersion, OWN_VERSION } from '@keelson/component/emulation';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import type { ApiGroups } from '../discovery/groups.ts';
import { type Answer, headerOf, type PathRequest } from '../http/answer.ts';
import { checkRouteAccepts, methodNotAllowed } from '../http/negotiate.ts';

/** What GET /version says (apimachinery/pkg/version Info). */
export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly emulationMajor: string;
  readonly emulationMinor: string;
  readonly minCompatibilityMajor: string;
  readonly minCompatibilityMinor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** @param process names the runtime in the fields that upstream has for Go's. @param version as which the server acts */
export function versionInfo(
  process: { readonly version: string; readonly platform: string; readonly arch: string },
  build: { readonly commit: string; readonly date: string } = { commit: '', date: '1970-01-01T00:00:00Z' },
  { emulated, minCompatible }: EffectiveVersion = OWN_VERSION,
): VersionInfo {
  const { major, minor, gitVersion } = KUBERNETES_VERSION;
  return {
    major,
    minor,
    emulationMajor: String(emulated.major),
    emulationMinor: String(emulated.minor),
    minCompatibilityMajor: String(minCompatible.major),
    minCompatibilityMinor: String(minCompatible.minor),
    gitVersion,
    gitCommit: build.commit,
    gitTreeState: '',
    buildDate: build.date,
    goVersion: `node${process.version.slice(1)}`,
    compiler: 'v8',
    platform: `${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`,
  };
}

/** @throws StatusError 405 and 406 as the router gives them */
export function serveVersion(info: VersionInfo, request: PathRequest): Answer | undefined {
  if (!/^\/version\/*$/.test(request.path)) return undefined;
  if (request.method !== 'GET') throw methodNotAllowed();
  checkRouteAccepts(headerOf(request.headers, 'accept'), ['application/json']);
  return indentedJson(info);
}

/** @param others what is mounted besides the API groups, such as the health endpoints and /metrics */
export function serveRootPaths(groups: ApiGroups, others: readonly string[], request: PathRequest): Answer | undefined {
  if (request.path !== '/' && request.path !== '/index.html') return undefined;
  const paths = new Set(['/api', '/api/v1', '/apis', '/apis/', ...groups.paths(), ...others]);
  return indentedJson({ paths: [...paths].sort() });
}

/** Always indented, for everyone, without a line feed at the end. */
function indentedJson(object: object): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(object, null, 2) };
}
