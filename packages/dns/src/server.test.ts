import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Frames, framed } from './forward.ts';
import { serveDns } from './server.ts';

const QUERIES = 2_000;
const LARGE = Buffer.alloc(60_000);

it('keeps no answers for who does not read them, and goes on answering others', async () => {
  let answered = 0;
  const server = await serveDns({
    host: '127.0.0.1',
    port: 0,
    admits: () => true,
    answer: async (query) => {
      if (query.toString() === 'small') return query;
      answered++;
      return LARGE;
    },
  });
  const client = async () => {
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  onTestFinished(() => server.stop());
  const greedy = (await client()).pause();
  greedy.write(Buffer.concat(Array.from({ length: QUERIES }, () => framed(Buffer.from('large')))));
  await expect.poll(() => answered).toBeGreaterThan(0);
  const modest = await client();
  modest.write(framed(Buffer.from('small')));
  const [reply] = (await once(modest, 'data')) as [Buffer];
  expect([...new Frames().add(reply)].map(String)).toEqual(['small']);
  // What the kernel holds is some of them; all together are 120 MB.
  expect(answered).toBeLessThan(QUERIES / 2);
});
