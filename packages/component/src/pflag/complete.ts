/** What can stand where the cursor is on a command line: for the completion of shells. */
import type { FlagTable } from './flags.ts';
import { flagTypes } from './types.ts';
import type { FlagDescriptions } from './usage.ts';

/** A word that a command takes beside its flags, and those that may follow it. */
export interface Word {
  readonly name: string;
  readonly summary: string;
  readonly words?: readonly Word[];
}

/** What a command line may consist of. */
export interface Vocabulary {
  readonly flags: FlagTable;
  readonly descriptions: FlagDescriptions;
  readonly words?: readonly Word[];
}

export interface Completions {
  readonly candidates: readonly Candidate[];
  /** Whether the name of a file may stand there as well. */
  readonly files: boolean;
}

export interface Candidate {
  /** The whole word. */
  readonly text: string;
  readonly description: string;
}

const NOTHING: Completions = { candidates: [], files: false };

/** @param words of the command line behind the command; the last one is what the cursor stands behind */
export function completionsOf({ flags, descriptions, words = [] }: Vocabulary, line: readonly string[]): Completions {
  const [before, current] = [line.slice(0, -1), line.at(-1) ?? ''];
  const { path, open } = read(flags, before);
  if (open === 'arguments') return NOTHING;
  if (open !== undefined) return valuesOf(flags[open]!, '', current);
  const at = current.indexOf('=');
  if (current.startsWith('--') && at > 0) {
    const flag = flags[current.slice(2, at).replaceAll('_', '-')];
    return flag ? valuesOf(flag, current.slice(0, at + 1), current) : NOTHING;
  }
  if (current.startsWith('-')) {
    const candidates = Object.keys(flags)
      .filter((name) => !flags[name]!.deprecated)
      .map((name) => ({ text: `--${name}`, description: descriptions[name] ?? '' }));
    return { candidates: starting(candidates, current), files: false };
  }
  let next: readonly Word[] = words;
  for (const word of path) next = next.find(({ name }) => name === word)?.words ?? [];
  const candidates = next.map(({ name, summary }) => ({ text: name, description: summary }));
  return { candidates: starting(candidates, current), files: false };
}

/** @returns what is no flag, and the flag whose value comes next; `arguments` behind `--` */
function read(flags: FlagTable, words: readonly string[]): { path: string[]; open: string | undefined } {
  const path: string[] = [];
  let open: string | undefined;
  for (const word of words) {
    if (open !== undefined) open = undefined;
    else if (word === '--') return { path, open: 'arguments' };
    else if (!word.startsWith('-') || word === '-') path.push(word);
    else open = word.includes('=') ? undefined : awaiting(flags, word);
  }
  return { path, open };
}

/** The flag that takes the next word for its value. */
function awaiting(flags: FlagTable, word: string): string | undefined {
  const name = word.startsWith('--')
    ? word.slice(2).replaceAll('_', '-')
    : Object.keys(flags).find((each) => flags[each]!.shorthand === word.slice(1));
  const flag = name === undefined ? undefined : flags[name];
  return flag && !('implied' in flagTypes[flag.type]) ? name : undefined;
}

/** Types whose values may be the names of files. */
const NAMES: ReadonlySet<string> = new Set(['string', 'strings', 'stringArray', 'namedCertKey']);

/** @param head what stands before the value, in the same word */
function valuesOf({ type, values }: FlagTable[string], head: string, current: string): Completions {
  const known = values ?? (type === 'bool' ? ['true', 'false'] : []);
  const candidates = known.map((value) => ({ text: `${head}${value}`, description: '' }));
  return { candidates: starting(candidates, current), files: values === undefined && NAMES.has(type) };
}

const starting = (candidates: readonly Candidate[], text: string) =>
  candidates.filter((candidate) => candidate.text.startsWith(text));
