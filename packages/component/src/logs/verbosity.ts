/** Which lines are logged: by `--v`, and by `--vmodule` for single source files (klog's internal/verbosity). */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The log level for the source files that match a pattern. */
export interface ModuleLevel {
  /** Of a file's name without its ending, as Go's filepath.Match takes it. */
  readonly pattern: string;
  readonly level: number;
}

export class Verbosity {
  /** `--v`; may be set while the component runs. */
  level: number;
  readonly #modules: readonly { readonly matches: RegExp; readonly level: number }[];
  /** By the place of the call. */
  readonly #known = new Map<string, number>();

  /** @param modules the first that matches decides; it never hides what `level` shows */
  constructor(level = 0, modules: readonly ModuleLevel[] = []) {
    this.level = level;
    this.#modules = modules
      .filter((module) => module.level > 0)
      .map((module) => ({ matches: globOf(module.pattern), level: module.level }));
  }

  /** @param callee the function whose caller wants to log */
  shows(level: number, callee: (...args: never[]) => unknown): boolean {
    if (this.level >= level) return true;
    return this.#modules.length > 0 && this.#moduleLevel(callerOf(callee)) >= level;
  }

  #moduleLevel(place: Place | undefined): number {
    if (place === undefined) return 0;
    const key = `${place.file}:${place.line}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = moduleAt(place);
    const level = this.#modules.find(({ matches }) => matches.test(name))?.level ?? 0;
    this.#known.set(key, level);
    return level;
  }
}

interface Place {
  readonly file: string;
  readonly line: number;
}

function callerOf(callee: (...args: never[]) => unknown): Place | undefined {
  const trace: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(trace, callee);
  Error.stackTraceLimit = stackTraceLimit;
  const frame = /(?:^|[( ])((?:file:\/\/)?\/[^()]*):(\d+):\d+\)?$/.exec(trace.stack ?? '');
  if (!frame) return undefined;
  const [, file = '', line] = frame;
  return { file: file.startsWith('file:') ? fileURLToPath(file) : file, line: Number(line) };
}

/** `server` for a line of `server.ts`, also where that was bundled: a bundle names each module above its code. */
function moduleAt({ file, line }: Place): string {
  const above = textOf(file).split('\n', line);
  const heading = above.reverse().find((text) => HEADING.test(text));
  return basename(heading === undefined ? file : HEADING.exec(heading)![1]!).replace(/\.[cm]?[jt]s$/, '');
}

const HEADING = /^\/\/(?:#region)? ([^ ]+\.[cm]?[jt]s)$/;

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const NOTHING = /^(?!)/;

/** Go's filepath.Match for names without slashes. A pattern that is none matches nothing. */
function globOf(pattern: string): RegExp {
  const parts = pattern.match(/\*|\?|\[(?:\\.|[^\]\\])+\]|\\.|[^*?[\\]/gsu) ?? [];
  if (parts.join('') !== pattern) return NOTHING;
  try {
    return new RegExp(`^${parts.map(globPart).join('')}$`, 'su');
  } catch {
    return NOTHING;
  }
}

function globPart(part: string): string {
  if (part === '*') return '.*';
  if (part === '?') return '.';
  if (part.startsWith('[')) return part.replace(/(?<!^)\[/g, '\\[');
  return (part.length > 1 ? part.slice(1) : part).replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
}
