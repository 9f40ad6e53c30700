import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';

/** The files by which members of etcd know each other and their clients. */
export interface EtcdTls {
  readonly caFile: string;
  /** A client's. */
  readonly certFile: string;
  readonly keyFile: string;
  /** What a member is told of them. */
  readonly flags: readonly string[];
}

/** Makes an authority of etcd's own and what it signs. Nobody who lacks a certificate gets an answer. */
export async function createEtcdTls(directory: string): Promise<EtcdTls> {
  const now = new Date();
  const authority = await createAuthority('etcd-ca', now);
  const server = await issue(
    { commonName: 'etcd', usage: 'server', names: ['127.0.0.1', 'localhost'] },
    authority,
    now,
  );
  const client = await issue({ commonName: 'kube-apiserver-etcd-client', usage: 'client' }, authority, now);
  const files = {
    'ca.crt': authority.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'client.crt': client.certificate,
    'client.key': client.key,
  };
  const path = (name: keyof typeof files) => join(directory, name);
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  return {
    caFile: path('ca.crt'),
    certFile: path('client.crt'),
    keyFile: path('client.key'),
    flags: ['', 'peer-'].flatMap((whose) => [
      `--${whose}client-cert-auth`,
      `--${whose}trusted-ca-file=${path('ca.crt')}`,
      `--${whose}cert-file=${path('server.crt')}`,
      `--${whose}key-file=${path('server.key')}`,
      `--${whose}client-cert-file=${path('client.crt')}`,
      `--${whose}client-key-file=${path('client.key')}`,
    ]),
  };
}

/** An agent that shows the client's certificate. */
export async function agentOf({ caFile, certFile, keyFile }: EtcdTls): Promise<https.Agent> {
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map((file) => readFile(file)));
  return new https.Agent({ ca, cert, key });
}
