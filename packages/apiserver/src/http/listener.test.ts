import { afterEach, expect, it } from 'vitest';
import { type Listener, type ListeningOptions, listen } from './listener.ts';
import { onFault, selfSigned } from './testing.ts';

const listeners: Listener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close(0))));

async function start(port: number, options: ListeningOptions): Promise<Listener> {
  const material = { certificate: await selfSigned('127.0.0.1'), named: [], clientCa: undefined };
  const listener = await listen({ host: '127.0.0.1', port, material, onExchange: () => {}, onFault, ...options });
  listeners.push(listener);
  return listener;
}

it('shares its port with those alone that want to share it', async () => {
  const { port } = await start(0, { sharesPort: true });
  expect((await start(port, { sharesPort: true })).port).toBe(port);
  await expect(start(port, {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
