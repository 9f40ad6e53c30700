/**
 * Makes the images that a control plane of static pods runs from, without docker and without a registry: dist/images/*.tar.
 * The same sources on the same machine give the same bytes.
 *
 *   node scripts/image.ts [--import] [--address SOCKET] [--output DIR] [--repository NAME] [--etcd FILE] [--level N]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { IMAGE_REPOSITORY, IMAGE_USER, imageName } from '../packages/cluster/src/install/images.ts';
import { keelsonVersion } from '../packages/component/src/version.ts';
import { CONTROL_PLANE_PROGRAMS, keelsonLayer, NODE_PROGRAMS, programLayer, toolsLayer } from './image/contents.ts';
import { type ImageSpec, imageArchive } from './image/oci.ts';
import { pauseProgram } from './image/pause.ts';
import { file } from './image/tar.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    import: { type: 'boolean', default: false },
    address: { type: 'string', default: '/run/containerd/containerd.sock' },
    output: { type: 'string', default: join(root, 'dist/images') },
    repository: { type: 'string', default: IMAGE_REPOSITORY },
    etcd: { type: 'string' },
    level: { type: 'string', default: '12' },
  },
});
const { repository, output } = values;
const labels = {
  'org.opencontainers.image.licenses': 'Apache-2.0',
  'org.opencontainers.image.title': 'keelson',
  'org.opencontainers.image.version': keelsonVersion,
};
const common = { user: `${IMAGE_USER}:${IMAGE_USER}`, labels };

const CONTROL_PLANE_IMAGES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'dns'] as const;
const NODE_IMAGES = ['kube-proxy', 'pod-network'] as const;

mkdirSync(output, { recursive: true });
const node = programLayer(join(root, 'node_modules/.bin/node'), 'node');
write('keelson', {
  ...common,
  layers: [node, await keelsonLayer(CONTROL_PLANE_PROGRAMS)],
  entrypoint: ['kube-apiserver'],
  names: CONTROL_PLANE_IMAGES.map((name) => imageName(name, repository)),
});
const tools = toolsLayer();
if (tools.missing.length > 0)
  console.error(`No image of what runs on every node: this machine has no ${tools.missing.join(', ')}`);
else
  write('node', {
    ...common,
    layers: [node, tools.layer, await keelsonLayer(NODE_PROGRAMS)],
    entrypoint: ['kube-proxy'],
    names: NODE_IMAGES.map((name) => imageName(name, repository)),
  });
const etcd = [values.etcd, join(root, '.tools/root/usr/bin/etcd'), '/usr/bin/etcd', '/usr/local/bin/etcd'].find(
  (path) => path !== undefined && existsSync(path),
);
if (etcd === undefined)
  console.error("No image of etcd: none is installed; 'sh scripts/tools.sh' fetches one, or name it with --etcd");
else {
  const [, version] = /etcd Version: (\S+)/.exec(execFileSync(etcd, ['--version'], { encoding: 'utf8' })) ?? [];
  write('etcd', {
    user: common.user,
    labels: { 'org.opencontainers.image.title': 'etcd', 'org.opencontainers.image.version': version! },
    layers: [programLayer(etcd, 'etcd')],
    entrypoint: ['etcd'],
    names: [imageName('etcd', repository, `${version}-0`), imageName('etcd', repository)],
  });
}

// The image that a container runtime holds each pod's namespaces by; it is told of it in its own settings.
if (process.arch === 'x64') {
  write('pause', {
    ...common,
    layers: [[file('pause', pauseProgram(), 0o755)]],
    entrypoint: ['/pause'],
    names: [imageName('pause', repository)],
  });
}

function write(name: string, spec: ImageSpec): void {
  const path = join(output, `${name}.tar`);
  const bytes = imageArchive(spec, Number(values.level));
  writeFileSync(path, bytes);
  console.log(`${path}: ${(bytes.length / 2 ** 20).toFixed(1)} MiB: ${spec.names.join(', ')}`);
  if (values.import) {
    execFileSync('ctr', ['-a', values.address, '-n', 'k8s.io', 'images', 'import', path], { stdio: 'inherit' });
  }
}
