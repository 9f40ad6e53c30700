/** Container images made of files of this machine, as `docker save` writes them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fetched } from './tools.ts';

const busybox = [fetched('usr/bin/busybox'), fetched('bin/busybox')].find((each) => existsSync(each)) ?? '/bin/busybox';

/** A tar of files, by its content's digest. */
export interface Layer {
  readonly file: string;
  readonly digest: string;
}

/** What an image's containers run, in the terms of the OCI image configuration. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface Image {
  readonly names: readonly string[];
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

/**
 * Makes a layer of what `fill` puts into an empty folder; its files belong to root.
 * @param directory for the layer's tar, named `NAME.tar`
 */
export function layer(directory: string, name: string, fill: (root: string) => void): Layer {
  const root = join(directory, `${name}.root`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  fill(root);
  const file = `${name}.tar`;
  execFileSync('tar', ['--numeric-owner', '--owner=0', '--group=0', '-C', root, '-cf', join(directory, file), '.']);
  rmSync(root, { recursive: true });
  return {
    file,
    digest: createHash('sha256')
      .update(readFileSync(join(directory, file)))
      .digest('hex'),
  };
}

/** A shell and its tools, and the folders and users that a container wants. */
export function busyboxFiles(root: string): void {
  for (const each of ['bin', 'tmp', 'etc', 'proc', 'dev', 'sys', 'var', 'home', 'root'])
    mkdirSync(join(root, each), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const tool of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (tool && tool !== 'busybox') symlinkSync('busybox', join(root, 'bin', tool));
  }
  writeUsers(root);
}

/** @param user one besides root and nobody, with the groups that it is a member of; lines of /etc/passwd and /etc/group */
export function writeUsers(root: string, user = { passwd: '', group: '' }): void {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n';
  writeFileSync(join(root, 'etc/passwd'), passwd + user.passwd);
  writeFileSync(join(root, 'etc/group'), `root:x:0:\nnobody:x:65534:\n${user.group}`);
}

/** One tar of images whose layers are in `directory`. @returns its path */
export function archive(directory: string, images: readonly Image[]): string {
  const members = new Set(['manifest.json']);
  const manifest = images.map(({ names, layers, config }) => {
    const text = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], ...config },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
      history: layers.map(() => ({ created_by: 'keelson' })),
    });
    const file = `${createHash('sha256').update(text).digest('hex')}.json`;
    writeFileSync(join(directory, file), text);
    for (const each of [file, ...layers.map((layer) => layer.file)]) members.add(each);
    return { Config: file, RepoTags: names, Layers: layers.map((layer) => layer.file) };
  });
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  const tar = join(directory, 'images.tar');
  execFileSync('tar', ['-C', directory, '-cf', tar, ...members]);
  return tar;
}
