/** How commands name, run and show the phases that they consist of. */
import type { Word } from '@keelson/component/pflag/complete';
import { FlagError, meantBy } from '@keelson/component/pflag/flags';
import { findPhase, type Phase, phaseNames, runPhases } from '../install/phase.ts';

export interface NamedPhase<C> {
  readonly phase: Phase<C>;
  /** Of those that it is part of: `certs/`. */
  readonly prefix: string;
}

/**
 * The phase that the words behind `phase` name.
 * @param command for messages: `keelson init`
 * @returns undefined for none. @throws FlagError
 */
export function namedPhase<C>(
  command: string,
  phases: readonly Phase<C>[],
  words: readonly string[],
): NamedPhase<C> | undefined {
  const { found, unknown } = findPhase(phases, words);
  if (unknown !== undefined)
    throw new FlagError(
      `there is no phase "${words.join(' ')}": '${command} phase --help' shows those that are there`,
      meantBy(words.join('/'), [...phaseNames(phases)])?.replaceAll('/', ' '),
    );
  return found && { phase: found.phase, prefix: found.parents.map(({ name }) => `${name}/`).join('') };
}

/**
 * Runs one phase, or all of them.
 * @param skip those to leave out. @returns whether all were run. @throws FlagError for one that does not exist
 */
export function runNamed<C>(
  phases: readonly Phase<C>[],
  named: NamedPhase<C> | undefined,
  context: C,
  skip: readonly string[],
): Promise<boolean> {
  const names = new Set(phaseNames(phases));
  const unknown = skip.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new FlagError(`--skip-phases: there is no phase "${unknown}"`, meantBy(unknown, [...names]));
  if (named) return runPhases([named.phase], context, new Set(skip), named.prefix);
  return runPhases(phases, context, new Set(skip));
}

/** The help of a phase, up to the flags. */
export function phaseHelp<C>(command: string, { phase, prefix }: NamedPhase<C>): string {
  const path = `${prefix}${phase.name}`.replaceAll('/', ' ');
  const parts = phase.phases ? `\nPhases:\n${phaseTree(phase.phases)}` : '';
  return `${phase.description ?? `${phase.summary}.`}\n\nUsage:\n  ${command} phase ${path} [flags]\n${parts}`;
}

/** What `phase` may be followed by. */
export const phaseWords = <C>(phases: readonly Phase<C>[]): readonly Word[] => [
  { name: 'phase', summary: 'Run one of the phases, with those that it consists of.', words: wordsOf(phases) },
];

const wordsOf = <C>(phases: readonly Phase<C>[]): readonly Word[] =>
  phases.map(({ name, summary, phases: inner = [] }) => ({ name, summary, words: wordsOf(inner) }));

/** Each phase on a line, with what it does. */
export function phaseTree<C>(phases: readonly Phase<C>[]): string {
  const rows = [...rowsOf(phases, '  ')];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return `${rows.map(([name, summary]) => `${name.padEnd(width)}${summary}`).join('\n')}\n`;
}

function* rowsOf<C>(phases: readonly Phase<C>[], indent: string): Generator<readonly [string, string]> {
  for (const { name, summary, phases: inner = [] } of phases) {
    yield [`${indent}${name}`, summary];
    yield* rowsOf(inner, `${indent}  `);
  }
}
