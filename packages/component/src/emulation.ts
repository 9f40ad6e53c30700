/** Which release a server acts as: what is newer is not there (component-base/compatibility). */
import { quote } from './go/strconv.ts';
import { KUBERNETES_VERSION } from './version.ts';

export interface Release {
  readonly major: number;
  readonly minor: number;
}

export interface EffectiveVersion {
  /** As which it acts. */
  readonly emulated: Release;
  /** The oldest of the servers that it works beside. */
  readonly minCompatible: Release;
}

export class VersionError extends Error {}

const OWN: Release = { major: Number(KUBERNETES_VERSION.major), minor: Number(KUBERNETES_VERSION.minor) };
const OLDEST = before(OWN, 3);
const KUBE = 'kube';

/** Its own release, beside those of the last one. */
export const OWN_VERSION = effectiveVersion([], []);

/**
 * @param emulated `--emulated-version`: `1.35`, `kube=1.35`
 * @param minCompatible `--min-compatibility-version`
 * @throws VersionError in upstream's words
 */
export function effectiveVersion(emulated: readonly string[], minCompatible: readonly string[]): EffectiveVersion {
  const release = releaseOf(emulated) ?? OWN;
  const last = before(release, 1);
  return { emulated: release, minCompatible: releaseOf(minCompatible) ?? (isBefore(last, OLDEST) ? OLDEST : last) };
}

/** What a server cannot act as. */
export function versionErrors({ emulated, minCompatible }: EffectiveVersion): string[] {
  const isWithin = (release: Release, newest: Release) => !isBefore(release, OLDEST) && !isBefore(newest, release);
  const range = (newest: string) => `is not between [${showRelease(OLDEST)}, ${newest}]`;
  return [
    ...(isWithin(emulated, OWN)
      ? []
      : [`emulation version ${showRelease(emulated)} ${range(`${showRelease(OWN)}.0`)}`]),
    ...(isWithin(minCompatible, emulated)
      ? []
      : [`minCompatibilityVersion version ${showRelease(minCompatible)} ${range(showRelease(emulated))}`]),
  ];
}

export function isOwnRelease(release: Release): boolean {
  return release.major === OWN.major && release.minor === OWN.minor;
}

/** `1.35` */
export function showRelease({ major, minor }: Release): string {
  return `${major}.${minor}`;
}

function before({ major, minor }: Release, releases: number): Release {
  return { major, minor: Math.max(0, minor - releases) };
}

function isBefore(a: Release, b: Release): boolean {
  return a.major < b.major || (a.major === b.major && a.minor < b.minor);
}

function releaseOf(texts: readonly string[]): Release | undefined {
  const releases = new Map<string, Release>();
  for (const text of texts) {
    const [component, version] = text.includes('=') ? splitPair(text) : [KUBE, text];
    const release = parseRelease(version, component);
    const known = releases.get(component);
    if (known)
      throw new VersionError(
        `duplicate version flag, ${component}=${showRelease(known)} and ${component}=${showRelease(release)}`,
      );
    releases.set(component, release);
  }
  const unknown = [...releases.keys()].find((component) => component !== KUBE);
  if (unknown !== undefined) throw new VersionError(`component not registered: ${unknown}`);
  return releases.get(KUBE);
}

function splitPair(text: string): [component: string, version: string] {
  const at = text.indexOf('=');
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function parseRelease(text: string, component: string): Release {
  const numbers = /^\s*v?(\d+(?:\.\d+)*)/.exec(text)?.[1]?.split('.');
  if (!numbers) throw new VersionError(`could not parse ${quote(text)} as version`);
  const [major = '', minor, patch = '0'] = numbers;
  if (minor === undefined) throw new VersionError(`illegal version string ${quote(text)}`);
  if (/^0./.test(major))
    throw new VersionError(`illegal zero-prefixed version component ${quote(major)} in ${quote(text)}`);
  if (Number(patch) !== 0)
    throw new VersionError(`patch version not allowed, got: ${component}=${numbers.map(Number).join('.')}`);
  return { major: Number(major), minor: Number(minor) };
}
