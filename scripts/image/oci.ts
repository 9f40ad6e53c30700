/** Images as an OCI image layout in a tar archive (image-spec v1.1), which `ctr images import` and `podman load` read. */
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { type Entry, file, tar, withDirectories } from './tar.ts';

export interface ImageSpec {
  /** From what changes seldom to what changes often. */
  readonly layers: readonly (readonly Entry[])[];
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** All the names that it has, with their tags. */
  readonly names: readonly string[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = 'application/vnd.oci.image';
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** @param level of zstd */
export function imageArchive({ layers, user, entrypoint, labels, names }: ImageSpec, level: number): Buffer {
  const blobs = new Map<string, Entry>();
  const blob = (mediaType: string, bytes: Buffer): Descriptor => {
    const hex = sha256(bytes);
    blobs.set(hex, file(`blobs/sha256/${hex}`, bytes));
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const tars = layers.map((entries) => tar(withDirectories(entries)));
  const config = blob(
    `${OCI}.config.v1+json`,
    json({
      created: '1970-01-01T00:00:00Z',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { User: user, Env: [`PATH=${PATH}`], Entrypoint: entrypoint, WorkingDir: '/', Labels: labels },
      rootfs: { type: 'layers', diff_ids: tars.map((bytes) => `sha256:${sha256(bytes)}`) },
    }),
  );
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    [constants.ZSTD_c_windowLog]: 23, // what every decoder takes
  };
  const compressed = tars.map((bytes) => blob(`${OCI}.layer.v1.tar+zstd`, zstdCompressSync(bytes, { params })));
  const manifest = blob(
    `${OCI}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers: compressed }),
  );
  // Of several names each has a descriptor of its own of the same manifest.
  const manifests = names.map((name) => ({
    ...manifest,
    annotations: {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
    },
  }));
  return tar(
    withDirectories([
      file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
      file('index.json', json({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests })),
      ...blobs.values(),
    ]),
  );
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
