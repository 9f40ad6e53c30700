// Fills an LMDB store in the directory given until its file can't grow, and prints what came of it.
import { openStore } from '@keelson/storage';

const [directory] = process.argv.slice(2);
const store = await openStore({ engine: 'lmdb', directory: directory! });
let accepted = 0;
let refused = 0;
const errors = new Set<string>();
while (refused < 10) {
  try {
    await store.put(`/large-${accepted}`, new Uint8Array(200_000), { expect: 0 });
    accepted++;
  } catch (error) {
    refused++;
    errors.add(String(error));
  }
}
const listed = (await store.list({ prefix: '/' })).count;
await store.put('/small', new Uint8Array(10), { expect: 0 });
await store.close();

const again = await openStore({ engine: 'lmdb', directory: directory! });
const listedAgain = (await again.list({ prefix: '/' })).kvs.length;
await again.close();
console.log(JSON.stringify({ accepted, refused, errors: [...errors], listed, listedAgain }));
