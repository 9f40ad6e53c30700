/** Images as the runtime keeps them (CRI v1 ImageService). */
import type { SandboxConfig } from './sandbox.ts';

export interface ImageSpec {
  /** Reference to pull by, or id of one that is there. */
  readonly image: string;
  /** As the pod's author wrote it. */
  readonly userSpecified: string;
  readonly runtimeHandler: string;
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** The user that it names: a number, or else a name. */
  readonly uid?: number | undefined;
  readonly username: string;
  /** Never removed to make room. */
  readonly pinned: boolean;
}

/** Fields of `.docker/config.json`. */
export interface ImageCredentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly auth?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly identityToken?: string | undefined;
  readonly registryToken?: string | undefined;
}

export interface Images {
  images(): Promise<readonly Image[]>;
  /** @returns undefined where it is not there */
  image(spec: ImageSpec): Promise<Image | undefined>;
  /** @returns the reference that containers are created with. @throws RuntimeError */
  pullImage(spec: ImageSpec, credentials: ImageCredentials | undefined, sandbox: SandboxConfig): Promise<string>;
  /** All tags of it. Nothing happens where it is not there. */
  removeImage(spec: ImageSpec): Promise<void>;
  imageFilesystems(): Promise<readonly FilesystemUsage[]>;
}

export interface FilesystemUsage {
  readonly at: number;
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly usedInodes: number;
}
