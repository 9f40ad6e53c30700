/** What is in the images. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { IMAGE_USER } from '../../packages/cluster/src/install/images.ts';
import { libraries, stripped } from './elf.ts';
import { directory, type Entry, file, link } from './tar.ts';

const root = join(import.meta.dirname, '../..');
const HOME = 'usr/lib/keelson';

/** Names of programs that the image of the control plane has. */
export const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Loaded by `require`, after the start: they stay files of their own. */
const REQUIRED = ['@peculiar/x509', 'reflect-metadata'];

/** Not in the image: who has the embedded store runs the server as a process of the machine. */
const LEFT_OUT = ['lmdb'];

/** A program of this machine with its libraries, as `/usr/local/bin/NAME`. */
export function programLayer(path: string, name: string): Entry[] {
  const [user, id] = ['nonroot', IMAGE_USER];
  return [
    file(`usr/local/bin/${name}`, stripped(readFileSync(path)), 0o755),
    ...libraries(path).map((library) => file(library.slice(1), stripped(readFileSync(realpathSync(library))), 0o755)),
    file('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\n${user}:x:${id}:${id}:${user}:/:/sbin/nologin\n`),
    file('etc/group', `root:x:0:\n${user}:x:${id}:\n`),
    directory('tmp', 0o1777),
  ];
}

/** The programs of the control plane, in JavaScript. */
export async function controlPlaneLayer(): Promise<Entry[]> {
  const bundle = await bundled(
    Object.fromEntries(PROGRAMS.map((name) => [name, join(root, `packages/cluster/dist/bin/${name}.js`)])),
    'esm',
    [...REQUIRED, ...LEFT_OUT],
  );
  const modules = await Promise.all(
    REQUIRED.map(async (name) => {
      const [code] = (await bundled({ index: name }, 'cjs', [])).values();
      return [
        file(`${HOME}/node_modules/${name}/index.js`, code!),
        file(`${HOME}/node_modules/${name}/package.json`, '{"type":"commonjs"}\n'),
      ];
    }),
  );
  const openapi = 'packages/apiserver/dist/openapi.json.gz';
  return [
    file(`${HOME}/package.json`, '{"type":"module"}\n'),
    ...Array.from(bundle, ([name, code]) => file(`${HOME}/bundle/${name}`, code)),
    ...modules.flat(),
    file(
      `${HOME}/node_modules/@keelson/apiserver/package.json`,
      readFileSync(join(root, 'packages/apiserver/package.json')),
    ),
    file(`${HOME}/node_modules/@keelson/apiserver/dist/openapi.json.gz`, readFileSync(join(root, openapi))),
    // A manifest's `command: [kube-apiserver, …]` finds a program, though there is no shell: the kernel reads this line.
    ...PROGRAMS.flatMap((name) => [
      file(`${HOME}/bin/${name}`, `#!/usr/local/bin/node\nimport '../bundle/${name}.js';\n`, 0o755),
      link(`usr/local/bin/${name}`, `/${HOME}/bin/${name}`),
    ]),
    file('usr/share/doc/keelson/LICENSE', readFileSync(join(root, 'LICENSE'))),
  ];
}

async function bundled(
  input: Record<string, string>,
  format: 'esm' | 'cjs',
  external: readonly string[],
): Promise<Map<string, string>> {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: external.flatMap((name) => [name, new RegExp(`^${name}/`)]),
  });
  const { output } = await bundle.generate({ format, dir: 'bundle' });
  await bundle.close();
  return new Map(output.map((each) => [each.fileName, each.type === 'chunk' ? each.code : String(each.source)]));
}
