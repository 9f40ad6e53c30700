import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { freePort, type Program, startProgram, untilReady } from '../support/process.ts';
import { OutcomeUnknownError } from './target.ts';

const binary = join(import.meta.dirname, '../../bin/kube-apiserver');
const COLLECTION = '/api/v1/namespaces/default/configmaps';

export interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly value?: string };
}

export interface ApiEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR';
  readonly object: ConfigMap;
}

/** An API server on a data directory of its own, killed and started again at will. */
export class ApiTarget {
  readonly #directory: string;
  readonly #token = randomBytes(16).toString('hex');
  readonly #signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  #port = 0;
  #program: Program | undefined;
  #agent = new https.Agent();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(): Promise<void> {
    this.#port ||= await freePort();
    const tokens = join(this.#directory, 'tokens.csv');
    await writeFile(tokens, `${this.#token},admin,admin,system:masters\n`);
    const key = join(this.#directory, 'sa.key');
    await writeFile(key, this.#signingKey.export({ type: 'pkcs1', format: 'pem' }));
    this.#agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
    this.#program = startProgram(binary, [
      `--data-dir=${join(this.#directory, 'db')}`,
      `--cert-dir=${join(this.#directory, 'certs')}`,
      `--token-auth-file=${tokens}`,
      `--secure-port=${this.#port}`,
      '--bind-address=127.0.0.1',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
    ]);
    await untilReady(this.#program, async () => (await this.#request('GET', '/readyz')).status === 200);
  }

  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL');
    this.#agent.destroy();
  }

  /** Creates (no `resourceVersion`), updates or, without a value, deletes. @throws OutcomeUnknownError */
  async write(name: string, value: string | undefined, resourceVersion: string | undefined): Promise<ConfigMap> {
    const body = { metadata: { name, resourceVersion }, data: { value } };
    const answer =
      value === undefined
        ? await this.#request('DELETE', `${COLLECTION}/${name}`)
        : resourceVersion === undefined
          ? await this.#request('POST', COLLECTION, body)
          : await this.#request('PUT', `${COLLECTION}/${name}`, body);
    if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as ConfigMap;
  }

  async list(): Promise<{ items: ConfigMap[]; resourceVersion: string }> {
    const { body } = await this.#request('GET', COLLECTION);
    const list = JSON.parse(body) as { items: ConfigMap[]; metadata: { resourceVersion: string } };
    return { items: list.items, resourceVersion: list.metadata.resourceVersion };
  }

  /** Every change after a revision, until the server dies. */
  watch(resourceVersion: string, onEvent: (event: ApiEvent) => void): Promise<void> {
    return new Promise((resolve) => {
      const path = `${COLLECTION}?watch=1&resourceVersion=${resourceVersion}`;
      const request = https.get({ ...this.#options('GET', path), agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const lines = (text + chunk).split('\n');
          text = lines.pop()!;
          for (const line of lines) onEvent(JSON.parse(line) as ApiEvent);
        });
        response.on('close', resolve);
        response.on('error', () => {});
      });
      request.on('error', () => resolve());
    });
  }

  #options(method: string, path: string): https.RequestOptions {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    return {
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      headers,
      agent: this.#agent,
      rejectUnauthorized: false,
    };
  }

  #request(method: string, path: string, body?: object): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new OutcomeUnknownError());
      const request = https.request(this.#options(method, path), (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('aborted', fail);
        response.on('error', fail);
      });
      request.on('error', fail);
      request.end(body && JSON.stringify(body));
    });
  }
}
