/** Names of images (github.com/distribution/reference). */

const DOMAIN =
  '(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^((?:${DOMAIN}/)?${PART}(?:/${PART})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

export interface ImageReference {
  /** `docker.io/library/busybox` */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** @throws Error with a message for InvalidImageName */
export function parseReference(image: string): ImageReference {
  const [, name, tag, digest] = REFERENCE.exec(image) ?? [];
  if (name === undefined || /^[a-f0-9]{64}$/.test(image))
    throw new Error(`couldn't parse image name "${image}": ${whyNot(image)}`);
  return { repository: qualified(name), tag, digest };
}

function whyNot(image: string): string {
  const lower = image.toLowerCase();
  if (lower !== image && REFERENCE.test(lower)) {
    return `invalid reference format: repository name (${image.replace(/:[^/]*$/, '')}) must be lowercase`;
  }
  return 'invalid reference format';
}

/** What is on the hub may leave that out. */
function qualified(name: string): string {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const isDomain = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  if (isDomain) return first === 'index.docker.io' ? `docker.io/${name.slice(slash + 1)}` : name;
  return slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

/** With `:latest`, where there is neither tag nor digest. @throws Error */
export function withDefaultTag(image: string): string {
  const { tag, digest } = parseReference(image);
  return tag === undefined && digest === undefined ? `${image}:latest` : image;
}
