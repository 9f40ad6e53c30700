/** The pod security standards of every version (k8s.io/pod-security-admission/policy). */
import type { Check, PodCheck, PodLike, Violation } from './check.ts';
import { HOST_CHECKS } from './checks/host.ts';
import { PRIVILEGE_CHECKS } from './checks/privileges.ts';
import { PROFILE_CHECKS } from './checks/profiles.ts';
import { VOLUME_CHECKS } from './checks/volumes.ts';
import type { LevelVersion } from './policy.ts';

const CHECKS: readonly Check[] = [...HOST_CHECKS, ...PRIVILEGE_CHECKS, ...PROFILE_CHECKS, ...VOLUME_CHECKS].sort(
  (a, b) => (a.level === b.level ? (a.id < b.id ? -1 : 1) : a.level === 'baseline' ? -1 : 1),
);

/** No standard changed after this minor version. */
const LAST = Math.max(...CHECKS.flatMap((check) => check.since.map(([minor]) => minor)));

function checksOf(level: 'baseline' | 'restricted', minor: number): PodCheck[] {
  const active = CHECKS.flatMap((check) => {
    if (level === 'baseline' && check.level === 'restricted') return [];
    const since = check.since.findLast(([begin]) => begin <= minor);
    return since ? [{ id: check.id, overrides: check.overrides, run: since[1] }] : [];
  });
  const overridden = new Set(active.map((check) => check.overrides));
  return active.filter(({ id }) => !overridden.has(id)).map(({ run }) => run);
}

const STANDARDS = Array.from({ length: LAST + 1 }, (_, minor) => ({
  baseline: checksOf('baseline', minor),
  restricted: checksOf('restricted', minor),
}));

/** What the pod does that the standard forbids; empty where it is allowed. */
export function violations({ level, version }: LevelVersion, pod: PodLike): Violation[] {
  if (level === 'privileged') return [];
  const minor = version === 'latest' ? LAST : Math.min(version, LAST);
  return STANDARDS[minor]![level].flatMap((check) => check(pod) ?? []);
}

/** `host namespaces (hostNetwork=true), privileged (container "c" …)` */
export function showDetails(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');
}

export function showReasons(found: readonly Violation[]): string {
  return found.map(({ reason }) => reason).join(', ');
}
