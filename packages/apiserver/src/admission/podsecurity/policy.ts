/** Which policy a namespace asks for, with its labels (k8s.io/pod-security-admission/api). */
import { type ErrorList, invalid, Path } from '@keelson/api/field';

/** From lax to strict. */
const LEVELS = ['privileged', 'baseline', 'restricted'] as const;

export type Level = (typeof LEVELS)[number];
/** The minor version of `v1.x`. */
export type PolicyVersion = number | 'latest';

export interface LevelVersion {
  readonly level: Level;
  readonly version: PolicyVersion;
}

const MODES = ['enforce', 'audit', 'warn'] as const;

export type Mode = (typeof MODES)[number];
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const PREFIX = 'pod-security.kubernetes.io/';
export const LEVEL_PROBLEM = `must be one of ${LEVELS.join(', ')}`;
export const VERSION_PROBLEM = 'must be "latest" or "v1.x"';

export function parseLevel(text: string): Level | undefined {
  return LEVELS.find((level) => level === text);
}

export function parseVersion(text: string): PolicyVersion | undefined {
  if (text === 'latest') return 'latest';
  const minor = /^v1\.(0|[1-9][0-9]*)$/.exec(text)?.[1];
  return minor !== undefined && Number.isSafeInteger(Number(minor)) ? Number(minor) : undefined;
}

export function showPolicy({ level, version }: LevelVersion): string {
  return `${level}:${version === 'latest' ? version : `v1.${version}`}`;
}

/** Negative if the first is laxer. */
export function compareLevels(a: Level, b: Level): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b);
}

export function isPrivileged(policy: Policy): boolean {
  return MODES.every((mode) => policy[mode].level === 'privileged');
}

/** Privileged is privileged in every version. */
export function isEquivalent(a: Policy, b: Policy): boolean {
  return MODES.every((mode) => {
    const { level, version } = a[mode];
    return level === b[mode].level && (level === 'privileged' || version === b[mode].version);
  });
}

export function sameLevelVersion(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

export interface NamespacePolicy {
  readonly policy: Policy;
  /** Of labels that say nothing useful. Such a level is enforced strictly, and neither audited nor warned of. */
  readonly errors: ErrorList;
}

export function policyOf(labels: Readonly<Record<string, string>> | undefined, defaults: Policy): NamespacePolicy {
  if (!labels) return { policy: defaults, errors: [] };
  const errors: ErrorList = [];
  function read<T>(
    label: string,
    parse: (text: string) => T | undefined,
    problem: string,
    otherwise: T,
  ): T | undefined {
    const text = labels![PREFIX + label];
    if (text === undefined) return undefined;
    const parsed = parse(text);
    if (parsed === undefined) errors.push(invalid(Path.of('metadata', 'labels').key(PREFIX + label), text, problem));
    return parsed ?? otherwise;
  }
  function ofMode(mode: Mode, laxest: Level): LevelVersion {
    const level = read(mode, parseLevel, LEVEL_PROBLEM, laxest) ?? defaults[mode].level;
    const version = read<PolicyVersion>(`${mode}-version`, parseVersion, VERSION_PROBLEM, 'latest');
    return { level, version: version ?? defaults[mode].version };
  }
  const enforce = ofMode('enforce', 'restricted');
  const audit = ofMode('audit', 'privileged');
  const warn = ofMode('warn', 'privileged');
  return { policy: { enforce, audit, warn: warnOfEnforced(labels, enforce, warn) }, errors };
}

/** What is enforced is warned of too, unless the namespace says how it wants to be warned. */
function warnOfEnforced(
  labels: Readonly<Record<string, string>>,
  enforce: LevelVersion,
  warn: LevelVersion,
): LevelVersion {
  const asked = parseLevel(labels[`${PREFIX}enforce`] ?? '') !== undefined;
  const silent = labels[`${PREFIX}warn`] === undefined;
  if (!asked || !silent || compareLevels(enforce.level, warn.level) <= 0) return warn;
  return labels[`${PREFIX}warn-version`] === undefined ? enforce : { level: enforce.level, version: warn.version };
}

/** The modes that the labels speak of and that are not privileged: `enforce=baseline:latest, warn=…`. */
export function showLabelled(labels: Readonly<Record<string, string>> | undefined, policy: Policy): string {
  return MODES.filter((mode) => policy[mode].level !== 'privileged')
    .filter((mode) => labels?.[PREFIX + mode] !== undefined || labels?.[`${PREFIX}${mode}-version`] !== undefined)
    .map((mode) => `${mode}=${showPolicy(policy[mode])}`)
    .join(', ');
}
