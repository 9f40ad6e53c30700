/** Stand-ins for the images that upstream's end-to-end tests name, made of agnhost and busybox. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { libraries } from '../../../scripts/image/elf.ts';
import { archive, busyboxFiles, type Image, layer, writeUsers } from '../../support/image-archive.ts';
import { tool } from '../../support/tools.ts';

const registry = 'registry.k8s.io';
const e2e = (name: string) => `${registry}/e2e-test-images/${name}`;

/** Ends at the first signal, as process 1 does not by itself. */
const pause = `#!/bin/sh
trap 'exit 0' TERM INT
while :; do sleep 2147483647 & wait $!; done
`;

/** The time with milliseconds, which is all that tests ask of busybox's. */
const nmeter = `#!/usr/bin/sh
now=$EPOCHREALTIME
micros=\${now#*.}
printf '%(%T)T.%s\\n' "\${now%.*}" "\${micros%???}"
`;

/**
 * Makes the images.
 * @param directory an empty one, for the work
 * @param agnhost path of upstream's test/images/agnhost, linked statically. Beside it may be sample-apiserver and regression-issue-74839,
 *   linked so too: without them there are no images of them, nor one of etcd
 * @returns the path of a tar that container runtimes import
 */
export function suiteImages(directory: string, agnhost: string): string {
  mkdirSync(directory, { recursive: true });
  const base = layer(directory, 'base', (root) => {
    busyboxFiles(root);
    // busybox's shell does not hand on variables whose names it cannot use itself; containers of `sh` may have such.
    // Its own words are expected of `/bin/sh`.
    symlinkSync(withLibraries(root, 'bash'), join(root, 'usr/bin/sh'));
    executable(join(root, 'pause'), pause);
    executable(join(root, 'usr/bin/nmeter'), nmeter);
    writeFileSync(join(root, 'etc/os-release'), 'NAME="Alpine Linux"\nID=alpine\n');
  });
  const tools = layer(directory, 'agnhost', (root) => {
    copyFileSync(agnhost, join(root, 'agnhost'));
    symlinkSync('agnhost', join(root, 'agnhost-2'));
    mkdirSync(join(root, 'uploads'));
    selfSigned(root);
    for (const program of ['curl', 'dig', 'getent', 'nsenter', 'printenv', 'wget']) withLibraries(root, program);
    mkdirSync(join(root, 'bin'), { recursive: true });
    // busybox's knows neither datagrams nor most options, and its shell no other.
    symlinkSync(withLibraries(root, 'nc.openbsd'), join(root, 'bin/nc'));
    const bash = withLibraries(root, 'bash');
    symlinkSync(bash, join(root, 'bin/sh'));
    if (bash !== '/bin/bash') symlinkSync(bash, join(root, 'bin/bash'));
    usersOf(root);
  });
  const flows = layer(directory, 'conntrack', (root) => withLibraries(root, 'conntrack'));
  const privileged = layer(directory, 'nnp', (root) => {
    copyFileSync(agnhost, join(root, 'nnp'));
    chmodSync(join(root, 'nnp'), 0o4755);
  });
  const site = layer(directory, 'site', (root) => {
    mkdirSync(join(root, 'usr/share/nginx/html'), { recursive: true });
    writeFileSync(join(root, 'usr/share/nginx/html/index.html'), '<title>Welcome to nginx!</title>\n');
  });
  const pictures = (name: string) =>
    layer(directory, name, (root) => {
      writeFileSync(join(root, `${name}.jpg`), '');
      writeFileSync(join(root, 'data.json'), JSON.stringify({ image: `${name}.jpg` }));
    });
  const agnhostCommand = { Entrypoint: ['/agnhost'], Cmd: ['pause'], WorkingDir: '/' };
  const server = { Entrypoint: ['/bin/httpd', '-f', '-p', '80', '-h', '/usr/share/nginx/html'] };
  const images: Image[] = [
    { names: [e2e('agnhost:2.55'), e2e('agnhost:2.63.0')], layers: [base, tools], config: agnhostCommand },
    { names: [e2e('busybox:1.36.1-1'), e2e('busybox:1.37.0-1')], layers: [base], config: { Cmd: ['sh'] } },
    {
      names: [`${registry}/pause:3.10`, `${registry}/pause:3.10.2`],
      layers: [base],
      config: { Entrypoint: ['/pause'] },
    },
    { names: [`${registry}/build-image/distroless-iptables:v0.9.3`], layers: [base, flows], config: {} },
    { names: [e2e('glibc-dns-testing:2.0.0')], layers: [base, tools], config: {} },
    { names: [e2e('nonroot:1.5')], layers: [base, tools], config: { ...agnhostCommand, User: '1234' } },
    { names: [e2e('nginx:1.15-4'), e2e('nginx:1.27-0')], layers: [base, site], config: server },
    { names: [e2e('nonewprivs:1.4')], layers: [base, privileged], config: { Entrypoint: ['/nnp', 'nonewprivs'] } },
    ...['kitten', 'nautilus'].map((name) => ({
      names: [e2e(`${name}:1.8`)],
      layers: [base, tools, pictures(name)],
      config: { ...agnhostCommand, Cmd: ['test-webserver'] },
    })),
  ];
  const beside = (program: string) => join(dirname(agnhost), program);
  const [sampleServer, regression] = [beside('sample-apiserver'), beside('regression-issue-74839')];
  if (existsSync(sampleServer)) images.push(...extensionImages(directory, base, sampleServer));
  if (existsSync(regression)) images.push(programImage(directory, base, regression, '1.5'));
  return archive(directory, images.flatMap(oneForEachName));
}

/** Of an image with several names a runtime tells one, where tests look for that which they have asked for. */
function oneForEachName({ names, config, ...image }: Image): Image[] {
  return names.map((name) => ({ ...image, names: [name], config: { ...config, Labels: { name } } }));
}

/** One program, under its own name. */
function programImage(directory: string, base: Image['layers'][number], program: string, tag: string): Image {
  const name = basename(program);
  const own = layer(directory, name, (root) => {
    copyFileSync(program, join(root, name));
    chmodSync(join(root, name), 0o755);
  });
  return { names: [e2e(`${name}:${tag}`)], layers: [base, own], config: { Entrypoint: [`/${name}`] } };
}

/** An API server for the aggregation layer, and its store. */
function extensionImages(directory: string, base: Image['layers'][number], sampleServer: string): Image[] {
  const store = layer(directory, 'etcd', (root) => {
    mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
    symlinkSync(withLibraries(root, tool('etcd')), join(root, 'usr/local/bin/etcd'));
  });
  return [
    programImage(directory, base, sampleServer, '1.29.2'),
    { names: [`${registry}/etcd:3.6.8-0`], layers: [base, store], config: { Cmd: ['/usr/local/bin/etcd'] } },
  ];
}

/** The certificate that agnhost serves TLS with, and that web servers of tests show. */
function selfSigned(root: string): void {
  const files = ['-keyout', join(root, 'localhost.key'), '-out', join(root, 'localhost.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', ...subject, ...files], {
    stdio: 'ignore',
  });
  chmodSync(join(root, 'localhost.key'), 0o644);
}

/** The users that agnhost's image has besides the usual ones. */
function usersOf(root: string): void {
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeUsers(root, {
    passwd: 'user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n',
    group: 'user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
  });
}

function executable(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** A program of this machine, and the shared libraries that it loads. @returns its path */
function withLibraries(root: string, program: string): string {
  const path = execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  for (const file of [path, ...libraries(path)]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    copyFileSync(file, join(root, file));
    chmodSync(join(root, file), 0o755);
  }
  return path;
}
