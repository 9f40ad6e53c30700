/** kube-apiserver's command line is what both Keelson and upstream understand: they are started alike. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureServingCertificate } from '@keelson/cluster/pki/self-signed';
import { type EtcdOptions, startEtcd } from './etcd.ts';
import {
  freePort,
  launch,
  type Server,
  type ServerKind,
  stopAll,
  TOKEN,
  TOKEN_FILE,
  untilReady,
  versionOf,
} from './server.ts';
import { pauseRecorder } from './usage.ts';

export interface ApiServerOptions {
  readonly name: string;
  /** Program and what goes before the flags. */
  readonly command: readonly string[];
  /** Whether it runs on Node.js, whose pauses can be measured. */
  readonly node: boolean;
  /** Without it: the embedded store, which Keelson has. */
  readonly etcd?: EtcdOptions;
}

export function apiServer({ name, command: [program = '', ...first], node, etcd }: ApiServerOptions): ServerKind {
  const storage = etcd
    ? `etcd, ${etcd.fsync ? 'fsync before each answer' : 'no fsync: not durable'}`
    : 'LMDB, flushed before each answer';
  const kind: ServerKind = {
    name,
    storage,
    start: async (directory) => {
      const file = (path: string) => join(directory, path);
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
      writeFileSync(file('sa.key'), key, { mode: 0o600 });
      writeFileSync(file('tokens.csv'), TOKEN_FILE, { mode: 0o600 });
      await ensureServingCertificate(file('certificates'), '127.0.0.1', ['localhost'], new Date());
      const store = etcd ? await startEtcd(etcd, directory) : undefined;
      const port = await freePort();
      const log = file('apiserver.log');
      const flags = {
        'bind-address': '127.0.0.1',
        'secure-port': port,
        'cert-dir': file('certificates'),
        'token-auth-file': file('tokens.csv'),
        'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
        'service-account-key-file': file('sa.key'),
        'service-account-signing-key-file': file('sa.key'),
        'service-cluster-ip-range': '10.0.0.0/24',
        'authorization-mode': 'Node,RBAC',
        ...(store ? { 'etcd-servers': store.endpoint } : { 'data-dir': file('data') }),
      };
      const pauseFile = file('pause');
      const start = performance.now();
      const child = launch(
        program,
        [...first, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
        log,
        node ? pauseRecorder(pauseFile) : {},
      );
      const processes = store ? [child, store.child] : [child];
      const base = `https://127.0.0.1:${port}`;
      try {
        await untilReady(base, child, log);
        const readyMs = performance.now() - start;
        const target = { base, token: TOKEN };
        const server: Server = {
          kind,
          ...target,
          version: await versionOf(target),
          readyMs,
          processes,
          ...(node ? { pauseFile } : {}),
          stop: () => stopAll(processes),
        };
        return server;
      } catch (error) {
        await stopAll(processes);
        throw error;
      }
    },
  };
  return kind;
}

/** A server that somebody else started. */
export function givenServer(base: string, token: string): ServerKind {
  const kind: ServerKind = {
    name: new URL(base).host,
    storage: 'as it was started',
    start: async () => {
      const version = await versionOf({ base, token });
      return { kind, base, token, version, readyMs: undefined, processes: [], stop: async () => {} };
    },
  };
  return kind;
}
