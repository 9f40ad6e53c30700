/** What is asked of `keelson` by a shell, and the shells themselves where the machine has them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Io } from './io.ts';
import { keelson } from './keelson.ts';

async function say(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io: Io = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    columns: 0,
    env: {},
    onStop: () => {},
  };
  const code = await keelson(argv, io);
  return { code, out, err };
}

const texts = async (...line: string[]) =>
  (await say('__complete', ...line)).out.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0]!]));

/** The commands that the help lists. */
const listed = async () => [...(await say()).out.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name!);

describe('keelson __complete', () => {
  test.each<[string[], string[]]>([
    [['wh'], ['why-pending']],
    [
      ['help', 'u'],
      ['up', 'upgrade'],
    ],
    [
      ['up', '--storage', ''],
      ['lmdb', 'memory', 'etcd'],
    ],
    [['up', '--data-dir', ''], [':files']],
    [['init', 'phase', 'certs', 'sa'], ['sa']],
    [['upgrade', 'node', ''], ['phase']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['nope', ''], []],
  ])('%j', async (line, expected) => {
    expect(await texts(...line)).toEqual(expected);
  });

  test('knows what the help of each command names: words and flags', async () => {
    const commands = await listed();
    expect(await texts('')).toEqual(commands);
    for (const command of commands.filter((name) => !['version', 'help'].includes(name))) {
      const { code, out } = await say(command, '--help');
      expect(code).toBe(0);
      const flags = [...out.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);
      expect(await texts(command, '--'), command).toEqual(expect.arrayContaining(flags));
      for (const word of await texts(command, '')) expect(out, command).toContain(word);
    }
  });

  test('every flag says what it is for', async () => {
    for (const command of await listed()) {
      const { out } = await say('__complete', command, '--');
      const silent = out.split('\n').filter((line) => line.endsWith('\t'));
      expect(silent, command).toEqual([]);
    }
  });
});

test.each([
  [['upp'], 'Error: unknown command "upp" for "keelson"\nDid you mean up?\n'],
  [['up', '--nodse', '3'], 'Error: unknown flag: --nodse\nDid you mean --nodes?\n'],
  [['init', '--sytemd'], 'Error: unknown flag: --sytemd\nDid you mean --systemd?\n'],
  [['completion', 'tcsh'], 'Error: "keelson completion" knows bash, zsh, fish, not "tcsh"\n'],
])('%j: what may have been meant is told', async (argv, message) => {
  const { code, err } = await say(...argv);
  expect([code, err.slice(0, message.length)]).toEqual([1, message]);
  expect(err.slice(message.length)).toMatch(/^Run 'keelson.* --help' for usage.\n$/);
});

describe('the shells', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-completion-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  const isThere = (shell: string) => spawnSync(shell, ['--version']).error === undefined;

  /** A `keelson` that answers with its arguments, and with what else is asked for. */
  function stand(answer: string): string {
    writeFileSync(at('keelson'), `#!/bin/sh\nprintf '%s\\n' "$#" "$@" > ${at('asked')}\nprintf '%b' '${answer}'\n`);
    chmodSync(at('keelson'), 0o755);
    return at('keelson');
  }

  const inBash = async (line: string, answer: string) => {
    const program = stand(answer);
    writeFileSync(at('script'), (await say('completion', 'bash')).out);
    const ask = `source ${at('script')}; COMP_LINE=$1; COMP_POINT=\${#1}; _keelson; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['-c', ask, 'bash', line.replace('keelson', program)], {
      encoding: 'utf8',
      cwd: folder,
    });
    return { out: out.trimEnd().split('\n'), asked: execFileSync('cat', [at('asked')], { encoding: 'utf8' }) };
  };

  test.skipIf(!isThere('bash')).each([
    ['keelson up --no', '--no-dns\\tA.\\n--nodes\\tB.\\n', ['--no-dns', '--nodes'], '3\n__complete\nup\n--no\n'],
    ['keelson up ', 'a\\n', ['a'], '3\n__complete\nup\n\n'],
    // Bash replaces what is behind the sign alone.
    ['keelson up --storage=m', '--storage=memory\\n', ['memory'], '3\n__complete\nup\n--storage=m\n'],
    ['keelson up --config scr', ':files\\n', ['script'], '4\n__complete\nup\n--config\nscr\n'],
    ['keelson up --config=scr', ':files\\n', ['script'], '3\n__complete\nup\n--config=scr\n'],
    ['keelson $(touch evil) ', 'a\\n', ['a'], '4\n__complete\n$(touch\nevil)\n\n'],
  ])('bash: %s', async (line, answer, expected, asked) => {
    expect(await inBash(line, answer)).toEqual({ out: expected, asked });
    expect(spawnSync('test', ['-e', at('evil')]).status).toBe(1);
  });

  test.each(['bash', 'zsh', 'fish'].filter(isThere))('%s reads its script', async (shell) => {
    writeFileSync(at('script'), (await say('completion', shell)).out);
    expect(spawnSync(shell, ['-n', at('script')], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});
