/** A registry of the images of one archive, for pulls that go through (distribution's API, reading alone). */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface Saved {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

const TYPE = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (data: Uint8Array | string) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

/**
 * Serves until the process ends.
 * @param directory with what the archive was made of: its manifest.json, configurations and layers
 * @param host the address that it is reached at
 * @returns its URL
 */
export async function startRegistry(directory: string, host: string): Promise<string> {
  const blobs = new Map<string, string>();
  const manifests = new Map<string, { readonly text: string; readonly digest: string }>();
  const describe = (name: string, mediaType: string) => {
    const file = join(directory, name);
    const digest = [...blobs].find(([, known]) => known === file)?.[0] ?? digestOf(readFileSync(file));
    blobs.set(digest, file);
    return { mediaType, digest, size: statSync(file).size };
  };
  for (const { Config, RepoTags, Layers } of JSON.parse(
    readFileSync(join(directory, 'manifest.json'), 'utf8'),
  ) as Saved[]) {
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: TYPE,
      config: describe(Config, 'application/vnd.oci.image.config.v1+json'),
      layers: Layers.map((name) => describe(name, 'application/vnd.oci.image.layer.v1.tar')),
    });
    const manifest = { text, digest: digestOf(text) };
    for (const name of RepoTags) {
      const [, repository, tag] = /^[^/]+\/(.*):(.*)$/.exec(name)!;
      for (const reference of [tag, manifest.digest])
        manifests.set(`/v2/${repository}/manifests/${reference}`, manifest);
    }
  }
  const server = createServer(({ url = '', method }, response) => {
    const path = url.split('?')[0]!;
    const manifest = manifests.get(path);
    const blob = blobs.get(/\/blobs\/(.*)$/.exec(path)?.[1] ?? '');
    if (manifest) {
      response.writeHead(200, {
        'content-type': TYPE,
        'content-length': Buffer.byteLength(manifest.text),
        'docker-content-digest': manifest.digest,
      });
      response.end(method === 'HEAD' ? undefined : manifest.text);
    } else if (blob) {
      response.writeHead(200, { 'content-length': statSync(blob).size });
      if (method === 'HEAD') response.end();
      else createReadStream(blob).pipe(response);
    } else {
      response.writeHead(path === '/v2/' ? 200 : 404).end('{}');
    }
  }).listen(0, host);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
