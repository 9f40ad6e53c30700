// Makes one file of each command, and of the threads that some of them start, out of what tsc built, so that a start reads a
// few files and not hundreds: that halves the time until the server answers. The launchers in bin/ take the bundle as long
// as it is newer than what it is made of.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundleOf, entriesOf } from './bundling.ts';

const root = join(import.meta.dirname, '..');

/** Native code, and what no start needs. */
const external = ['lmdb', '@grpc/grpc-js'];

const commands = readdirSync(join(root, 'packages/cluster/src/bin')).map((file) => file.replace(/\.ts$/, ''));
const bundle = await bundleOf(entriesOf(commands), external);
const { output } = await bundle.write({
  dir: join(root, 'packages/cluster/dist/bundle'),
  format: 'esm',
  cleanDir: true,
  // V8 keeps the text of what it runs, two bytes a character where one of them is beyond Latin-1.
  charset: 'ascii',
  comments: { legal: true, annotation: false, jsdoc: false },
});
await bundle.close();

const careless = output.filter((chunk) => chunk.type === 'chunk' && chunk.imports.includes('node:http'));
if (careless.length > 0) {
  const files = careless.map(({ fileName }) => fileName).join(', ');
  throw new Error(`${files}: node:http, imported as an ES module, loads undici: import @keelson/component/node-http`);
}
