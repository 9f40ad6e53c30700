/** Image references (github.com/distribution/reference), as far as the API server reads them. */

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const HOST =
  '(?:[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*(?:\\.[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
const REFERENCE = new RegExp(
  `^(?:${HOST}/)?(${COMPONENT}(?:/${COMPONENT})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
const MAX_PATH = 255;

/**
 * The tag of an image, `latest` where it names neither tag nor digest. Empty for a digest without a tag and for what is
 * no reference at all.
 */
export function imageTag(image: string): string {
  if (/^[a-f0-9]{64}$/.test(image)) return '';
  const slash = image.indexOf('/');
  const host = image.slice(0, Math.max(slash, 0));
  const named = /[.:]/.test(host) || host === 'localhost' || host !== host.toLowerCase();
  let domain = named ? host : 'docker.io';
  let path = named ? image.slice(slash + 1) : image;
  if (domain === 'index.docker.io') domain = 'docker.io';
  if (domain === 'docker.io' && !path.includes('/')) path = `library/${path}`;
  const match = REFERENCE.exec(`${domain}/${path}`);
  if (!match || match[1]!.length > MAX_PATH) return '';
  const [, , tag = '', digest = ''] = match;
  if (digest !== '') {
    const [algorithm, hex] = digest.split(':') as [string, string];
    if (hex.length !== DIGEST_LENGTHS[algorithm] || hex !== hex.toLowerCase()) return '';
  }
  return tag === '' && digest === '' ? 'latest' : tag;
}

/** What a container gets that does not say how to pull its image. */
export function defaultPullPolicy(image: string): string {
  return imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent';
}
