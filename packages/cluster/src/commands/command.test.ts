import { FlagError } from '@keelson/component/pflag/flags';
import { expect, test } from 'vitest';
import { StartupError } from '../startup-error.ts';
import { outcomeOf } from './command.ts';

async function outcome(error: Error): Promise<[code: number, said: string]> {
  let said = '';
  const io = {
    stdout: () => {},
    stderr: (text: string) => {
      said += text;
    },
    columns: 0,
    env: {},
    onStop: () => {},
  };
  const code = await outcomeOf('keelson x', io, async () => {
    throw error;
  });
  return [code, said];
}

const system = (code: string) => Object.assign(new Error(`${code}: mkdir`), { code, path: '/etc/kubernetes/pki' });

test.each<[Error, string]>([
  [new StartupError('it is so', 'do that'), 'Error: it is so\n       do that.\n'],
  [new FlagError('unknown'), "Error: unknown\nRun 'keelson x --help' for usage.\n"],
  [new FlagError('unknown', '--y'), "Error: unknown\nDid you mean --y?\nRun 'keelson x --help' for usage.\n"],
  [
    system('EROFS'),
    'Error: cannot use /etc/kubernetes/pki: the file system is read-only\n       see to that, and run this again.\n',
  ],
  [
    system('EACCES'),
    'Error: cannot use /etc/kubernetes/pki: permission denied\n       see to that, and run this again.\n',
  ],
])('%s is told, with what to do', async (error, said) => {
  expect(await outcome(error)).toEqual([1, said]);
});

test('what is wrong with the program itself is thrown on', async () => {
  await expect(outcome(new TypeError('x is undefined'))).rejects.toThrow(TypeError);
});
