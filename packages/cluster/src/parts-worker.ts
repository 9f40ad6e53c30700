/** The thread that `parts-thread.ts` starts. */
import './commands/compile-cache.ts';
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData, Word } from './parts-thread.ts';

const [
  { createLogger },
  { Verbosity },
  { giveBackMemory },
  { startParts },
  { ClusterPki },
  { PortClient },
  { StartupError },
] = await Promise.all([
  import('@keelson/component/logs/logger'),
  import('@keelson/component/logs/verbosity'),
  import('./commands/memory.ts'),
  import('./parts.ts'),
  import('./pki/cluster-pki.ts'),
  import('./port-transport.ts'),
  import('./startup-error.ts'),
]);

const parent = parentPort!;
const say = (word: Word): void => parent.postMessage(word);

async function run({ situation, parts, port }: ThreadData): Promise<void> {
  const { pkiDirectory, verbosity, ...place } = situation;
  const client = new PortClient(port);
  const logger = createLogger({
    format: 'text',
    verbosity: new Verbosity(verbosity),
    component: 'keelson',
    pid: process.pid,
    now: () => new Date(),
    write: (line) => void process.stderr.write(line),
  });
  const connect = (certificate?: string) => client.connect(certificate);
  const running = await startParts({ ...place, pki: new ClusterPki(pkiDirectory), logger, connect }, parts);
  parent.once('message', () => void running.stop());
  say({ type: 'started', node: running.node });
  await running.done;
}

giveBackMemory();
run(workerData as ThreadData).then(
  () => say({ type: 'ended', failure: undefined }),
  (failure: Error) => {
    if (failure instanceof StartupError) say({ type: 'refused', message: failure.message, remedy: failure.remedy });
    else say({ type: 'ended', failure });
  },
);
