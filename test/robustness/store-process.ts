// A process that serves an LMDB store to its parent: `fork('store-process.ts', [DIRECTORY])`, see store-target.ts.
import { openStore, type Store } from '@keelson/storage';

export type Call =
  | { readonly id: number; readonly method: 'put'; readonly args: Parameters<Store['put']> }
  | { readonly id: number; readonly method: 'delete'; readonly args: Parameters<Store['delete']> }
  | { readonly id: number; readonly method: 'list'; readonly args: Parameters<Store['list']> }
  | { readonly id: number; readonly method: 'compact'; readonly args: Parameters<Store['compact']> }
  | { readonly id: number; readonly method: 'compactedRevision'; readonly args: [] }
  | { readonly id: number; readonly method: 'size'; readonly args: [] }
  | { readonly id: number; readonly method: 'watch'; readonly args: [prefix: string, fromRevision: number] };

const send = (message: object) => process.send!(message);
const [directory] = process.argv.slice(2);

try {
  const store = await openStore({ engine: 'lmdb', directory: directory! });
  const run = async (call: Call): Promise<unknown> => {
    switch (call.method) {
      case 'put':
        return store.put(...call.args);
      case 'delete':
        return store.delete(...call.args);
      case 'list':
        return store.list(...call.args);
      case 'compact':
        return store.compact(...call.args);
      case 'compactedRevision':
        return store.compactedRevision();
      case 'size':
        return store.size();
      case 'watch': {
        const [prefix, fromRevision] = call.args;
        const onError = (error: Error) => send({ watch: call.id, error: error.message });
        store.watch({ prefix, fromRevision, onBatch: (batch) => send({ watch: call.id, batch }), onError });
        return undefined;
      }
    }
  };
  process.on('message', (call: Call) => {
    run(call).then(
      (result) => send({ id: call.id, result }),
      (error: Error) => send({ id: call.id, error: error.message }),
    );
  });
  send({ ready: true });
} catch (error) {
  send({ failed: (error as Error).message });
  process.disconnect();
}
