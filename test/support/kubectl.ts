import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { type Program, startProgram } from './process.ts';
import { tool } from './tools.ts';

export interface KubectlOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl`get pods -n ${namespace}`: words are split at blanks, each interpolated value is one argument. */
type Words = [strings: TemplateStringsArray, ...values: (string | number)[]];

export interface Kubectl {
  /** What it printed. @throws Error with its output when it fails */
  (...words: Words): Promise<string>;
  /** With input, environment or directory. */
  with(options: KubectlOptions): (...words: Words) => Promise<string>;
  /** Whatever the outcome. */
  result(options: KubectlOptions): (...words: Words) => Promise<KubectlResult>;
  /** What it prints with `-o json`, read. */
  json<T>(...words: Words): Promise<T>;
  /** In the background. */
  start(...words: Words): Program;
}

/**
 * The real kubectl with one kubeconfig.
 * @param within what it is to be run by: a command that enters a network
 */
export function kubectl(kubeconfig: string, within: readonly string[] = []): Kubectl {
  const run = (options: KubectlOptions, args: readonly string[]) =>
    new Promise<KubectlResult>((resolve, reject) => {
      const [command, ...rest] = [...within, tool('kubectl'), ...args];
      const child = spawn(command!, rest, {
        cwd: options.cwd,
        env: { PATH: process.env.PATH, HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig, ...options.env },
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (text) => {
        stdout += text;
      });
      child.stderr.on('data', (text) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      child.stdin.on('error', () => {});
      child.stdin.end(options.stdin ?? '');
    });
  const succeed =
    (options: KubectlOptions) =>
    async (...words: Words) => {
      const args = split(words);
      const { code, stdout, stderr } = await run(options, args);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
      return stdout;
    };
  return Object.assign(succeed({}), {
    with: succeed,
    result:
      (options: KubectlOptions) =>
      (...words: Words) =>
        run(options, split(words)),
    json: async <T>(...words: Words) => {
      const { code, stdout, stderr } = await run({}, [...split(words), '-o', 'json']);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as T;
    },
    start: (...words: Words) =>
      startProgram(tool('kubectl'), split(words), { env: { KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) } }),
  });
}

function split([strings, ...values]: Words): string[] {
  const mark = '\u0000';
  const text = strings.join(mark);
  let next = 0;
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(mark, () => String(values[next++])));
}
