/**
 * `/debug/pprof` and `/debug/flags` (apiserver/pkg/server/routes profiling.go, flags.go; net/http/pprof). Profiles are
 * V8's; Go's of goroutines, locks and threads have no counterpart.
 */
import { parseUnsigned } from '../go/strconv.ts';
import type { Verbosity } from '../logs/verbosity.ts';
import { type OnGone, type ProfileKind, ProfilingInUse, takeProfile } from './profiles.ts';

export interface DebugRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: () => Promise<string>;
  /** Calls back when the client does not want the answer any more. */
  readonly onGone: OnGone;
}

/** Which paths there are. */
export interface DebugOptions {
  readonly profiles: boolean;
  /** What `/debug/flags/v` sets; without it there are no flags. */
  readonly verbosity?: Verbosity | undefined;
}

export interface DebugAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const DEFAULT_SECONDS = 30;
/** What a profile holds grows with the time that it takes. */
const MAX_SECONDS = 300;

interface Profile {
  readonly kind: ProfileKind;
  readonly file: string;
  readonly about: string;
}

const PROFILES: Readonly<Record<string, Profile>> = {
  heap: { kind: 'heap', file: 'heap.heapprofile', about: 'Who allocated in this time what is still there after it.' },
  profile: { kind: 'cpu', file: 'profile.cpuprofile', about: "Where the CPU's time goes." },
};

/**
 * Who may ask is found out before.
 * @param take for tests
 * @returns undefined for other paths
 */
export async function serveDebug(
  request: DebugRequest,
  { profiles, verbosity }: DebugOptions,
  take = takeProfile,
): Promise<DebugAnswer | undefined> {
  const { path } = request;
  if (profiles && path === '/debug/pprof')
    return { status: 302, headers: { ...HTML, location: `${path}/` }, body: `<a href="${path}/">Found</a>.\n\n` };
  if (profiles && path.startsWith('/debug/pprof/')) return profile(path.slice('/debug/pprof/'.length), request, take);
  if (!verbosity) return undefined;
  if (path === '/debug/flags/v') return setVerbosity(request, verbosity);
  return path === '/debug/flags' || path.startsWith('/debug/flags/') ? FLAGS : undefined;
}

async function profile(name: string, { query, onGone }: DebugRequest, take: typeof takeProfile): Promise<DebugAnswer> {
  if (name === '') return INDEX;
  const found = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (!found) return failure(404, 'Unknown profile');
  const asked = Number.parseInt(query.get('seconds') ?? '', 10);
  const seconds = asked > 0 ? asked : DEFAULT_SECONDS;
  if (seconds > MAX_SECONDS) return failure(400, `profile duration exceeds ${MAX_SECONDS} seconds`);
  try {
    const body = await take(found.kind, seconds * 1000, onGone);
    const disposition = `attachment; filename="${found.file}"`;
    return { status: 200, headers: { ...JSON_TYPE, 'content-disposition': disposition }, body };
  } catch (error) {
    if (!(error instanceof ProfilingInUse)) throw error;
    return failure(500, `Could not enable ${found.kind === 'cpu' ? 'CPU' : 'heap'} profiling: ${error.message}`);
  }
}

async function setVerbosity({ method, body }: DebugRequest, verbosity: Verbosity): Promise<DebugAnswer> {
  if (method !== 'PUT') return text(406, 'unsupported http method');
  const value = await body();
  try {
    verbosity.level = parseUnsigned(value, 31);
  } catch (error) {
    return text(400, (error as Error).message);
  }
  return text(200, `successfully set klog.logging.verbosity to ${value}`);
}

const NOSNIFF = { 'x-content-type-options': 'nosniff' };
const HTML = { 'content-type': 'text/html; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json', ...NOSNIFF };

function text(status: number, message: string): DebugAnswer {
  return { status, headers: { 'content-type': 'text/plain', ...NOSNIFF }, body: `${message}\n` };
}

function failure(status: number, message: string): DebugAnswer {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-go-pprof': '1', ...NOSNIFF };
  return { status, headers, body: `${message}\n` };
}

const page = (path: string, content: string) =>
  `<html>\n<head>\n<title>${path}</title>\n</head>\n<body>\n${path}<br>\n<br>\n${content}</body>\n</html>\n`;

const FLAGS: DebugAnswer = {
  status: 200,
  headers: HTML,
  body: page('/debug/flags/', 'flags:<br>\n<table>\n<tr>v<br>\n</table>\n<br>\nfull flags configurable<br>\n'),
};

const INDEX: DebugAnswer = {
  status: 200,
  headers: { ...HTML, ...NOSNIFF },
  body: page(
    '/debug/pprof/',
    `Profiles of V8, over ?seconds=${DEFAULT_SECONDS}:\n<ul>\n${Object.entries(PROFILES)
      .map(([name, { file, about }]) => `<li><a href='${name}'>${name}</a> (${file}): ${about}</li>\n`)
      .join('')}</ul>\n`,
  ),
};
