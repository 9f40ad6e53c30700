/** Units of systemd, read as far as those of an installation go. */
import { readFileSync } from 'node:fs';

/** The command of a unit's service, `$VARIABLE` words taken from its files of variables. */
export function commandOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  const values = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  const variables = new Map(values('EnvironmentFile').flatMap((path) => variablesOf(path.replace(/^-/, ''))));
  const [command = ''] = values('ExecStart');
  return command.split(/\s+/).flatMap((word) => {
    if (!word.startsWith('$') || word.startsWith('$$')) return [word.replaceAll('%%', '%').replaceAll('$$', '$')];
    return (variables.get(word.slice(1)) ?? '').split(/\s+/).filter((each) => each !== '');
  });
}

function variablesOf(path: string): (readonly [string, string])[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, name, value] = /^(\w+)="(.*)"$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value!] as const];
  });
}
