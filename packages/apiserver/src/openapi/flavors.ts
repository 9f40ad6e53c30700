/** Wherein the paths of built-in and custom resources differ. */
export interface Flavor {
  /** What objects come as. */
  readonly objectTypes: readonly string[];
  /** What bodies may be. */
  readonly bodyTypes: readonly string[];
  /** What lists come as besides. */
  readonly streamTypes: readonly string[];
  readonly patchTypes: readonly string[];
  /** The old paths below `/watch/`. */
  readonly hasWatchPaths: boolean;
  /** Whether operations on /scale are said to be about Scales, or about the resource. */
  readonly namesSubresourceKinds: boolean;
  /** Whether lists are said to be watchable, PATCH to create, and collections to be deleted with options in the body. */
  readonly tellsAll: boolean;
  /** Parameters of GET. */
  readonly readParameters: readonly string[];
}

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

export const BUILTIN: Flavor = {
  objectTypes: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
  bodyTypes: ['*/*'],
  streamTypes: ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'],
  patchTypes: [JSON_PATCH, MERGE_PATCH, 'application/strategic-merge-patch+json', APPLY_PATCH],
  hasWatchPaths: true,
  namesSubresourceKinds: true,
  tellsAll: true,
  readParameters: ['pretty'],
};

export const CUSTOM: Flavor = {
  objectTypes: ['application/json', 'application/yaml'],
  bodyTypes: ['application/json', 'application/yaml'],
  streamTypes: [],
  patchTypes: [JSON_PATCH, MERGE_PATCH, APPLY_PATCH],
  hasWatchPaths: false,
  namesSubresourceKinds: false,
  tellsAll: false,
  readParameters: ['pretty', 'resourceVersion'],
};
