/** The thread of `load.ts`: asks for one path all the time, until it is told to stop; then says what it was answered. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Answer, h2Client } from './h2-client.ts';
import type { Load } from './load.ts';

const { url, token, path, connections, inFlight } = workerData as Load;
/** Between two requests of one that was refused: less than what it is told to wait. */
const PATIENCE_MS = 50;

let isOver = false;
const answers: Answer[] = [];

async function again(send: () => Promise<Answer>): Promise<void> {
  while (!isOver) {
    const answer = await send();
    if (answers.push(answer) === 1) parentPort!.postMessage('begun');
    if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  }
}

const clients = Array.from({ length: connections }, () => h2Client(url, token));
const done = Promise.all(
  Array.from({ length: inFlight }, (_, i) => again(() => clients[i % connections]!.request('GET', path))),
);
parentPort!.once('message', async () => {
  isOver = true;
  await done;
  for (const client of clients) client.close();
  parentPort!.postMessage(answers);
});
