// Makes one file of each command, and of the threads that some of them start, out of what tsc built, so that a start reads a
// few files and not hundreds: that halves the time until the server answers. The launchers in bin/ take the bundle as long
// as it is newer than what it is made of.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleOf, entriesOf } from './bundling.ts';

const root = join(import.meta.dirname, '..');

/** Native code, and what no start needs. */
const external = ['lmdb', '@grpc/grpc-js'];

const commands = readdirSync(join(root, 'packages/cluster/src/bin')).map((file) => file.replace(/\.ts$/, ''));
const dir = join(root, 'packages/cluster/dist/bundle');

rmSync(dir, { recursive: true, force: true });
// Each by itself: what several share would be parted into as many files as there are ways to share it, and a start pays for each.
for (const [name, file] of Object.entries(entriesOf(commands))) {
  const bundle = await bundleOf({ [name]: file }, external);
  await bundle.write({
    dir,
    format: 'esm',
    // V8 keeps the text of what it runs, two bytes a character where one of them is beyond Latin-1.
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundle.close();
}
