/** An installation is a tree of phases: each can be run by itself, and all of them in order are an installation. */
import type { Clock } from '@keelson/api/clock';
import type { ClusterApi } from './api.ts';
import type { PathName } from './command-lines.ts';
import type { Configuration } from './configuration/types.ts';
import type { Files } from './files.ts';
import type { Layout } from './layout.ts';
import type { Patch } from './patches.ts';
import type { Services } from './systemd/services.ts';

/** What phases work with. */
export interface InstallContext {
  readonly configuration: Configuration;
  readonly layout: Layout;
  readonly files: Files;
  readonly clock: Clock;
  /** Nothing is changed; {@link files} and {@link api} keep to themselves what would be. */
  readonly dryRun: boolean;
  /** Units of systemd run the control plane, in place of static pods. */
  readonly systemd: boolean;
  /** Of this machine, in lower case. */
  readonly hostname: string;
  /** Folders of the machine with the authorities that it trusts, those that it has of {@link TRUST_FOLDERS}. */
  readonly trustFolders: readonly string[];
  /** `3.6.8`: of the etcd that is installed on this machine; empty for none. */
  readonly etcdVersion: string;
  /** What changes what is written, as the configuration's folder of patches has it. */
  readonly patches: readonly Patch[];
  /** Where programs are, by their names. */
  readonly program: PathName;
  /** What starts services here; undefined where that is somebody else's affair. */
  readonly services: Services | undefined;
  /** Whether tokens are not to be shown. */
  readonly skipTokenPrint: boolean;
  /** How the authorities are kept in the cluster; undefined: they are not. */
  readonly upload: CertificateUpload | undefined;
  /** A line for who looks on, the name of its phase in front: `[certs] wrote /etc/kubernetes/pki/ca.crt…`. */
  report(line: string): void;
  /** The API server of this machine, asked as the administrator. @throws StartupError where it cannot be asked */
  api(): Promise<ClusterApi>;
}

export interface CertificateUpload {
  /** In hexadecimal. */
  readonly key: string;
  /** Whether it is not to be shown. */
  readonly skipPrint: boolean;
}

/** @template C what it works with */
export interface Phase<C = InstallContext> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of phases. */
  readonly summary: string;
  /** More for its own help. */
  readonly description?: string;
  /** Whether there is anything to do for it in this installation. */
  applies?(context: C): boolean;
  /** Comes before its phases. @throws StartupError with what to do about it */
  run?(context: C): Promise<void>;
  /** Whether what comes after it can be run now; somebody else has to act first where not. @throws StartupError */
  ready?(context: C): Promise<boolean>;
  /** What it consists of, in order. */
  readonly phases?: readonly Phase<C>[];
}

/** A phase found by its words, `certs apiserver`; `certs all` and `certs` are the same. */
export interface FoundPhase<C> {
  readonly phase: Phase<C>;
  /** Those that it is part of, from the outside in. */
  readonly parents: readonly Phase<C>[];
}

/** @returns the words that name no phase, and what was found before them */
export function findPhase<C>(
  phases: readonly Phase<C>[],
  words: readonly string[],
): { readonly found: FoundPhase<C> | undefined; readonly unknown: string | undefined } {
  const path: Phase<C>[] = [];
  let among = phases;
  for (const [i, word] of words.entries()) {
    if (word === 'all' && i === words.length - 1 && path.length > 0 && among.length > 0) break;
    const next = among.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
    if (next === undefined) return { found: undefined, unknown: word };
    path.push(next);
    among = next.phases ?? [];
  }
  const phase = path.pop();
  return { found: phase && { phase, parents: path }, unknown: undefined };
}

/**
 * Runs phases in order, each before those that it consists of.
 * @param skip names of phases to leave out: `addon`, or `certs/apiserver`
 * @returns whether all were run; false where it has to be run again, once somebody else has acted
 */
export async function runPhases<C>(
  phases: readonly Phase<C>[],
  context: C,
  skip: ReadonlySet<string> = new Set(),
  prefix = '',
): Promise<boolean> {
  for (const phase of phases) {
    const names = [phase.name, ...(phase.aliases ?? [])].map((name) => `${prefix}${name}`);
    if (names.some((name) => skip.has(name)) || phase.applies?.(context) === false) continue;
    await phase.run?.(context);
    if (phase.ready && !(await phase.ready(context))) return false;
    if (!(await runPhases(phase.phases ?? [], context, skip, `${prefix}${phase.name}/`))) return false;
  }
  return true;
}

/** Every phase by its path: `certs`, `certs/ca`… */
export function* phaseNames<C>(phases: readonly Phase<C>[], prefix = ''): Generator<string> {
  for (const phase of phases) {
    yield `${prefix}${phase.name}`;
    for (const alias of phase.aliases ?? []) yield `${prefix}${alias}`;
    yield* phaseNames(phase.phases ?? [], `${prefix}${phase.name}/`);
  }
}
