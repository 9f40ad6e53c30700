/** What there is to say of the components of a control plane (pkg/registry/core/componentstatus). */
import https from 'node:https';
import type { ComponentStatus } from '@keelson/api/generated/types/core/v1';
import { goErrorText } from '../../../connect/goerror.ts';

export interface ComponentProbes {
  /** Rejects with what is wrong. */
  readonly storeHealth: () => Promise<void>;
}

/** The default ports: upstream looks nowhere else. */
const SERVERS = { 'controller-manager': 10257, scheduler: 10259 } as const;
const TIMEOUT_MS = 20_000;
const BODY_LIMIT_BYTES = 10 * 1024;

/** Asks all components at once. */
export function componentStatuses({ storeHealth }: ComponentProbes): Promise<ComponentStatus[]> {
  return Promise.all([
    ...Object.entries(SERVERS).map(([name, port]) => probeServer(name, `https://127.0.0.1:${port}/healthz`)),
    probeStore('etcd-0', storeHealth),
  ]);
}

async function probeStore(name: string, health: () => Promise<void>): Promise<ComponentStatus> {
  try {
    await health();
    return status(name, true, 'ok');
  } catch (error) {
    return status(name, false, '', (error as Error).message);
  }
}

function probeServer(name: string, url: string): Promise<ComponentStatus> {
  return new Promise((resolve) => {
    const fail = (text: string) => resolve(status(name, false, text));
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const request = https.get(url, { rejectUnauthorized: false, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
      });
      response.on('end', () => {
        const code = response.statusCode ?? 0;
        if (code >= 200 && code < 400) resolve(status(name, true, Buffer.concat(chunks).toString()));
        else fail(`HTTP probe failed with statuscode: ${code}`);
      });
      response.on('error', (error) => fail(error.message));
    });
    request.on('error', (error) => fail(`Get "${url}": ${signal.aborted ? DEADLINE : goErrorText(error, url)}`));
  });
}

const DEADLINE = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';

function status(name: string, isHealthy: boolean, message: string, error = ''): ComponentStatus {
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [
      {
        type: 'Healthy',
        status: isHealthy ? 'True' : 'False',
        ...(message === '' ? {} : { message }),
        ...(error === '' ? {} : { error }),
      },
    ],
  };
}
