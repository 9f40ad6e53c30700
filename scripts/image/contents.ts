/** What is in the images. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_USER } from '../../packages/cluster/src/install/images.ts';
import { bundleOf, entriesOf } from '../bundling.ts';
import { isProgram, libraries, stripped } from './elf.ts';
import { directory, type Entry, file, link } from './tar.ts';

const root = join(import.meta.dirname, '../..');
const HOME = 'usr/lib/keelson';

/** Programs that the image of the control plane has, and that of what runs on every node. */
export const CONTROL_PLANE_PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'keelson-dns'];
export const NODE_PROGRAMS = ['kube-proxy', 'keelson-pod-network'];

/** What those of a node run, of Debian's nftables and iproute2; and what they do without where there is none, of conntrack. */
const NODE_TOOLS = ['nft', 'ip', 'bridge'];
const USEFUL_TOOLS = ['conntrack'];

/** Where programs of root's are, and those that were fetched for tests. */
const TOOL_FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', join(root, '.tools/root/usr/sbin')];
const FETCHED = join(root, '.tools/root');

/** Loaded by `require`, after the start: they stay files of their own. */
const REQUIRED = ['@peculiar/x509', 'reflect-metadata'];

/** Not in the image: who has the embedded store runs the server as a process of the machine. */
const LEFT_OUT = ['lmdb'];

/** A program of this machine with its libraries, as `/usr/local/bin/NAME`. */
export function programLayer(path: string, name: string): Entry[] {
  const [user, id] = ['nonroot', IMAGE_USER];
  return [
    ...programEntries(path, name),
    file('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\n${user}:x:${id}:${id}:${user}:/:/sbin/nologin\n`),
    file('etc/group', `root:x:0:\n${user}:x:${id}:\n`),
    directory('tmp', 0o1777),
  ];
}

/** What {@link NODE_PROGRAMS} run. @returns also the names of what this machine lacks for it */
export function toolsLayer(): { readonly layer: Entry[]; readonly missing: readonly string[] } {
  const found = [...NODE_TOOLS, ...USEFUL_TOOLS].flatMap((name) => {
    const path = toolOf(name);
    return path === undefined ? [] : [{ name, path }];
  });
  return {
    layer: found.flatMap(({ name, path }) => programEntries(path, name)),
    missing: NODE_TOOLS.filter((name) => !found.some((tool) => tool.name === name)),
  };
}

/** A program itself, not a script in its place. */
function toolOf(name: string): string | undefined {
  const paths = TOOL_FOLDERS.map((folder) => join(folder, name)).filter((path) => existsSync(path));
  return paths.find((path) => isProgram(path));
}

function programEntries(path: string, name: string): Entry[] {
  const fetched = path.startsWith(FETCHED) ? join(FETCHED, 'usr/lib', `${MACHINE}-linux-gnu`) : undefined;
  return [
    file(`usr/local/bin/${name}`, stripped(readFileSync(path)), 0o755),
    ...libraries(path, fetched).map((library) =>
      file(library.replace(FETCHED, '').slice(1), stripped(readFileSync(realpathSync(library))), 0o755),
    ),
  ];
}

const MACHINE = process.arch === 'x64' ? 'x86_64' : 'aarch64';

/** Programs of Keelson, in JavaScript. @param programs names of commands */
export async function keelsonLayer(programs: readonly string[]): Promise<Entry[]> {
  const bundle = await bundled(entriesOf(programs), 'esm', [...REQUIRED, ...LEFT_OUT]);
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
    ...(programs.includes('kube-apiserver')
      ? [
          file(
            `${HOME}/node_modules/@keelson/apiserver/package.json`,
            readFileSync(join(root, 'packages/apiserver/package.json')),
          ),
          file(`${HOME}/node_modules/@keelson/apiserver/dist/openapi.json.gz`, readFileSync(join(root, openapi))),
        ]
      : []),
    // A manifest's `command: [kube-apiserver, …]` finds a program, though there is no shell: the kernel reads this line.
    ...programs.flatMap((name) => [
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
  const bundle = await bundleOf(input, external);
  const { output } = await bundle.generate({ format, dir: 'bundle' });
  await bundle.close();
  return new Map(output.map((each) => [each.fileName, each.type === 'chunk' ? each.code : String(each.source)]));
}
