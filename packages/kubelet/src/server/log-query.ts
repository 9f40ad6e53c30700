/** What `/logs/?query=` may ask for: services or a file of the node (pkg/kubelet/kubelet_server_journal.go). */
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type FieldError, invalid, Path, required, tooMany } from '@keelson/api/field';
import { errnoText } from '@keelson/component/go/errno';
import { atoi } from '@keelson/component/go/strconv';
import { RE2JS } from 're2js';

export interface LogQuery {
  /** Units of systemd, or names of files without a path. */
  readonly services: readonly string[];
  /** Below the folder of logs: they have a slash, or a backslash, in their names. */
  readonly files: readonly string[];
  readonly options: LogQueryOptions;
}

/** Absent: not asked for. Times are milliseconds. */
export interface LogQueryOptions {
  readonly sinceTime?: number;
  readonly untilTime?: number;
  readonly tailLines?: number;
  /** 0: this one; -1: the one before. */
  readonly boot?: number;
  readonly pattern?: string;
}

export const hasOptions = ({ options }: LogQuery): boolean => Object.keys(options).length > 0;

const MAX_LINES = 100_000;
const MAX_NAME = 256;
const MAX_SERVICES = 4;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const QUERY = Path.of('query');

/** @returns undefined where nothing is asked for. Findings are upstream's */
export function parseLogQuery(search: URLSearchParams): { query: LogQuery | undefined; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const one = <T>(name: string, parse: (text: string) => T): { [key: string]: T } => {
    const text = search.get(name);
    if (!text) return {};
    try {
      return { [name]: parse(text) };
    } catch (error) {
      errors.push(invalid(Path.of(name), text, (error as Error).message));
      return {};
    }
  };
  const asked = search.getAll('query');
  const isFile = (name: string) => /[/\\]/.test(name);
  const files = asked.filter(isFile);
  const services = asked.filter((name) => !isFile(name) && name.trim() !== '');
  if (asked.length > 0 && files.length + services.length === 0) {
    errors.push(invalid(QUERY, asked, 'query cannot be empty'));
  }
  const options: LogQueryOptions = {
    ...one('sinceTime', timeOf),
    ...one('untilTime', timeOf),
    ...one('boot', atoi),
    ...one('tailLines', atoi),
    ...one('pattern', (text) => text),
  };
  const query = { services, files, options };
  const isNothing = asked.length === 0 && !hasOptions(query);
  return { query: isNothing ? undefined : query, errors };
}

/** @param root folder of logs. @returns why that cannot be asked for */
export async function validateLogQuery(query: LogQuery, root: string): Promise<FieldError[]> {
  const { services, files } = query;
  const { sinceTime, untilTime, tailLines, boot, pattern } = query.options;
  const errors = services.flatMap((name) => {
    const problem = nameProblem(name);
    return problem === undefined ? [] : [invalid(QUERY, name, problem)];
  });
  if (services.length > MAX_SERVICES) errors.push(tooMany(QUERY, services.length, MAX_SERVICES));
  const shown = (list: readonly string[]) => `[${list.join(' ')}]`;
  if (files.length === 0 && services.length === 0) errors.push(required(QUERY, 'cannot be empty with options'));
  else if (files.length > 0 && services.length > 0) {
    errors.push(invalid(QUERY, `${shown(files)}, ${shown(services)}`, 'cannot specify a file and service'));
  } else if (files.length > 1) errors.push(invalid(QUERY, files, 'cannot specify more than one file'));
  else if (files.length === 1 && hasOptions(query)) {
    errors.push(invalid(QUERY, files, 'cannot specify file with options'));
  } else if (files.length === 1) {
    await fileIn(root, files[0]!).catch((error: Error) => errors.push(invalid(QUERY, files, error.message)));
  }
  if (sinceTime !== undefined && untilTime !== undefined && sinceTime > untilTime) {
    const until = new Date(untilTime).toISOString().replace(/\.?0*Z$/, 'Z');
    errors.push(invalid(Path.of('untilTime'), until, 'must be after `sinceTime`'));
  }
  if (boot !== undefined && boot > 0) errors.push(invalid(Path.of('boot'), boot, 'must be less than 1'));
  if (tailLines !== undefined && (tailLines < 0 || tailLines > MAX_LINES)) {
    errors.push(invalid(Path.of('tailLines'), tailLines, `must be between 0 and ${MAX_LINES}, inclusive`));
  }
  try {
    RE2JS.compile(pattern ?? '');
  } catch (error) {
    errors.push(invalid(Path.of('pattern'), pattern, (error as Error).message));
  }
  return errors;
}

/** Where a file of the folder is, whatever links there are. @throws Error with code ENOENT, or where it is outside */
export async function fileIn(root: string, name: string): Promise<string> {
  const [folder, file] = await Promise.all([
    realpath(root),
    realpath(join(root, name.replaceAll('\\', '/'))).catch((error: NodeJS.ErrnoException) => {
      throw Object.assign(new Error(`statat ${name}: ${errnoText(error.code) ?? error.message}`), { code: error.code });
    }),
  ]);
  if (file === folder || file.startsWith(folder + sep)) return file;
  throw new Error(`statat ${name}: path escapes from parent`);
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (!RFC3339.test(text) || Number.isNaN(time)) throw new Error('invalid time format');
  return time;
}

/** Names become arguments of a command. */
function nameProblem(name: string): string | undefined {
  if (Buffer.byteLength(name) > MAX_NAME) return `length must be less than ${MAX_NAME}`;
  return /[^a-zA-Z\-_.:0-9@]/.test(name) ? 'input contains unsupported characters' : undefined;
}
